"""A data set of CelebA's size, prepared and trained on with little memory: python benchmarks/full_size.py

Writes 202,599 JPEGs of 178×218 (2 GB), prepares them at 128×128 (10 GB) and trains on them, in a control group that
limits the memory, the page cache of its files included. Needs Linux and the right to make a control group (root).
The table goes to benchmarks/full_size.md.
"""

import argparse
import pathlib
import tempfile

from measuring import machine, own_side, run_side, write_jpegs, write_section

from facevae.command_line.text_table import markdown

TABLE = pathlib.Path(__file__).with_suffix(".md")
TITLE = "# CelebA's size with little memory\n\nMade by `python benchmarks/full_size.py`.\n"
V1, V2 = pathlib.Path("/sys/fs/cgroup/memory"), pathlib.Path("/sys/fs/cgroup")


class ControlGroup:
    """Limits the memory of the processes in it (Linux control groups, version 1 or 2)."""

    def __init__(self, limit: int):
        version_1 = V1.is_dir()
        self.folder = (V1 if version_1 else V2) / "facevae_full_size"
        self.folder.mkdir(exist_ok=True)
        name = "memory.limit_in_bytes" if version_1 else "memory.max"
        (self.folder / name).write_text(str(limit))

    def command(self, command: list[str]) -> list[str]:
        """The same command, run in the group."""
        join = f'echo $$ > "{self.folder}/cgroup.procs" && exec "$@"'
        return ["sh", "-c", join, "sh", *command]

    def __enter__(self) -> "ControlGroup":
        return self

    def __exit__(self, *_: object) -> None:
        self.folder.rmdir()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=int, default=202_599)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--memory-gb", type=float, default=8.0)
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--scratch", help="a folder with 15 GB of room (default: the system's temporary one)")
    flags = parser.parse_args()

    rows = list(measure(flags).items())
    heading = f"{flags.images:,} pictures at {flags.size}×{flags.size} with {flags.memory_gb:g} GB"
    write_section(TABLE, TITLE, heading, f"{machine()}. Preset celeba128.\n\n{markdown(('', ''), rows)}")


def measure(flags: argparse.Namespace) -> dict[str, str]:
    """Writes the pictures, prepares them and trains twice, once with the preparation; the table's rows."""
    with (
        tempfile.TemporaryDirectory(dir=flags.scratch) as scratch,
        ControlGroup(int(flags.memory_gb * 2**30)) as group,
    ):
        folder = write_jpegs(pathlib.Path(scratch) / "pictures", flags.images, 178, 218)
        cache = pathlib.Path(scratch) / "cache"
        command = own_side(
            *("--mode", "folder", "--preset", "celeba128", "--size", flags.size, "--batch", flags.batch),
            *("--steps", flags.steps, "--folder", folder, "--cache-dir", cache),
        )
        first, again = (run_side(group.command(command)) for _ in range(2))
        source, prepared = size_gb(folder), size_gb(cache)
    preparing = first["preparing"]
    return {
        "source on the disk": f"{source:.1f} GB",
        "prepared on the disk": f"{prepared:.2f} GB",
        "preparation": f"{preparing:.0f} s, {flags.images / preparing:,.0f} pictures a second",
        "opening it again": f"{again['preparing']:.1f} s",
        "peak memory of the process, with preparation": f"{first['peak_mb'] / 1000:.2f} GB",
        "peak memory of the process, prepared": f"{again['peak_mb'] / 1000:.2f} GB",
        "training from it": f"{again['images_per_second']:.0f} faces a second",
        "of the speed on a batch in memory": f"{100 * again['of_memory']:.1f} %",
    }


def size_gb(folder: pathlib.Path) -> float:
    """Of all files in a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e9


if __name__ == "__main__":
    main()
