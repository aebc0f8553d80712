"""Bars as SVG, which a page of the documentation can show as it is."""

from xml.sax.saxutils import escape

from tools.bench.figures import summary

COLOURS = ("#2c7a4b", "#c9a227", "#7a8793", "#3b6ea5")
BAR, GAP, LEFT, WIDTH, RIGHT = 16, 14, 150, 420, 90


def bars(title, unit, groups):
    """Return a picture of groups of bars, `{group: {name: [numbers]}}`: medians, with a line from the least to the most."""
    names = list(dict.fromkeys(name for group in groups.values() for name in group))
    most = max(max(values) for group in groups.values() for values in group.values()) or 1
    marks, top = [_text(10, 20, f"{title}, {unit}", "font-weight='bold'"), *_legend(names)], 60
    for group, series in groups.items():
        marks.append(_text(LEFT - 10, top + BAR * len(series) / 2 + 4, group, "text-anchor='end'"))
        for name, values in series.items():
            marks += _bar(top, values, most, COLOURS[names.index(name) % len(COLOURS)])
            top += BAR
        top += GAP
    size = f"viewBox='0 0 {LEFT + WIDTH + RIGHT} {top}' width='{LEFT + WIDTH + RIGHT}' height='{top}'"
    head = f"<svg xmlns='http://www.w3.org/2000/svg' {size} font-family='sans-serif' font-size='12'>"
    return "\n".join([head, "<rect width='100%' height='100%' fill='white'/>", *marks, "</svg>"]) + "\n"


def _legend(names):
    marks, left = [], LEFT
    for name, colour in zip(names, COLOURS, strict=False):
        marks.append(f"<rect x='{left}' y='32' width='10' height='10' fill='{colour}'/>")
        marks.append(_text(left + 14, 41, name))
        left += 30 + 7 * len(name)
    return marks


def _bar(top, values, most, colour):
    found = {name: value / most * WIDTH for name, value in summary(values).items()}
    middle = top + BAR / 2 - 1
    return [
        f"<rect x='{LEFT}' y='{top}' width='{found['median']:.1f}' height='{BAR - 2}' fill='{colour}'/>",
        f"<path d='M{LEFT + found['min']:.1f} {middle}H{LEFT + found['max']:.1f}' stroke='black'/>",
        _text(LEFT + found["max"] + 6, middle + 4, f"{summary(values)['median']:,.3g}"),
    ]


def _text(left, top, text, how=""):
    return f"<text x='{left:.1f}' y='{top:.1f}' {how}>{escape(text)}</text>"
