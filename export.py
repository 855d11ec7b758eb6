"""Export a trained run for phones, browsers and servers: python export.py RUN_DIR.

Writes a SavedModel, the decoder in up to four .tflite formats, the encoder, a model card, a guide for app developers
and a web page. Every model file is compared with the trained model; a .tflite file that fails is removed.
"""

from facevae.command_line.interruption import end_on_signals

if __name__ == "__main__":  # before the other imports, which take a while
    end_on_signals()

import argparse
import pathlib
import sys

from facevae.command_line.ending import exit_on_user_error
from facevae.command_line.parser import Parser
from facevae.command_line.printed_commands import script_command
from facevae.command_line.quiet import without_native_notes
from facevae.errors import UserError, printable
from facevae.exporting.formats import FORMATS
from facevae.run.opened_run import add_data_flags, open_from_flags

# -----------------------------------------------------------------------------------------------------------------
# Flags
# -----------------------------------------------------------------------------------------------------------------


def parse_command_line(arguments: list[str] | None = None) -> argparse.Namespace:
    """Parses the flags and checks their values, before TensorFlow is loaded."""
    flags = _parser().parse_args(arguments)
    if flags.checked_latents < 8:
        raise UserError(
            f"--checked-latents: expected at least 8, received {flags.checked_latents}. "
            "Fewer cannot tell a good file from a bad one; leave the flag out for 64."
        )
    if not 0 <= flags.port <= 65535:
        raise UserError(f"--port: expected 0 to 65535, received {flags.port}. Give 0 for any free port.")
    return flags


def _parser() -> Parser:
    formats = "\n".join(f"  {name:14}{form.file}: {form.summary}" for name, form in FORMATS.items())
    parser = Parser(
        prog="export.py",
        description=__doc__,
        epilog=f"formats:\n{formats}",
    )
    parser.add_argument("run_dir", help="folder of the run, as train.py named it")
    parser.add_argument(
        "--formats",
        nargs="+",
        choices=FORMATS,
        default=list(FORMATS),
        help="formats of the decoder (default: all)",
    )
    parser.add_argument(
        "--output-dir",
        help="export folder (default: RUN_DIR/export), new, empty or with an earlier export, which is replaced",
    )
    parser.add_argument(
        "--checked-latents",
        type=int,
        default=64,
        help="examples on which each file is compared with the model, at least 8 (default: 64)",
    )
    _add_serving(parser)
    add_data_flags(parser)
    return parser


def _add_serving(parser: Parser) -> None:
    """Adds the flags of the web page's server."""
    parser.add_argument(
        "--serve",
        action="store_true",
        help="serve the web page afterwards, to this machine only, and open it",
    )
    parser.add_argument(
        "--no-browser", action="store_true", help="with --serve, only print the address of the page"
    )
    parser.add_argument(
        "--port", type=int, default=8000, help="port for --serve (default: 8000; 0: any free port)"
    )
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        help="address for --serve (default: 127.0.0.1); 0.0.0.0 opens the page to the network, "
        "and shows a QR code for phones",
    )


def main(arguments: list[str] | None = None) -> int:
    flags = parse_command_line(arguments)

    # -------------------------------------------------------------------------------------------------------------
    # Export
    # -------------------------------------------------------------------------------------------------------------
    opened = open_from_flags(flags)  # wrong flags are answered before the slow import of TensorFlow

    with without_native_notes():
        from facevae.exporting.export import export_run
        from facevae.exporting.report import table

    export = export_run(opened, tuple(dict.fromkeys(flags.formats)), flags.output_dir, flags.checked_latents)

    # -------------------------------------------------------------------------------------------------------------
    # Report
    # -------------------------------------------------------------------------------------------------------------
    print(table(export.results))
    for result in export.results:
        for remark in result.remarks:
            print(f"warning: {result.file}: {remark}", file=sys.stderr)
        for problem in result.problems:
            print(f"error: {result.file} removed: {problem}", file=sys.stderr)
    for note in export.notes:
        print(note)
    print(f"Written to {printable(str(export.folder))}")
    if not flags.serve and (export.folder / "web").is_dir():
        words: list[str | pathlib.Path] = [opened.run.path, "--serve"]
        if flags.output_dir:
            words += ["--output-dir", pathlib.Path(flags.output_dir)]
        print(f"  see it:         {script_command('export.py', *words)}")

    # -------------------------------------------------------------------------------------------------------------
    # Web page
    # -------------------------------------------------------------------------------------------------------------
    if flags.serve:
        from facevae.exporting.server import serve

        serve(export.folder / "web", flags.host, flags.port, open_browser=not flags.no_browser)
    return 1 if export.failed else 0


if __name__ == "__main__":
    with exit_on_user_error():
        sys.exit(main())
