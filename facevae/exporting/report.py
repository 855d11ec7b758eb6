"""The table of checks that an export prints."""

from facevae.command_line.text_table import aligned
from facevae.exporting.checks import Result

_COLUMNS = ("file", "size", "largest error", "mean error", "PSNR", "per face", "load", "in XNNPACK")


def table(results: list[Result]) -> str:
    """One line per file: size, errors against the float32 model, times on one thread.

    Args:
        results: of the checks, one per file.
    """
    return "\n".join(aligned([_COLUMNS, *(_row(result) for result in results)]))


def size_text(count: int) -> str:
    """A number of bytes as text, in kB or MB."""
    return f"{count / 1e6:.2f} MB" if count >= 1e5 else f"{count / 1e3:.1f} kB"


def _row(result: Result) -> tuple[str, ...]:
    if result.problems:
        return (
            result.file,
            size_text(result.bytes),
            *("removed: see below" if i == 0 else "" for i in range(6)),
        )
    delegated = {True: "yes", False: "no", None: "-"}[result.delegated]
    if result.largest_error is None:
        return (result.file, size_text(result.bytes), *["-"] * 6)
    return (
        result.file,
        size_text(result.bytes),
        f"{result.largest_error:.1e}",
        f"{result.mean_error:.1e}",
        f"{result.psnr:.1f} dB",
        f"{result.milliseconds:.2f} ms",
        f"{result.load_milliseconds:.0f} ms",
        delegated,
    )
