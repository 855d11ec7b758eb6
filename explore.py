"""Pictures of what a run has learned. Each command writes them into the run folder and into TensorBoard."""

import argparse
import sys
from collections.abc import Callable

from facevae.errors import exit_on_user_error
from facevae.opened_run import DATA_FLAGS, add_data_flags, open_from_flags
from facevae.quiet import without_native_notes

EXAMPLES = """examples:
  python explore.py runs/mine reconstruct
  python explore.py runs/mine reconstruct me.jpg --eyes 412,388,530,391
  python explore.py runs/mine generate --count 64 --temperature 0.8
  python explore.py runs/mine edit 12 --attribute Smiling --strength -3:3:7
  python explore.py runs/mine morph 3 8 me.jpg --box 320,240,290,380"""
FACE = "a picture file, or the number of a face of the test split"


# ---------------------------------------------------------------------------------------------------------
# What flags may say
# ---------------------------------------------------------------------------------------------------------


def whole_number(least: int, most: int) -> Callable[[str], int]:
    """The argument type of whole numbers between two limits."""

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
    """left,top,width,height."""
    try:
        values = tuple(float(part) for part in text.split(","))
    except ValueError:
        values = ()
    if len(values) != 4:
        raise argparse.ArgumentTypeError(f"expected four numbers with commas between, received {text!r}")
    return values


def two_points(text: str) -> tuple[tuple[float, float], tuple[float, float]]:
    """x,y,x,y as two points."""
    x1, y1, x2, y2 = four_numbers(text)
    return (x1, y1), (x2, y2)


def strengths(text: str) -> tuple[float, float, int]:
    """from:to:count."""
    try:
        start, end, number = text.split(":")
        first, last, count = float(start), float(end), int(number)
        if not (2 <= count <= 50 and abs(first) <= 100 and abs(last) <= 100):
            raise ValueError
    except ValueError:
        message = f"expected FROM:TO:COUNT, e.g. -3:3:7 (to ±100, 2 to 50 faces), received {text!r}"
        raise argparse.ArgumentTypeError(message) from None
    return first, last, count


# ---------------------------------------------------------------------------------------------------------
# Commands and their flags; the commands themselves are in facevae.exploration.commands
# ---------------------------------------------------------------------------------------------------------


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="explore.py",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("run_dir", metavar="RUN_DIR", help="folder of the run")
    add_data_flags(parser)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    def command(name: str, help: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=help, description=help, allow_abbrev=False)
        add_data_flags(added)  # they may stand before the command or behind it
        return added

    added = command("reconstruct", "originals over reconstructions")
    added.add_argument("images", nargs="*", metavar="IMAGE", help=f"{FACE} (default: some of that split)")
    _add_alignment(added)
    _add_count(added, 20, 1000, "faces of the test split")
    _add_seed(added)

    added = command("generate", "new faces, from N(0, 1) and from the fitted density")
    _add_count(added, 40, 1000, "faces of each kind")
    help = "factor on the noise: below 1 more typical faces, above 1 more various ones (default: 1)"
    added.add_argument("--temperature", type=temperature, default=1.0, help=help)
    _add_seed(added)

    added = command("latents", "the latent distribution: a map of it, and each dimension beside N(0, 1)")
    _add_count(added, None, 20_000, "training faces (default: all, at most 20,000)")
    added.add_argument(
        "--attribute", help="colours the map (default: the six attributes that it groups best)"
    )
    _add_seed(added)

    added = command("edit", "one face with less and more of an attribute, or a sheet of all attributes")
    added.add_argument("face", metavar="IMAGE|INDEX", help=FACE)
    added.add_argument("--attribute", help="e.g. Smiling (default: a sheet of all attributes)")
    help = (
        "how much of the attribute is added; 1 is the gap between faces without and with it (default: -2:2:9)"
    )
    added.add_argument(
        "--strength", type=strengths, default=(-2.0, 2.0, 9), metavar="FROM:TO:COUNT", help=help
    )
    _add_alignment(added)

    added = command("morph", "the way from face to face, linear and spherical, with an animation")
    added.add_argument("faces", nargs="+", metavar="IMAGE|INDEX", help=f"two or more, each {FACE}")
    added.add_argument("--steps", type=whole_number(2, 50), default=9, help="faces of a strip (default: 9)")
    _add_alignment(added)

    added = command("traverse", "what the most informative latent dimensions do, ordered by KL")
    added.add_argument(
        "face", nargs="?", metavar="IMAGE|INDEX", help=f"start: {FACE} (default: the mean face)"
    )
    _add_count(added, 10, 1024, "latent dimensions")
    _add_alignment(added)

    added = command("neighbours", "the training faces nearest to generated ones: learned, or memorised?")
    _add_count(added, 8, 100, "generated faces")
    _add_seed(added)
    return parser


def _add_alignment(parser: argparse.ArgumentParser) -> None:
    either = parser.add_mutually_exclusive_group()
    help = "centres of the eyes in a picture file, in its pixels, to align the face; repeat it for each file"
    either.add_argument("--eyes", type=two_points, action="append", default=[], metavar="X,Y,X,Y", help=help)
    help = "instead: the face in a picture file, from hairline to chin and from ear to ear"
    either.add_argument(
        "--box", type=four_numbers, action="append", default=[], metavar="LEFT,TOP,WIDTH,HEIGHT", help=help
    )


def _add_count(parser: argparse.ArgumentParser, default: int | None, most: int, what: str) -> None:
    help = what if default is None else f"{what} (default: {default})"
    parser.add_argument("--count", type=whole_number(1, most), default=default, help=help)


def _add_seed(parser: argparse.ArgumentParser) -> None:
    help = "of the random draw (default: 0)"
    parser.add_argument("--seed", type=whole_number(0, 2**31 - 1), default=0, help=help)


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """The flags, those of the command among them."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    # argparse takes -3:3:7 for another flag.
    if "--strength" in given[:-1]:
        place = given.index("--strength")
        given[place : place + 2] = [f"--strength={given[place + 1]}"]
    parser = build_parser()
    flags = parser.parse_args(given)
    if flags.command == "morph" and len(flags.faces) < 2:
        parser.error("morph: expected at least two faces, received one")
    return flags


def main(arguments: list[str] | None = None) -> None:
    """Runs one command."""
    flags = parse(arguments)
    opened = open_from_flags(flags)  # before the seconds that TensorFlow takes to import

    with without_native_notes():
        from facevae.exploration import Exploration, commands

    of_all = ("run_dir", "command", *DATA_FLAGS)
    options = {name: value for name, value in vars(flags).items() if name not in of_all}
    getattr(commands, flags.command)(Exploration(opened), **options)


if __name__ == "__main__":
    with exit_on_user_error():
        main()
