"""Small inline SVG pictures. Pure: figures in, Markup out; the page gives the colours, in light and dark.

Values that are None or not finite are gaps; a picture with nothing to show says so and draws no axis.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime

from markupsafe import Markup, escape

COLOURS = 6  # the page defines --series-1 … --series-6
DASHES = ("none", "7 3", "2 3", "9 3 2 3", "12 4", "4 2")  # colour alone is not told apart by everybody
KEY, LEGEND_ROW = 150, 16
Point = tuple[float | datetime, float | None]


def histogram(
    counts: Sequence[int | float],
    edges: Sequence[float] | None = None,
    *,
    beside: Sequence[int | float] | None = None,
    width: int = 160,
    height: int = 36,
    label: str = "distribution",
) -> Markup:
    """Bars of equal width, one per bin.

    Args:
        counts: rows (or shares) per bin.
        edges: one more than the counts; shown when the pointer rests on a bar.
        beside: a second distribution over the same bins (a reference), drawn as an outline; both are
            scaled to their own totals, so that samples of different size compare.
    """
    first = _shares(counts)
    second = _shares(beside) if beside is not None else []
    top = max([*first, *second], default=0.0)
    if top <= 0:
        return _nothing(width, height, label)
    step = width / len(first)
    parts = []
    for index, part in enumerate(first):
        tall = part / top * (height - 2)
        title = f"{counts[index]:,}"
        if edges is not None:
            title = f"{_tick(edges[index])} to {_tick(edges[index + 1])}: {title}"
        parts.append(
            f'<rect x="{index * step + 0.5:.1f}" y="{height - tall:.1f}" width="{max(step - 1, 0.5):.1f}" '
            f'height="{tall:.1f}" class="bar">{_title(title)}</rect>'
        )
    if second:
        outline = " ".join(
            f"L{index * step:.1f},{height - part / top * (height - 2):.1f} "
            f"L{(index + 1) * step:.1f},{height - part / top * (height - 2):.1f}"
            for index, part in enumerate(second)
        )
        parts.append(f'<path d="M0,{height} {outline} L{width},{height}" class="outline"/>')
    return _svg(width, height, label, parts)


def bars(
    items: Sequence[tuple[str, float | None]],
    *,
    width: int = 520,
    limit: int = 20,
    marks: Mapping[str, float] | None = None,
    label: str = "bars",
    digits: int = 3,
) -> Markup:
    """Horizontal bars with their names and values, in the order given; at most `limit` of them.

    Args:
        marks: named values at which a dashed line is drawn (thresholds).
    """
    known = [(name, float(value)) for name, value in items if value is not None and math.isfinite(value)]
    shown = known[:limit]
    if not shown:
        return _nothing(width, 48, label)
    row, left, right = 22, min(220, width * 0.4), 64
    low = min(0.0, *(value for _, value in shown))
    high = max(0.0, *(value for _, value in shown), *(marks or {}).values())
    scale = (width - left - right) / ((high - low) or 1.0)
    zero = left - low * scale
    height = row * len(shown) + 4
    parts = []
    for index, (name, value) in enumerate(shown):
        y = index * row + 2
        start = min(zero, zero + value * scale)
        parts += [
            _text(left - 8, y + 14, _short(name, int(left / 6.6)), anchor="end", title=name),
            f'<rect x="{start:.1f}" y="{y + 3}" width="{max(abs(value * scale), 1):.1f}" '
            f'height="{row - 8}" rx="2" class="bar">{_title(f"{name}: {value:g}")}</rect>',
            _text(max(zero, zero + value * scale) + 6, y + 14, _figure(value, digits), kind="soft"),
        ]
    for name, value in (marks or {}).items():
        x = zero + value * scale
        parts.append(_rule(x, 0, x, height, "limit", title=f"{name}: {value:g}"))
    return _svg(width, height, label, parts)


def waterfall(
    steps: Sequence[tuple[str, float]],
    *,
    start: tuple[str, float],
    end: str,
    width: int = 520,
    label: str = "waterfall",
    digits: int = 3,
) -> Markup:
    """From a value to another, step by step downwards: what adds to the right, what takes away to the left.

    Args:
        steps: names and what each adds.
        start: name and value of where it begins.
        end: name of what the steps lead to.
    """
    at = start[1]
    spans = []
    for name, value in steps:
        spans.append((name, at, at + value))
        at += value
    if not all(math.isfinite(figure) for _, *figures in spans for figure in figures) or not math.isfinite(at):
        return _nothing(width, 48, label)
    places = [start[1], *(figure for _, *figures in spans for figure in figures)]
    low, high = _spread(min(places), max(places))
    row, left, right = 22, min(230, width * 0.44), 64
    scale = (width - left - right) / (high - low)
    height = row * (len(spans) + 2) + 4

    def px(value: float) -> float:
        return left + (value - low) * scale

    parts = [*_level(0, start[0], start[1], px(start[1]), left, row, digits)]
    for index, (name, before, after) in enumerate(spans, start=1):
        y = index * row + 2
        colour = f"var(--series-{1 if after >= before else 2})"
        title = _title(f"{name}: {after - before:+g}")
        parts += [
            _rule(px(before), y - row / 2 + 3, px(before), y + row - 5, "soft-line"),
            _text(left - 8, y + 14, _short(name, int(left / 7.4)), anchor="end", title=name),
            f'<rect x="{min(px(before), px(after)):.1f}" y="{y + 3}" '
            f'width="{max(abs(px(after) - px(before)), 1):.1f}" height="{row - 8}" rx="2" '
            f'style="fill:{colour}">{title}</rect>',
            _text(max(px(before), px(after)) + 6, y + 14, f"{after - before:+.{digits}g}", kind="soft"),
        ]
    parts += _level(len(spans) + 1, end, at, px(at), left, row, digits)
    return _svg(width, height, label, parts)


def _level(index: int, name: str, value: float, x: float, left: float, row: int, digits: int) -> list[str]:
    """A line of a waterfall that is a value of its own."""
    y = index * row + 2
    return [
        _text(left - 8, y + 14, _short(name, int(left / 7.4)), anchor="end", title=name),
        f'<circle cx="{x:.1f}" cy="{y + row / 2 - 1:.1f}" r="4" class="dot">{_title(f"{name}: {value:g}")}</circle>',
        _text(x + 8, y + 14, _figure(value, digits)),
    ]


def line(
    series: Mapping[str, Sequence[Point]],
    *,
    width: int = 520,
    height: int = 220,
    x: str = "",
    y: str = "",
    limits: Mapping[str, float] | None = None,
    diagonal: bool = False,
    points: bool = False,
    zero: bool = False,
    marks: Mapping[str, Collection[float | datetime]] | None = None,
    label: str = "lines",
) -> Markup:
    """Lines over one plane, with axes and a legend; x is a number or a time (all of one kind).

    Args:
        limits: named heights at which a dashed line is drawn (thresholds).
        diagonal: also the line y = x (calibration, ROC).
        points: a dot at every value.
        zero: the y axis begins at 0.
        marks: per line the places that get a ring.
    """
    drawn = {name: [(_at(at), _finite(value)) for at, value in values] for name, values in series.items()}
    xs = [at for values in drawn.values() for at, value in values if value is not None]
    ys = [value for values in drawn.values() for _, value in values if value is not None]
    if not xs:
        return _nothing(width, height, label)
    times = any(isinstance(at, datetime) for values in series.values() for at, _ in values)
    ys += [*(limits or {}).values(), *([min(xs), max(xs)] if diagonal else []), *([0.0] if zero else [])]
    ys += [1.0] if zero and not any(ys) else []  # where all is 0 the axis says how little that is
    across = _day_around(min(xs), max(xs)) if times else _spread(min(xs), max(xs))
    plane = _Plane(across, _spread(min(ys), max(ys)), width, height, len(series))
    parts = [*plane.axes(times, x, y)]
    if diagonal:
        low, high = max(plane.x[0], plane.y[0]), min(plane.x[1], plane.y[1])
        parts.append(_rule(plane.px(low), plane.py(low), plane.px(high), plane.py(high), "soft-line"))
    for name, value in (limits or {}).items():
        parts += plane.limit(name, value)
    for index, (name, values) in enumerate(drawn.items()):
        colour = f"var(--series-{index % COLOURS + 1})"
        dash = DASHES[index % COLOURS]
        style = f"stroke:{colour};stroke-dasharray:{dash}"
        parts.append(f'<path d="{plane.path(values)}" class="line" style="{style}"/>')
        alone = _alone(values)
        parts += [
            f'<circle cx="{plane.px(at):.1f}" cy="{plane.py(value):.1f}" r="2.5" style="fill:{colour}">'
            f"{_title(f'{name}: {value:g}')}</circle>"
            for place, (at, value) in enumerate(values)
            if value is not None and (points or place in alone)
        ]
        ringed = {_at(place) for place in (marks or {}).get(name, ())}
        parts += [
            f'<circle cx="{plane.px(at):.1f}" cy="{plane.py(value):.1f}" r="5" fill="none" '
            f'style="stroke:{colour};stroke-width:2">{_title(f"{name}: {value:g}")}</circle>'
            for at, value in values
            if value is not None and at in ringed
        ]
        if plane.legend:
            parts += plane.key(index, name, colour, dash)
    return _svg(width, height, label, parts)


def stacked(
    series: Mapping[str, Sequence[float]],
    xs: Sequence[float],
    *,
    steps: Sequence[tuple[float, str]] = (),
    width: int = 1040,
    height: int = 240,
    x: str = "",
    y: str = "",
    label: str = "shares over time",
) -> Markup:
    """Areas on top of each other that share the height at every x, each as its part of the total there.

    Args:
        series: name -> a figure of at least 0 per x; where all are 0, nothing is drawn.
        xs: in rising order, one per figure.
        steps: places with a short text, each a dotted line from top to bottom.
    """
    totals = [sum(values) for values in zip(*series.values(), strict=True)]
    if len(xs) < 2 or not any(totals):
        return _nothing(width, height, label)
    plane = _Plane((xs[0], xs[-1]), (0.0, 1.0), width, height, len(series), always=True)
    plane.top += 14 if steps else 0
    parts, floor = [], [0.0] * len(xs)
    for index, (name, values) in enumerate(series.items()):
        colour = f"var(--series-{index % COLOURS + 1})"
        roof = [
            low + value / total if total else low
            for low, value, total in zip(floor, values, totals, strict=True)
        ]
        edge = [*zip(xs, roof, strict=True), *reversed([*zip(xs, floor, strict=True)])]
        area = f'<path d="{plane.path(edge)} Z" style="fill:{colour};fill-opacity:.75">{_title(name)}</path>'
        parts += [area, *plane.key(index, name, colour)]
        floor = roof
    for at, text in steps:
        place = plane.px(at)
        parts.append(_rule(place, plane.top, place, height - plane.bottom, "soft-line"))
        near_end = place > width - plane.right - 8 * len(text)
        side = "end" if near_end else "start"
        parts.append(_text(place + (-2 if near_end else 2), plane.top - 4, text, anchor=side, kind="soft"))
    return _svg(width, height, label, [*parts, *plane.axes(False, x, y)])


def band(
    points: Sequence[tuple[float | datetime, float, float, float]],
    *,
    width: int = 520,
    height: int = 240,
    x: str = "",
    y: str = "",
    limits: Mapping[str, float] | None = None,
    label: str = "interval over time",
) -> Markup:
    """A value (x, value, low, high) over time inside its interval, with axes.

    Args:
        limits: named heights at which a dashed line is drawn; they are always in the picture.
    """
    known = [(_at(at), *rest) for at, *rest in points if all(math.isfinite(figure) for figure in rest)]
    if not known:
        return _nothing(width, height, label)
    xs = [point[0] for point in known]
    ys = [figure for point in known for figure in point[1:]] + [*(limits or {}).values()]
    times = any(isinstance(point[0], datetime) for point in points)
    across = _day_around(min(xs), max(xs)) if times else _spread(min(xs), max(xs))
    plane = _Plane(across, _spread(min(ys), max(ys)), width, height)
    parts = plane.axes(times, x, y)
    edge = [(at, high) for at, _, _, high in known] + [(at, low) for at, _, low, _ in reversed(known)]
    parts.append(
        f'<path d="{plane.path(edge)} Z" style="fill:var(--series-1);fill-opacity:.18">'
        f"{_title('the interval')}</path>"
    )
    for name, value in (limits or {}).items():
        parts += plane.limit(name, value)
    line = plane.path((at, value) for at, value, _, _ in known)
    parts.append(f'<path d="{line}" class="line" style="stroke:var(--series-1)"/>')
    return _svg(width, height, label, parts)


def interval(
    value: float | None,
    low: float | None,
    high: float | None,
    *,
    least: float,
    most: float,
    mark: float | None = None,
    width: int = 160,
    height: int = 18,
    label: str = "interval",
) -> Markup:
    """A value as a dot on the scale from `least` to `most`, its interval a bar, a bound a dashed line."""
    if value is None or not math.isfinite(value) or most <= least:
        return _nothing(width, height, label)

    def place(figure: float) -> float:
        return 4 + (min(max(figure, least), most) - least) / (most - least) * (width - 8)

    middle = height / 2
    parts = [_rule(4, middle, width - 4, middle, "soft-line")]
    if low is not None and high is not None and math.isfinite(low) and math.isfinite(high):
        parts.append(_rule(place(low), middle, place(high), middle, "band"))
    if mark is not None:
        parts.append(_rule(place(mark), 0, place(mark), height, "limit"))
    parts.append(f'<circle cx="{place(value):.1f}" cy="{middle}" r="4" class="dot"/>')
    return _svg(width, height, label, parts)


def distributions(
    edges: Sequence[float],
    counts: Mapping[str, Sequence[int | float]],
    *,
    width: int = 520,
    height: int = 300,
    x: str = "",
    y: str = "share of the rows",
    mark: float | None = None,
    mark_name: str = "",
    label: str = "distributions",
) -> Markup:
    """Several distributions over the same bins, each as shares of its own total, with axes and a legend.

    Args:
        edges: one more than the counts of each name.
        mark: a place on the x axis at which a dashed line is drawn (a threshold).
    """
    shares = {name: _shares(values) for name, values in counts.items() if sum(_shares(values)) > 0}
    if not shares:
        return _nothing(width, height, label)
    top = max(max(values) for values in shares.values())
    plane = _Plane((edges[0], edges[-1]), (0.0, top * 1.05), width, height, len(shares))
    parts = [*plane.axes(False, x, y)]
    for index, (name, values) in enumerate(shares.items()):
        colour = f"var(--series-{index % COLOURS + 1})"
        steps = " ".join(
            f"L{plane.px(edges[at]):.1f},{plane.py(part):.1f} L{plane.px(edges[at + 1]):.1f},{plane.py(part):.1f}"
            for at, part in enumerate(values)
        )
        floor = plane.py(0)
        path = f"M{plane.px(edges[0]):.1f},{floor:.1f} {steps} L{plane.px(edges[-1]):.1f},{floor:.1f}"
        parts.append(f'<path d="{path}" style="fill:{colour};fill-opacity:.16"/>')
        parts.append(f'<path d="{path}" class="line" style="stroke:{colour}">{_title(name)}</path>')
        if plane.legend:
            parts += plane.key(index, name, colour)
    if mark is not None and edges[0] <= mark <= edges[-1]:
        at = plane.px(mark)
        parts.append(_rule(at, plane.top, at, plane.py(0), "limit", title=f"{mark_name}: {mark:g}"))
        side = "end" if at > width * 0.75 else "start"
        parts.append(
            _text(
                at + (-4 if side == "end" else 4), plane.top + 12, mark_name, anchor=side, kind="limit-text"
            )
        )
    return _svg(width, height, label, parts)


def error_bars(
    points: Sequence[tuple[float, float, float, float]],
    *,
    width: int = 520,
    height: int = 300,
    x: str = "",
    y: str = "",
    diagonal: bool = True,
    label: str = "points with intervals",
) -> Markup:
    """Points (x, y, low, high) with their intervals, and the line y = x."""
    known = [point for point in points if all(math.isfinite(figure) for figure in point)]
    if not known:
        return _nothing(width, height, label)
    xs = [point[0] for point in known]
    ys = [figure for point in known for figure in point[1:]] + (xs if diagonal else [])
    plane = _Plane(_spread(min(xs), max(xs)), _spread(min(ys), max(ys)), width, height)
    parts = [*plane.axes(False, x, y)]
    if diagonal:
        low, high = plane.x
        parts.append(_rule(plane.px(low), plane.py(low), plane.px(high), plane.py(high), "soft-line"))
    line = plane.path((at, value) for at, value, _, _ in known)
    parts.append(f'<path d="{line}" class="line" style="stroke:var(--series-1);opacity:.5"/>')
    for at, value, low, high in known:
        title = _title(f"{_tick(at)}: {_tick(value)}, {_tick(low)} to {_tick(high)}")
        ends = f'x1="{plane.px(at):.1f}" y1="{plane.py(low):.1f}" x2="{plane.px(at):.1f}" y2="{plane.py(high):.1f}"'
        parts.append(f'<line {ends} style="stroke:var(--series-1);stroke-width:1.5"/>')
        parts.append(
            f'<circle cx="{plane.px(at):.1f}" cy="{plane.py(value):.1f}" r="3.5" class="dot">{title}</circle>'
        )
    return _svg(width, height, label, parts)


class _Plane:
    """The place of figures on the picture."""

    def __init__(
        self,
        x: tuple[float, float],
        y: tuple[float, float],
        width: int,
        height: int,
        names: int = 0,
        *,
        always: bool = False,
    ) -> None:
        """`names` stand in the legend, in as many rows as they need; a single one only where it is `always` told."""
        self.x, self.y, self.width, self.height = x, y, width, height
        self.legend = names > 1 or (always and names == 1)
        self.left, self.right, self.bottom = 52, 14, 34
        self.keys = max(1, (width - self.left) // KEY)
        rows = -(-names // self.keys) if self.legend else 0
        self.top = 18 + LEGEND_ROW * (rows - 1) + 8 if rows else 18

    def px(self, value: float) -> float:
        return self.left + (value - self.x[0]) / (self.x[1] - self.x[0]) * (
            self.width - self.left - self.right
        )

    def py(self, value: float) -> float:
        room = self.height - self.top - self.bottom
        return self.height - self.bottom - (value - self.y[0]) / (self.y[1] - self.y[0]) * room

    def path(self, values: Iterable[tuple[float, float | None]]) -> str:
        """Lines between neighbours; a gap lifts the pen."""
        steps, down = [], False
        for at, value in values:
            if value is None:
                down = False
                continue
            steps.append(f"{'L' if down else 'M'}{self.px(at):.1f},{self.py(value):.1f}")
            down = True
        return " ".join(steps)

    def key(self, index: int, name: str, colour: str, dash: str = "") -> list[str]:
        """One entry of the legend: a field of that colour, or a line with those dashes."""
        x = self.left + 6 + index % self.keys * KEY
        y = 2 + index // self.keys * LEGEND_ROW
        style = f"stroke:{colour};stroke-width:2.5;stroke-dasharray:{dash}"
        mark = (
            f'<line x1="{x}" y1="{y + 5}" x2="{x + 22}" y2="{y + 5}" style="{style}"/>'
            if dash
            else f'<rect x="{x + 6}" y="{y}" width="10" height="10" rx="2" style="fill:{colour}"/>'
        )
        return [mark, _text(x + 27, y + 9, _short(name, 17), title=name)]

    def limit(self, name: str, value: float) -> list[str]:
        """A dashed line at that height, with its name above it, or below where there is no room above."""
        at = self.py(value)
        above = at - 4 > self.top + 6
        return [
            _rule(self.left, at, self.width - self.right, at, "limit"),
            _text(
                self.width - self.right - 2, at + (-4 if above else 13), name, anchor="end", kind="limit-text"
            ),
        ]

    def axes(self, times: bool, x: str, y: str) -> list[str]:
        floor = self.height - self.bottom
        parts = []
        for value in _ticks(*self.y, 4):
            at = self.py(value)
            parts.append(_rule(self.left, at, self.width - self.right, at, "grid"))
            parts.append(_text(self.left - 6, at + 4, _tick(value), anchor="end", kind="soft"))
        wide = self.width > 360
        steps = _spaced(*self.x, 4 if wide else 3) if times else _ticks(*self.x, 6 if wide else 3)
        for value in steps:
            text = _day(value, self.x[1] - self.x[0]) if times else _tick(value)
            half = 4 * len(text) if times else 8  # of what stands at an end of the axis
            at = min(max(self.px(value), self.left - 20 + half), self.width - max(half, self.right + 8))
            parts.append(_text(at, floor + 16, text, anchor="middle", kind="soft"))
        if times:
            x = x or _zone(*self.x)
        if x:
            middle = (self.left + self.width - self.right) / 2
            parts.append(_text(middle, self.height - 4, x, anchor="middle", kind="soft"))
        if y:
            turned = f"translate(11,{(self.top + floor) / 2:.0f}) rotate(-90)"
            parts.append(f'<text transform="{turned}" text-anchor="middle" class="soft">{escape(y)}</text>')
        return parts


def _svg(width: int, height: int, label: str, parts: Iterable[str]) -> Markup:
    return Markup(  # noqa: S704 - every text among the parts was escaped where it was put in
        f'<svg class="chart" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" '
        f'aria-label="{escape(label)}">{"".join(parts)}</svg>'
    )


def _nothing(width: int, height: int, label: str) -> Markup:
    text = _text(width / 2, height / 2 + 4, "nothing to show", anchor="middle", kind="soft")
    return _svg(width, height, f"{label}: nothing to show", [text])


def _text(x: float, y: float, text: str, *, anchor: str = "start", kind: str = "", title: str = "") -> str:
    more = _title(title) if title else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" class="{kind}">{escape(text)}{more}</text>'


def _rule(x1: float, y1: float, x2: float, y2: float, kind: str, *, title: str = "") -> str:
    ends = f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
    return f'<line {ends} class="{kind}">{_title(title) if title else ""}</line>'


def _title(text: str) -> str:
    return f"<title>{escape(text)}</title>"


def _shares(counts: Sequence[int | float]) -> list[float]:
    values = [float(count) if math.isfinite(count) and count > 0 else 0.0 for count in counts]
    total = sum(values)
    return [value / total for value in values] if total else [0.0] * len(values)


def _alone(values: Sequence[tuple[float, float | None]]) -> set[int]:
    """Places of values between two gaps: a line cannot show them."""
    present = [False, *(value is not None for _, value in values), False]
    return {
        at - 1
        for at in range(1, len(present) - 1)
        if present[at] and not present[at - 1] and not present[at + 1]
    }


def _finite(value: float | None) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None


def _at(value: float | datetime) -> float:
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()
    return float(value)


def _spread(low: float, high: float) -> tuple[float, float]:
    if high > low:
        return low, high
    room = abs(low) * 0.1 or 1.0
    return low - room, high + room


def _day_around(low: float, high: float) -> tuple[float, float]:
    """A single moment stands in the middle of its day."""
    return (low, high) if high > low else (low - 43_200, high + 43_200)


def _ticks(low: float, high: float, about: int) -> list[float]:
    """Round figures within the range, about so many."""
    raw = (high - low) / about
    size = 10.0 ** math.floor(math.log10(raw))
    step = next(size * factor for factor in (1, 2, 2.5, 5, 10) if size * factor >= raw)
    first = math.ceil(low / step - 1e-9)
    return [at * step for at in range(first, math.floor(high / step + 1e-9) + 1)]


def _spaced(low: float, high: float, count: int) -> list[float]:
    return [low + (high - low) * at / (count - 1) for at in range(count)]


def _tick(value: float) -> str:
    if value and (abs(value) >= 1e5 or abs(value) < 1e-3):
        for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
            if abs(value) >= size:
                return f"{value / size:.4g}{unit}"
        return f"{value:.0e}"
    return f"{value:.4g}"


def _figure(value: float, digits: int) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 and float(value).is_integer() else f"{value:.{digits}g}"


def _day(value: float, span_s: float) -> str:
    when = datetime.fromtimestamp(value, UTC)
    return when.strftime("%H:%M:%S" if span_s < 600 else "%H:%M" if span_s < 2 * 86_400 else "%Y-%m-%d")


def _zone(low: float, high: float) -> str:
    """What the labels of a time axis leave out."""
    if high - low >= 2 * 86_400:
        return "UTC"
    first, last = (datetime.fromtimestamp(at, UTC).date().isoformat() for at in (low, high))
    return f"{first}, UTC" if first == last else f"{first} – {last}, UTC"


def _short(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"
