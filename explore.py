"""Pictures of what a run has learned. Each command writes them into the run folder and into TensorBoard."""

from facevae.command_line.interruption import end_on_signals

if __name__ == "__main__":  # before the other imports, which take a while
    end_on_signals()

import argparse
import sys
from collections.abc import Callable

from facevae.command_line.ending import exit_on_user_error
from facevae.command_line.parser import Parser
from facevae.command_line.quiet import without_native_notes
from facevae.errors import UserError
from facevae.run.opened_run import DATA_FLAGS, add_data_flags, open_from_flags
from facevae.run.output_folder import check_drawing_folder

EXAMPLES = """examples:
  python explore.py runs/mine reconstruct
  python explore.py runs/mine reconstruct me.jpg
  python explore.py runs/mine edit group.jpg --face 2 --attribute Smiling
  python explore.py runs/mine neighbours me.jpg
  python explore.py runs/mine generate --count 64 --temperature 0.8
  python explore.py runs/mine generate --attribute Smiling --attribute no_Eyeglasses
  python explore.py runs/mine edit 12 --attribute Smiling --strength -3:3:7
  python explore.py runs/mine morph 3 8 me.jpg --box 320,240,290,380"""
FACE = "a picture file, or the number of a face of the test split"


# ---------------------------------------------------------------------------------------------------------
# Types of the values of flags
# ---------------------------------------------------------------------------------------------------------


def whole_number(least: int, most: int) -> Callable[[str], int]:
    """The argument type of whole numbers between two limits, both included."""

    def check(text: str) -> int:
        if not text.isdecimal() or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(
                f"expected a whole number from {least} to {most:,}, received {text!r}"
            )
        return int(text)

    return check


def temperature(text: str) -> float:
    """A number from 0 to 10."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0.0 <= value <= 10.0:
        raise argparse.ArgumentTypeError(f"expected a number from 0 to 10, received {text!r}")
    return value


def four_numbers(text: str) -> tuple[float, ...]:
    """Four numbers separated by commas."""
    try:
        values = tuple(float(part) for part in text.split(","))
    except ValueError:
        values = ()
    if len(values) != 4:
        raise argparse.ArgumentTypeError(f"expected four numbers separated by commas, received {text!r}")
    return values


def two_points(text: str) -> tuple[tuple[float, float], tuple[float, float]]:
    """Two points, from four numbers x,y,x,y."""
    x1, y1, x2, y2 = four_numbers(text)
    return (x1, y1), (x2, y2)


def strengths(text: str) -> tuple[float, float, int]:
    """The first strength, the last one and how many there are, from FROM:TO:COUNT."""
    try:
        start, end, number = text.split(":")
        first, last, count = float(start), float(end), int(number)
        if not (2 <= count <= 50 and abs(first) <= 100 and abs(last) <= 100):
            raise ValueError
    except ValueError:
        message = f"expected FROM:TO:COUNT, e.g. -3:3:7 (from -100 to 100, 2 to 50 faces), received {text!r}"
        raise argparse.ArgumentTypeError(message) from None
    return first, last, count


# ---------------------------------------------------------------------------------------------------------
# Flags of each command; the commands themselves are in facevae.exploration.commands
# ---------------------------------------------------------------------------------------------------------


def _add_reconstruct(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("faces", nargs="*", metavar="FACE", help=f"{FACE} (default: some of that split)")
    _add_alignment(parser)
    _add_count(
        parser, None, 1000, "number of faces from the test split, if no FACE is given (default: 20, or all)"
    )
    _add_seed(parser)


def _add_generate(parser: argparse.ArgumentParser) -> None:
    _add_count(parser, 40, 1000, "number of faces from each distribution")
    help = "only faces with this attribute, e.g. Smiling, or without it: no_Eyeglasses; may be repeated"
    parser.add_argument("--attribute", action="append", default=[], metavar="NAME", help=help)
    _add_temperature(parser)
    _add_seed(parser)


def _add_latents(parser: argparse.ArgumentParser) -> None:
    _add_count(parser, None, 20_000, "number of training faces (default: all, at most 20,000)")
    help = "the attribute that colours the map (default: the six attributes that the map groups best)"
    parser.add_argument("--attribute", help=help)
    _add_seed(parser)


def _add_edit(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("face", metavar="FACE", help=FACE)
    parser.add_argument(
        "--attribute", help="e.g. Smiling (default: a sheet of all that the model can change)"
    )
    help = (
        "how much of the attribute is added; at 1 the median face gains it, at -1 loses it (default: -2:2:9)"
    )
    parser.add_argument(
        "--strength", type=strengths, default=(-2.0, 2.0, 9), metavar="FROM:TO:COUNT", help=help
    )
    _add_alignment(parser)


def _add_morph(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("faces", nargs="+", metavar="FACE", help=f"two or more, each {FACE}")
    help = "number of faces in each strip, both ends included (default: 9)"
    parser.add_argument("--steps", type=whole_number(2, 50), default=9, help=help)
    _add_alignment(parser)


def _add_traverse(parser: argparse.ArgumentParser) -> None:
    help = f"where to start: {FACE} (default: the mean of the training faces' latents)"
    parser.add_argument("face", nargs="?", metavar="FACE", help=help)
    _add_count(parser, None, 1024, "number of latent dimensions (default: 10, or all)")
    _add_alignment(parser)


def _add_neighbours(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("faces", nargs="*", metavar="FACE", help=f"{FACE} (default: generated faces)")
    _add_alignment(parser)
    _add_count(parser, 8, 100, "number of generated faces, if no FACE is given")
    _add_temperature(parser)
    _add_seed(parser)


def _add_compare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("other", metavar="OTHER_RUN_DIR", help="folder of the other run")
    _add_count(parser, None, 40, "number of faces in a row (default: 8, or all)")
    _add_temperature(parser)
    _add_seed(parser)


def _add_nothing(parser: argparse.ArgumentParser) -> None:
    pass


def _add_alignment(parser: argparse.ArgumentParser) -> None:
    either = parser.add_mutually_exclusive_group()
    help = (
        "centres of the eyes in a picture file, in its pixels, where the face is not found by itself; "
        "repeat it for each file"
    )
    either.add_argument("--eyes", type=two_points, action="append", default=[], metavar="X,Y,X,Y", help=help)
    help = "instead of --eyes, where several faces are found: which one, from 1, the largest; repeat it for each file"
    either.add_argument(
        "--face",
        type=whole_number(1, 64),
        action="append",
        default=[],
        metavar="NUMBER",
        dest="number",
        help=help,
    )
    help = "instead of --eyes: the box around the face, from hairline to chin and from ear to ear"
    either.add_argument(
        "--box", type=four_numbers, action="append", default=[], metavar="LEFT,TOP,WIDTH,HEIGHT", help=help
    )


def _add_count(parser: argparse.ArgumentParser, default: int | None, most: int, what: str) -> None:
    help = what if default is None else f"{what} (default: {default})"
    parser.add_argument("--count", type=whole_number(1, most), default=default, help=help)


def _add_temperature(parser: argparse.ArgumentParser) -> None:
    help = (
        "factor on the noise: below 1 for more typical faces, 1 for the model as it is, above 1 for more varied faces "
        "(default: the run's viewing temperature, at which faces look best by measurement)"
    )
    parser.add_argument("--temperature", type=temperature, help=help)


def _add_seed(parser: argparse.ArgumentParser) -> None:
    help = "seed of the random draw (default: 0)"
    parser.add_argument("--seed", type=whole_number(0, 2**31 - 1), default=0, help=help)


def _add_output(parser: argparse.ArgumentParser) -> None:
    help = "write the pictures to this folder, and nothing into the run folder (default: RUN_DIR/figures)"
    parser.add_argument("--output-dir", default=argparse.SUPPRESS, metavar="FOLDER", help=help)
    help = "of the pictures: svg and pdf keep the lines and letters of figures (default: png); animations are WebP"
    parser.add_argument("--format", choices=("png", "svg", "pdf"), default=argparse.SUPPRESS, help=help)


# ---------------------------------------------------------------------------------------------------------
# Command line
# ---------------------------------------------------------------------------------------------------------

# Each command's help, and the function that adds its flags.
COMMANDS: dict[str, tuple[str, Callable[[argparse.ArgumentParser], None]]] = {
    "reconstruct": ("originals above reconstructions", _add_reconstruct),
    "generate": ("new faces, from N(0, 1) and from the fitted density", _add_generate),
    "latents": (
        "the latent distribution: a map of it, and each latent dimension against N(0, 1)",
        _add_latents,
    ),
    "edit": (
        "one face with less and more of an attribute, or a sheet of all that the model can change",
        _add_edit,
    ),
    "morph": ("interpolations from face to face, linear and spherical, and an animation", _add_morph),
    "traverse": ("one face while one of the most informative latent dimensions varies", _add_traverse),
    "neighbours": (
        "the training faces nearest to given ones, or to generated ones: were any memorised?",
        _add_neighbours,
    ),
    "compare": ("two runs side by side: the same faces, new faces, errors", _add_compare),
    "film": ("how the same faces and samples looked, epoch by epoch: an animation and a strip", _add_nothing),
}


def build_parser() -> Parser:
    """The parser of the whole command line, with a subparser for each command."""
    parser = Parser(
        prog="explore.py",
        description=__doc__,
        epilog=EXAMPLES,
    )
    parser.add_argument("run_dir", metavar="RUN_DIR", help="folder of the run")
    _add_output(parser)
    add_data_flags(parser)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, (help, add_flags) in COMMANDS.items():
        command = commands.add_parser(name, help=help, description=help)
        _add_output(command)  # these flags may be given before or after the command
        add_data_flags(command)
        add_flags(command)
    return parser


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Parses the command line.

    Args:
        arguments: its words; None for those of the process.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    # argparse would read -3:3:7 as another flag.
    if "--strength" in given[:-1]:
        place = given.index("--strength")
        given[place : place + 2] = [f"--strength={given[place + 1]}"]
    parser = build_parser()
    flags = parser.parse_args(given)
    if flags.command == "morph" and len(flags.faces) < 2:
        raise UserError("morph: expected at least two faces, received one. Give another.")
    return flags


def main(arguments: list[str] | None = None) -> None:
    """Runs one command."""
    flags = parse(arguments)
    opened = open_from_flags(flags)  # before TensorFlow, which takes seconds to import
    output_dir = getattr(flags, "output_dir", None)
    if output_dir is not None:
        check_drawing_folder(output_dir)

    with without_native_notes():
        from facevae.exploration import Exploration, commands

    shared = ("run_dir", "command", "output_dir", "format", *DATA_FLAGS)
    options = {name: value for name, value in vars(flags).items() if name not in shared}
    explored = Exploration(opened, output_dir, getattr(flags, "format", "png"))
    getattr(commands, flags.command)(explored, **options)


if __name__ == "__main__":
    with exit_on_user_error():
        main()
