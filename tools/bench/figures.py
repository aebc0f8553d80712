"""Figures that were taken several times, for people: the median, how far they lie apart, and how two of them compare."""

import statistics


def summary(values):
    """Return the least, the median and the most of some numbers."""
    return {"min": min(values), "median": statistics.median(values), "max": max(values)}


def ratio(these, those):
    """Return the median of the ratios of numbers that were taken in the same rounds."""
    return statistics.median(this / that for this, that in zip(these, those, strict=True))


def shown(values, digits=1):
    """Return the median and, where there are several, the least and the most."""
    found = {name: f"{value:,.{digits}f}" for name, value in summary(values).items()}
    return found["median"] if len(values) == 1 else f"{found['median']} ({found['min']} to {found['max']})"


def table(head, rows):
    """Return a table: the first column to the left, all others to the right."""
    lines = [head, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    return "\n".join(
        "  "
        + "  ".join(f"{cell:{'<' if not column else '>'}{widths[column]}}" for column, cell in enumerate(line)).rstrip()
        for line in lines
    )
