"""Speed of training steps on a batch in memory, of facevae and of other programs for the same network.

    python benchmarks/training_speed.py [--keras-peer SCRIPT] [--torch-peer SCRIPT --torch-python PYTHON]

The table goes to benchmarks/training_speed.md. The command is the same on a machine with a GPU, which facevae and a
Keras peer then use; there, give `--shapes 64x512 128x256`.
"""

import argparse
import pathlib

from measuring import add_peers, in_turns, machine, median, own_side, peers, ratio, shapes, write_section

from facevae.command_line.text_table import markdown

TABLE = pathlib.Path(__file__).with_suffix(".md")
TITLE = "# Training steps on a batch in memory\n\nMade by `python benchmarks/training_speed.py`.\n"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--shapes", nargs="+", type=shapes, default=[(64, 64), (128, 32)], metavar="SIZExBATCH"
    )
    parser.add_argument("--rounds", type=int, default=5, help="runs of each side (default: 5)")
    parser.add_argument("--steps", type=int, default=40, help="of each run (default: 40)")
    parser.add_argument("--precision", default="auto", help="of facevae, as for train.py")
    parser.add_argument("--xla", default="auto", help="of facevae, as for train.py")
    parser.add_argument(
        "--table", type=pathlib.Path, default=TABLE, help=f"(default: {TABLE.name} beside this)"
    )
    add_peers(parser)
    flags = parser.parse_args()

    for size, batch in flags.shapes:
        common = ("--mode", "step", "--size", size, "--batch", batch, "--steps", flags.steps)
        own = own_side(*common, "--precision", flags.precision, "--xla", flags.xla)
        results = in_turns({"facevae": own, **peers(flags, *common)}, flags.rounds)
        write_section(flags.table, TITLE, f"{size}×{size}, batches of {batch}", section(results, size, flags))


def section(results: dict[str, list[dict]], size: int, flags: argparse.Namespace) -> str:
    ours = results["facevae"]
    rows = []
    for name, runs in results.items():
        rates = sorted(run["images_per_second"] for run in runs)
        rows.append(
            (
                name,
                f"{median(runs, 'images_per_second'):.0f}",
                f"{rates[0]:.0f} to {rates[-1]:.0f}",
                "" if name == "facevae" else f"{ratio(ours, runs):.2f}",
            )
        )
    cost, rate = ours[0], median(ours, "images_per_second")
    return (
        f"{machine()}; facevae on {cost['device']} in {cost['precision']}, XLA {'on' if cost['xla'] else 'off'}. The "
        f"reference network, {flags.rounds} runs of {flags.steps} steps in turns, medians; the ratio is the median of "
        f"the rounds' ratios.\n\n{markdown(('', 'images a second', 'from … to', 'facevae is faster by'), rows)}\n\n"
        f"For each image facevae reads {size * size * 3 / 1e3:.1f} kB of pixels, multiplies and adds "
        f"{3 * cost['multiplications'] / 1e6:.0f} million times (a third of it forwards), and passes "
        f"{cost['activations'] / 1e6:.2f} million numbers from layer to layer; the networks have "
        f"{cost['parameters'] / 1e6:.2f} million weights. At its speed that is {size * size * 3 * rate / 1e6:.1f} MB "
        f"and {6 * cost['multiplications'] * rate / 1e9:.0f} GFLOP a second."
    )


if __name__ == "__main__":
    main()
