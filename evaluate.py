"""Measure a trained run on its test split: python evaluate.py RUN_DIR.

It measures reconstructions, likelihood, distances of samples from test faces, and whether training faces were
memorised. Samples are drawn at temperature 1: the model as it is. The results are printed, saved as evaluation.json in
the run folder, and shown in TensorBoard.
"""

from facevae.command_line.interruption import end_on_signals

if __name__ == "__main__":  # before the other imports, which take a while
    end_on_signals()

import argparse

from facevae.command_line.ending import exit_on_user_error
from facevae.command_line.parser import Parser
from facevae.command_line.printed_commands import script_command
from facevae.command_line.quiet import without_native_notes
from facevae.errors import UserError, printable
from facevae.run.opened_run import add_data_flags, open_from_flags
from facevae.run.output_folder import check_picture_folder, check_result_file
from facevae.run.run_folder import NETWORKS

# -----------------------------------------------------------------------------------------------------------------
# Flags
# -----------------------------------------------------------------------------------------------------------------


def parse_command_line(arguments: list[str] | None = None) -> argparse.Namespace:
    """Parses the flags and checks their values, before TensorFlow is imported.

    Raises:
        UserError: a value out of range.
    """
    parser = Parser(
        prog="evaluate.py",
        description=__doc__,
    )
    parser.add_argument("run_dir", help="folder of the run, as train.py named it")
    parser.add_argument(
        "--which",
        choices=NETWORKS,
        help="the model of the last epoch, that of the lowest validation loss, or the sharpened one "
        "(default: sharpened if the run was trained with --sharpen, best if with --early-stopping, else last)",
    )
    parser.add_argument(
        "--samples",
        type=int,
        default=10_000,
        help="number of samples, reduced to the number of test faces where that is smaller (default: 10000; 1,000 at "
        "64x64 take 40 s of processor time, the first evaluation on a data set about 40 s more)",
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of every random draw (default: 0)")
    parser.add_argument(
        "--save-images",
        nargs=2,
        metavar=("N", "DIR"),
        help="also write N samples to DIR/samples and N test faces to DIR/references as PNG files, for pytorch-fid "
        "or clean-fid",
    )
    parser.add_argument(
        "--output",
        metavar="FILE",
        help="write the results to this JSON file, and nothing into the run folder",
    )
    add_data_flags(parser)
    return _checked(parser.parse_args(arguments))


def _checked(flags: argparse.Namespace) -> argparse.Namespace:
    if flags.samples < 8:
        raise UserError(
            f"--samples: expected at least 8, received {flags.samples}. Use some thousands for stable results."
        )
    if flags.seed < 0:
        raise UserError(
            f"--seed: expected at least 0, received {flags.seed}. Give a larger one, or leave it out."
        )
    if flags.save_images:
        count, folder = flags.save_images
        if not count.isdecimal() or int(count) < 1:
            raise UserError(
                f"--save-images: expected a number of pictures (at least 1) and a folder, received {count!r} as the "
                "number. Example: --save-images 10000 fid."
            )
        flags.save_images = int(count), folder
    return flags


def main(arguments: list[str] | None = None) -> None:
    flags = parse_command_line(arguments)
    opened = open_from_flags(flags)  # first, as importing TensorFlow takes seconds
    if flags.save_images:
        check_picture_folder(flags.save_images[1], opened.data)
    if flags.output is not None:
        check_result_file(flags.output)

    with without_native_notes():
        from facevae.evaluation import evaluate, open_evaluation, save, save_images, table, write_result

    # -------------------------------------------------------------------------------------------------------------
    # Run and data
    # -------------------------------------------------------------------------------------------------------------
    evaluated = open_evaluation(opened, flags.samples, flags.seed)

    # -------------------------------------------------------------------------------------------------------------
    # PNG files for other tools
    # -------------------------------------------------------------------------------------------------------------
    if flags.save_images:
        print(save_images(evaluated, *flags.save_images))

    # -------------------------------------------------------------------------------------------------------------
    # Metrics
    # -------------------------------------------------------------------------------------------------------------
    evaluation = evaluate(evaluated)
    print(f"\n{table(evaluation)}\n", flush=True)
    if flags.output is None:
        save(opened.run, evaluation)
        print(f"Written to {printable(str(opened.run.evaluation))}")
    else:
        write_result(flags.output, evaluation)
        print(f"Written to {printable(str(flags.output))}")
    print(f"  explore it:     {script_command('explore.py', opened.run.path, 'generate')}")
    print(f"  export it:      {script_command('export.py', opened.run.path)}")


if __name__ == "__main__":
    with exit_on_user_error():
        main()
