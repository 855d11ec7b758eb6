"""How time and memory grow: python benchmarks/growth.py [--axes images size latent batch]

With the number of pictures in a folder, the image size, the latent dimensions and the batch, for the network of the
preset demo; each figure is from a process of its own. The table goes to benchmarks/growth.md.
"""

import argparse
import pathlib
import tempfile

from measuring import in_turns, machine, median, own_side, run_side, write_jpegs, write_section

from facevae.command_line.text_table import markdown

TABLE = pathlib.Path(__file__).with_suffix(".md")
TITLE = "# Growth\n\nMade by `python benchmarks/growth.py`; explained in [performance.md](../docs/performance.md).\n"
AXES = {
    "size": (32, 64, 128, 256),
    "latent": (32, 64, 128, 256, 512),
    "batch": (8, 16, 32, 64, 128, 256, 512),
}
IMAGES = (1_000, 10_000, 100_000)
STANDARD = {"size": 64, "latent": 128, "batch": 32}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--axes", nargs="+", choices=("images", *AXES), default=["images", *AXES])
    parser.add_argument("--rounds", type=int, default=3, help="runs for each figure (default: 3)")
    parser.add_argument("--images", type=int, default=2000, help="faces trained on in a run (default: 2000)")
    flags = parser.parse_args()
    for axis in flags.axes:
        text = images(flags) if axis == "images" else steps(axis, flags)
        write_section(TABLE, TITLE, f"Against the {NAMES[axis]}", text)


NAMES = {
    "images": "number of pictures",
    "size": "image size",
    "latent": "latent dimensions",
    "batch": "batch",
}


def steps(axis: str, flags: argparse.Namespace) -> str:
    """Training steps on a batch in memory, for each value of one axis."""
    sides = {}
    for value in AXES[axis]:
        chosen = {**STANDARD, axis: value}
        count = max(4, flags.images // chosen["batch"])
        arguments = [part for name, number in chosen.items() for part in (f"--{name}", number)]
        sides[value] = own_side("--mode", "step", "--preset", "demo", "--steps", count, *arguments)
    rows = []
    for value, runs in in_turns(sides, flags.rounds).items():
        rate = median(runs, "images_per_second")
        batch = value if axis == "batch" else STANDARD["batch"]
        cost = runs[0]
        rows.append(
            (
                value,
                f"{rate:.0f}",
                f"{1000 * batch / rate:.0f}",
                f"{median(runs, 'processor_ms'):.2f}",
                f"{median(runs, 'peak_mb'):.0f}",
                f"{cost['parameters'] / 1e6:.2f}",
                f"{3 * cost['multiplications'] / 1e6:.0f}",
                f"{4 * cost['activations'] / 1e6:.2f}",
            )
        )
    others = ", ".join(f"{name} {value}" for name, value in STANDARD.items() if name != axis)
    header = (
        axis,
        "faces a second",
        "ms a step",
        "ms of processor time a face",
        "peak memory, MB",
        "parameters, M",
    )
    header += ("Mmultiplications a face", "MB of activations a face")
    told = f"medians of {flags.rounds} runs in turns"
    return f"{machine()}; {others}; {told}.\n\n{markdown(header, rows)}"


def images(flags: argparse.Namespace) -> str:
    """Preparation of and training from folders of JPEGs of 89×109, for each number of them."""
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        for count in IMAGES:
            folder = write_jpegs(pathlib.Path(scratch) / f"{count}", count, 89, 109)
            command = own_side(
                *("--mode", "folder", "--preset", "demo", "--folder", folder),
                *(
                    "--cache-dir",
                    pathlib.Path(scratch) / "cache",
                    "--steps",
                    flags.images // STANDARD["batch"],
                ),
                *(part for name, value in STANDARD.items() for part in (f"--{name}", value)),
            )
            first = run_side(command)
            again = [run_side(command) for _ in range(flags.rounds)]
            rows.append(
                (
                    f"{count:,}",
                    f"{first['preparing']:.1f}",
                    f"{count / first['preparing']:,.0f}",
                    f"{median(again, 'preparing'):.2f}",
                    f"{median(again, 'images_per_second'):.0f}",
                    f"{100 * median(again, 'of_memory'):.1f} %",
                    f"{first['peak_mb']:.0f}",
                    f"{median(again, 'peak_mb'):.0f}",
                )
            )
    header = ("pictures", "preparation, s", "pictures a second", "opening again, s", "faces a second")
    header += ("of a batch in memory", "peak memory preparing, MB", "peak memory prepared, MB")
    return f"{machine()}; medians of {flags.rounds} runs.\n\n{markdown(header, rows)}"


if __name__ == "__main__":
    main()
