"""Tables of text: aligned columns for a terminal, and Markdown."""

from collections.abc import Iterable, Sequence


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """One line for each row; the first column is aligned to the left, the others to the right.

    Args:
        rows: all of the same number of cells; a header is a row.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for first, *others in rows:
        cells = [first.ljust(widths[0]), *map(str.rjust, others, widths[1:])]
        lines.append("  ".join(cells).rstrip())
    return lines


def markdown(header: Sequence[str], rows: Iterable[Sequence[object]], columns: str | None = None) -> str:
    """A Markdown table, without a line break at its end.

    Args:
        header: the columns' titles.
        rows: a cell for each title.
        columns: a letter for each column, `l` for text and `r` for numbers (default: text first, then numbers).
    """
    rules = {"l": "---", "r": "--:"}
    columns = columns or "l" + "r" * (len(header) - 1)
    lines = [header, [rules[letter] for letter in columns], *rows]
    return "\n".join(f"| {' | '.join(map(str, cells))} |" for cells in lines)
