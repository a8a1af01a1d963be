"""Figures as tables of Markdown, and the aims with what was found."""

from dataclasses import dataclass


@dataclass
class Aim:
    """What a ratio, or a size, is to be."""

    what: str
    found: float
    least: float = None
    most: float = None
    shown: str = "{:.2f}"

    def row(self):
        met = self.found >= self.least if self.most is None else self.found <= self.most
        bound = f"≥ {self.shown.format(self.least)}" if self.most is None else f"≤ {self.shown.format(self.most)}"
        return [self.what, bound, self.shown.format(self.found), "met" if met else "**missed**"]


def table(heads, rows):
    """A table of Markdown, and an empty line."""
    lines = [f"| {' | '.join(heads)} |", "|" + "---|" * len(heads)]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join(lines) + "\n\n"


def aims(given):
    return table(["aim", "is to be", "found", ""], [aim.row() for aim in given])


def compared(figures, columns, to):
    """A row a contender: its columns, each a head with how it is shown of a name, then its rate over each of `to`."""
    present = [other for other in to if other in figures.contenders()]
    rows = []
    for who in figures.contenders():
        cells = [show(figures, who) for _, show in columns]
        ratios = [f"{figures.ratio(who, other, 'rate'):.2f}" for other in present]
        rows.append([who, *cells, *ratios])
    return table(["", *(head for head, _ in columns), *(f"{other} = 1" for other in present)], rows)


def spread(name, shown):
    """A median, and between what the rounds were."""

    def show(figures, who):
        values = figures.all(who, name)
        return f"{shown(figures.median(who, name))} ({shown(min(values))} to {shown(max(values))})"

    return show


def median(name, shown):
    return lambda figures, who: shown(figures.median(who, name))


def of_proxy(name, shown):
    """Of a contender that is a process."""
    return lambda figures, who: shown(figures.median(who, name)) if figures.median(who, name) else "-"


def count(value):
    return f"{value:,.0f}"


def megabytes(value):
    return f"{value / 1e6:,.0f} MB/s"


def time(seconds):
    """Of a latency."""
    if seconds < 1e-3:
        return f"{seconds * 1e6:.0f} µs"
    return f"{seconds * 1e3:.2f} ms" if seconds < 0.1 else f"{seconds * 1e3:.0f} ms"


def microseconds(seconds):
    return f"{seconds * 1e6:.1f} µs"


def kilobytes(size):
    return f"{size / 1000:.1f} KB"
