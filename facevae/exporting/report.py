"""The table of checks that an export prints."""

from facevae.command_line.text_table import aligned
from facevae.exporting.checks import Result
from facevae.exporting.sample_distance import SAMPLES

_COLUMNS = (
    "file",
    "size",
    "largest error",
    "mean error",
    "PSNR",
    "new faces",
    "levels",
    "per face",
    "load",
    "in XNNPACK",
)
_NEW_FACES = f"""
new faces: how far {SAMPLES} new faces of the file lie from {SAMPLES} others of the float32 model, as a multiple
of how far the float32 model's own lie from them; 1.00× is no difference. It is the energy distance of
the mean colour and of the detail of 8×8 cells. levels: mean error of new faces, in grey levels of 255."""


def table(results: list[Result]) -> str:
    """One line per file: size, errors against the float32 model, new faces, times on one thread; then explanations.

    Args:
        results: of the checks, one per file.
    """
    lines = aligned([_COLUMNS, *(_row(result) for result in results)])
    if any(result.sample_error is not None for result in results):
        lines.append(_NEW_FACES)
    return "\n".join(lines)


def size_text(count: int) -> str:
    """A number of bytes as text, in kB or MB."""
    return f"{count / 1e6:.2f} MB" if count >= 1e5 else f"{count / 1e3:.1f} kB"


def _row(result: Result) -> tuple[str, ...]:
    size = size_text(result.bytes)
    if result.problems:
        return (result.file, size, "removed: see below", *[""] * (len(_COLUMNS) - 3))
    if result.largest_error is None:
        return (result.file, size, *["-"] * (len(_COLUMNS) - 2))
    return (
        result.file,
        size,
        f"{result.largest_error:.1e}",
        f"{result.mean_error:.1e}",
        f"{result.psnr:.1f} dB",
        "-" if result.sample_distance is None else f"{result.sample_distance:.2f}×",
        "-" if result.sample_error is None else f"{result.sample_error:.2f}",
        f"{result.milliseconds:.2f} ms",
        f"{result.load_milliseconds:.0f} ms",
        {True: "yes", False: "no", None: "-"}[result.delegated],
    )
