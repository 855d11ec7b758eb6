"""Speed of training from a folder of JPEGs, beside a batch in memory and beside other programs.

    python benchmarks/folder_speed.py FOLDER --shape 64x64 [--keras-peer SCRIPT] [--torch-peer SCRIPT ...]

From the second epoch on facevae reads the faces that it prepared in the first; the peers decode every picture in every
epoch. "First epoch" includes the preparation. The table goes to benchmarks/folder_speed.md.
"""

import argparse
import pathlib
import shutil
import tempfile

from measuring import (
    add_peers,
    in_turns,
    machine,
    median,
    own_side,
    peers,
    ratio,
    run_side,
    shapes,
    write_section,
)

from facevae.command_line.text_table import markdown

TABLE = pathlib.Path(__file__).with_suffix(".md")
TITLE = "# Training from a folder of JPEGs\n\nMade by `python benchmarks/folder_speed.py FOLDER`.\n"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=pathlib.Path, help="with JPEGs directly in it")
    parser.add_argument("--shape", type=shapes, default=(64, 64), metavar="SIZExBATCH")
    parser.add_argument("--rounds", type=int, default=5, help="runs of each side (default: 5)")
    parser.add_argument("--images", type=int, help="use only so many of them (default: all)")
    add_peers(parser)
    flags = parser.parse_args()
    size, batch = flags.shape

    with tempfile.TemporaryDirectory() as scratch:
        folder = copied(flags.folder, flags.images, pathlib.Path(scratch) / "pictures")
        count = len(list(folder.iterdir()))
        own = ("--size", size, "--batch", batch, "--folder", folder)
        kept = (*own, "--steps", count // batch, "--cache-dir", pathlib.Path(scratch) / "kept")
        run_side(own_side("--mode", "input", *kept))  # prepares
        sides = {
            "facevae": own_side("--mode", "folder", *kept),
            "facevae, first epoch": own_side("--mode", "first", *own),
            **peers(flags, "--mode", "folder", "--size", size, "--batch", batch, "--folder", folder),
        }
        results = in_turns(sides, flags.rounds)
        batches_alone = run_side(own_side("--mode", "input", *kept))["images_per_second"]
    heading = f"{size}×{size}, batches of {batch}"
    write_section(TABLE, TITLE, heading, section(results, count, flags, batches_alone))


def copied(folder: pathlib.Path, count: int | None, target: pathlib.Path) -> pathlib.Path:
    """Copies the first pictures of a folder into a new folder, which it returns."""
    target.mkdir()
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in (".jpg", ".jpeg"))[:count]
    if not paths:
        raise SystemExit(f"{folder}: expected JPEGs directly in it, found none.")
    for path in paths:
        shutil.copy(path, target / path.name)
    return target


def section(results: dict, count: int, flags: argparse.Namespace, batches_alone: float) -> str:
    rows = []
    for name, runs in results.items():
        ratios = ("", "")
        if not name.startswith("facevae"):
            ratios = tuple(f"{ratio(results[own], runs):.2f}" for own in ("facevae", "facevae, first epoch"))
        rows.append((name, f"{median(runs, 'images_per_second'):.0f}", *ratios))
    preparing = median(results["facevae, first epoch"], "preparing")
    return (
        f"{machine()}. The reference network, an epoch of {count:,} pictures, {flags.rounds} runs in turns, medians; "
        f"the ratios are medians of the rounds' ratios. From the folder facevae reaches "
        f"{100 * median(results['facevae'], 'of_memory'):.1f} % of its speed on one batch in memory (in turns within "
        f"each run). Preparation took {preparing:.2f} s. Batches alone, without training: {batches_alone:,.0f} images "
        f"a second.\n\n"
        + markdown(("", "images a second", "facevae is faster by", "its first epoch is faster by"), rows)
    )


if __name__ == "__main__":
    main()
