"""Drawings as inline SVG, made by functions from numbers.

Knows scales, ticks and shapes. Knows nothing of the report, nor of colours: shapes carry class names, the style sheet
gives them their look in light, dark and print.
Horizontal places are percentages and vertical ones pixels, so a chart takes the width of its box while its text keeps
its size, without a script. Lines, which cannot be given in percentages, lie in an inner drawing that is stretched.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

from markupsafe import Markup

from adaptline.web import texts, words
from adaptline.web.shapes import Scale, drawable, element, finite

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

LINE_STYLES = 6  # how many colours and dashes the style sheet has for lines; every second lap through them is thicker
_POINTS = 240  # of a line: more than a small chart has pixels
_HISTOGRAM_TOP, _HISTOGRAM_HEIGHT = 34, 120
_LOWEST_BAR = 2.0  # pixels: what a bar of few rows beside a tall one still has
_CURVE_TOP, _CURVE_HEIGHT = 8, 88
_STRIP_HEIGHT = 28
_NAME_CHARS = 40  # of a name inside a drawing
_ROOM = 0.08  # of the scale, for half of a text
_FAINTEST = 0.35  # percent: the least width of a bar that stands for at least one row


def proportion(value: float | None, kind: str = "main") -> Markup:
    """A bar for a share of one, beside a number that says the same: hidden from screen readers."""
    share = min(1.0, max(0.0, value)) if words.known(value) else 0.0
    bar = element("rect", width=_width(share), height="100%", class_=f"bar {kind}")
    return element("svg", _track(), bar, class_="proportion", width="100%", height=8, aria_hidden="true")


def funnel_bar(after: int, dropped: int, changed: int, whole: int) -> Markup:
    """Rows left, rows dropped next to them, and a thin bar of those changed, as shares of the rows at the start."""
    whole = max(whole, 1)
    left, gone = after / whole, dropped / whole
    end = min(100.0, 100 * left)
    shapes = [
        element("rect", width=width, height=14, class_=kind)
        for width, kind in (("100%", "track"), (_width(left), "bar main"))
    ]
    if dropped:
        width = max(100 * gone, _FAINTEST)
        start = min(end, 100 - width)
        shapes.append(element("rect", x=f"{start:.2f}%", width=f"{width:.2f}%", height=14, class_="bar dropped"))
    if changed:
        shapes.append(element("rect", y=16, width=_width(changed / whole), height=4, class_="bar changed"))
    return element("svg", *shapes, class_="funnel-bar", width="100%", height=20, aria_hidden="true")


def histogram(
    edges: Sequence[float],
    counts: Sequence[int],
    limits: Sequence[tuple[str, float]] = (),
    *,
    log: bool = False,
    label: str = "histogram",
) -> Markup:
    """Bars of `counts[i]` rows between `edges[i]` and `edges[i + 1]`, and a line for each limit ("min" or "max", value).

    What lies under a min or over a max is drawn as dropped. A limit far outside the bars is named at the edge.
    """
    if not counts or len(edges) != len(counts) + 1 or len(finite(edges)) != len(edges) or not any(counts):
        return _nothing("no scores to show")
    drawn_limits = [(name, value) for name, value in limits if words.known(value)]
    scale = _histogram_scale(edges, [value for _, value in drawn_limits], log=log)
    tallest = max(counts)
    keep_from = max([value for name, value in drawn_limits if name == "min"], default=-math.inf)
    keep_to = min([value for name, value in drawn_limits if name == "max"], default=math.inf)
    shapes = [_count_line(tallest, fraction) for fraction in (0.5, 1.0)]
    for (left, right), rows in zip(pairwise(edges), counts, strict=True):
        if rows:
            shapes += _histogram_bar(scale, left, right, rows / tallest, (keep_from, keep_to), rows)
    shapes += [_limit_line(scale, name, value, row) for row, (name, value) in enumerate(drawn_limits)]
    shapes += _axis(scale, _HISTOGRAM_TOP + _HISTOGRAM_HEIGHT, words.compact)
    return _chart(shapes, label, _HISTOGRAM_TOP + _HISTOGRAM_HEIGHT + 22, "histogram")


def before_and_after(
    edges: Sequence[float], before: Sequence[int], after: Sequence[int], *, label: str = "before and after"
) -> Markup:
    """Two histograms over the same edges, on a logarithmic scale: what was there as a pale bar, what is left in it, narrower."""
    whole = len(edges) == len(before) + 1 == len(after) + 1 == len(finite(edges))
    if not whole or not any(before):
        return _nothing("no texts to show")
    scale, tallest = _histogram_scale(edges, [], log=True), max([*before, *after])
    shapes = [_count_line(tallest, fraction) for fraction in (0.5, 1.0)]
    for (left, right), was, rest in zip(pairwise(edges), before, after, strict=True):
        x, end = 100 * scale.fraction(left), 100 * scale.fraction(right)
        said = f"{words.plain(left)} to {words.plain(right - 1)}: {words.plural(was, 'row')} before, {words.count(rest)} after"
        for rows, kind, inset in ((was, "was", 0.0), (rest, "main", 0.22)):
            if rows:
                tall = max(_LOWEST_BAR, _HISTOGRAM_HEIGHT * rows / tallest)
                width = max(0.05, (end - x) * (1 - 2 * inset) - 0.12)
                top = _HISTOGRAM_TOP + _HISTOGRAM_HEIGHT - tall
                place: dict[str, str | float] = {
                    "x": f"{x + inset * (end - x):.2f}%",
                    "y": top,
                    "width": f"{width:.2f}%",
                    "height": tall,
                }
                shapes.append(element("rect", element("title", said), class_=f"bar {kind}", **place))
    shapes += _axis(scale, _HISTOGRAM_TOP + _HISTOGRAM_HEIGHT, words.compact)
    return _chart(shapes, label, _HISTOGRAM_TOP + _HISTOGRAM_HEIGHT + 22, "histogram")


def curves(
    lines: Sequence[Sequence[float | None]],
    marks: Sequence[int | None],
    scale: Scale | None,
    *,
    epochs: int,
    label: str,
    write: Callable[[float | None], str] = words.number,
) -> Markup:
    """Lines over epochs 1 to `epochs` on a vertical scale, the i-th in the i-th line style.

    `marks` are 1-based epochs at which a line gets a ring: where its kept weights come from.
    """
    if scale is None or not epochs:
        return _nothing("no values were recorded")
    along = Scale(1, epochs)
    shapes = [_level_line(scale, tick, write) for tick in scale.ticks(4)]
    paths = [_path(line, along, scale, style) for style, line in enumerate(lines)]
    shapes.append(
        element(
            "svg",
            *paths,
            x="0",
            y=_CURVE_TOP,
            width="100%",
            height=_CURVE_HEIGHT,
            viewBox=f"0 0 1000 {_CURVE_HEIGHT}",
            preserveAspectRatio="none",
            class_="stretched",
        )
    )
    for style, (line, mark) in enumerate(zip(lines, marks, strict=True)):
        shapes += _ring(line, mark, along, scale, style, write)
    shapes += _epoch_axis(epochs)
    return _chart(shapes, label, _CURVE_TOP + _CURVE_HEIGHT + 20, "curves")


def interval(
    mean: float | None,
    low: float | None,
    high: float | None,
    dots: Sequence[tuple[str, float | None]],
    scale: Scale | None,
    *,
    references: Sequence[float] = (),
    label: str,
    kind: str = "",
) -> Markup:
    """A mean with its interval, a small dot for each (name, value) of `dots`, and vertical lines at the references."""
    if scale is None:
        return _nothing("no values")
    middle, below = 10, 21
    shapes = [_upright(scale.percent(at), 0, _STRIP_HEIGHT, "reference") for at in finite(references)]
    if drawable(low) and drawable(high):
        shapes.append(_rule(scale.percent(low), scale.percent(high), middle, middle, "interval"))
        shapes += [_upright(scale.percent(end), middle - 5, middle + 5, "interval") for end in (low, high)]
    for name, value in dots:
        if drawable(value):
            said = element("title", texts.visible(name))
            shapes.append(element("circle", said, cx=scale.percent(value), cy=below, r=2.5, class_="seed"))
    if drawable(mean):
        shapes.append(element("circle", cx=scale.percent(mean), cy=middle, r=5, class_="mean"))
    return _chart(shapes, label, _STRIP_HEIGHT, f"strip {kind}".rstrip())


def axis_strip(scale: Scale | None, write: Callable[[float | None], str]) -> Markup:
    """The axis under a column of intervals; hidden from screen readers."""
    if scale is None:
        return Markup("")
    shapes = _axis(scale, 4, write)
    return element("svg", *shapes, class_="plot strip", width="100%", height=26, aria_hidden="true")


def line_sample(style: int) -> Markup:
    """A short line as a legend shows it."""
    line = _rule("0", "24", 5, 5, _line_class(style))
    return element("svg", line, class_="line-sample", width=24, height=10, aria_hidden="true")


def _chart(shapes: Sequence[Markup], label: str, height: int, kind: str) -> Markup:
    written = texts.visible(label)
    return element("svg", *shapes, class_=f"plot {kind}", width="100%", height=height, role="img", aria_label=written)


def _nothing(why: str) -> Markup:
    return Markup('<p class="quiet nothing">{}</p>').format(why)


def _track() -> Markup:
    return element("rect", width="100%", height="100%", class_="track")


def _rule(start: str, end: str, start_y: float, end_y: float, kind: str) -> Markup:
    return element("line", x1=start, x2=end, y1=start_y, y2=end_y, class_=kind)


def _upright(x: str, top: float, bottom: float, kind: str) -> Markup:
    return _rule(x, x, top, bottom, kind)


def _width(share: float) -> str:
    return f"{min(100.0, max(100 * share, _FAINTEST if share > 0 else 0)):.2f}%"


def _anchor(scale: Scale, value: float) -> str:
    """Which part of a text stands at a value: its middle, unless it is near to an end of the scale."""
    at = scale.fraction(value)
    return "start" if at < _ROOM else "end" if at > 1 - _ROOM else "middle"


def _axis(scale: Scale, top: int, write: Callable[[float | None], str]) -> list[Markup]:
    shapes = [_rule("0", "100%", top, top, "axis")]
    ticks = [(tick, write(tick)) for tick in scale.ticks()]
    crowded = max((len(text) for _, text in ticks), default=0) > 5  # noqa: PLR2004 - wide enough to meet on a telephone
    for position, (tick, text) in enumerate(ticks):
        at = scale.percent(tick)
        shapes.append(_upright(at, top, top + 4, "axis"))
        kind = "tick minor" if crowded and position % 2 else "tick"
        shapes.append(element("text", text, x=at, y=top + 17, text_anchor=_anchor(scale, tick), class_=kind))
    return shapes


def _histogram_scale(edges: Sequence[float], limits: Sequence[float], *, log: bool) -> Scale:
    """From the first edge to the last, and on to limits that are not farther away than the bars are wide."""
    log = log and edges[0] > 0
    low, high = edges[0], edges[-1]
    if not high > low:
        return Scale(low - 0.5, high + 0.5)
    if log:
        reach = high / low
        near = [limit for limit in finite(limits) if limit > 0 and low / reach <= limit <= high * reach]
    else:
        near = [limit for limit in finite(limits) if low - (high - low) <= limit <= high + (high - low)]
    return Scale(min([low, *near]), max([high, *near]), log)


def _histogram_bar(
    scale: Scale, left: float, right: float, height: float, kept: tuple[float, float], rows: int
) -> list[Markup]:
    """One bar, cut in two or three where a limit goes through it, so that each part has the colour of its fate."""
    cuts = [left, *[cut for cut in sorted(kept) if left < cut < right], right]
    tall = max(_LOWEST_BAR, _HISTOGRAM_HEIGHT * height)
    shapes = []
    for start, end in pairwise(cuts):
        middle = (start + end) / 2
        fate = "main" if kept[0] <= middle <= kept[1] else "dropped"
        x = 100 * scale.fraction(start)
        width = max(0.05, 100 * scale.fraction(end) - x - 0.12)
        said = element("title", f"{words.plain(left)} to {words.plain(right)}: {words.plural(rows, 'row')}")
        top = _HISTOGRAM_TOP + _HISTOGRAM_HEIGHT - tall
        shapes.append(
            element("rect", said, x=f"{x:.2f}%", y=top, width=f"{width:.2f}%", height=tall, class_=f"bar {fate}")
        )
    return shapes


def _count_line(tallest: int, fraction: float) -> Markup:
    y = _HISTOGRAM_TOP + _HISTOGRAM_HEIGHT * (1 - fraction)
    line = _rule("0", "100%", y, y, "grid")
    return line + element("text", words.compact(tallest * fraction), x=-6, y=y + 4, text_anchor="end")


def _limit_line(scale: Scale, name: str, value: float, row: int) -> Markup:
    outside = "→ " if value > scale.high else "← " if value < scale.low else ""
    at, bottom = scale.percent(value), _HISTOGRAM_TOP + _HISTOGRAM_HEIGHT
    y = 11 + 12 * (row % 2)
    line = Markup("") if outside else _upright(at, y + 3, bottom, "limit")
    text = f"{outside}{texts.brief(name, _NAME_CHARS)} {words.plain(value)}"
    return line + element("text", text, x=at, y=y, text_anchor=_anchor(scale, value), class_="limit-name")


def _level_line(scale: Scale, tick: float, write: Callable[[float | None], str]) -> Markup:
    y = _CURVE_TOP + _CURVE_HEIGHT * (1 - scale.fraction(tick))
    line = _rule("0", "100%", y, y, "grid")
    return line + element("text", write(tick), x=-6, y=y + 4, text_anchor="end")


def _epoch_axis(epochs: int) -> list[Markup]:
    y = _CURVE_TOP + _CURVE_HEIGHT
    shapes = [_rule("0", "100%", y, y, "axis")]
    if epochs == 1:
        return [*shapes, element("text", "epoch 1", x="50%", y=y + 15, text_anchor="middle")]
    shapes.append(element("text", "epoch 1", x="0", y=y + 15))
    return [*shapes, element("text", words.count(epochs), x="100%", y=y + 15, text_anchor="end")]


def _line_class(style: int) -> str:
    return f"line line-{style % LINE_STYLES} lap-{style // LINE_STYLES % 2}"


def _path(line: Sequence[float | None], along: Scale, scale: Scale, style: int) -> Markup:
    """A line that is interrupted where values are missing; a value between two missing ones becomes a dot."""
    drawing, pen_down = [], False
    points = _thinned(line)
    for position, (epoch, value) in enumerate(points):
        if value is None:
            pen_down = False
            continue
        x, y = 1000 * along.fraction(epoch), _CURVE_HEIGHT * (1 - scale.fraction(value))
        drawing.append(f"{'L' if pen_down else 'M'}{x:.1f} {y:.1f}")
        alone = not pen_down and (position + 1 == len(points) or points[position + 1][1] is None)
        if alone:
            drawing.append("h0")
        pen_down = True
    return element("path", d="".join(drawing), class_=_line_class(style), vector_effect="non-scaling-stroke")


def _thinned(line: Sequence[float | None]) -> list[tuple[int, float | None]]:
    """(epoch, value) of a line, thinned to the lowest and highest of each stretch when there are more than can be seen."""
    points = [(epoch, value if drawable(value) else None) for epoch, value in enumerate(line, 1)]
    if len(points) <= _POINTS:
        return points
    stretch = math.ceil(2 * len(points) / _POINTS)
    thin: list[tuple[int, float | None]] = []
    for start in range(0, len(points), stretch):
        piece = points[start : start + stretch]
        values = [(value, epoch) for epoch, value in piece if value is not None]
        if not values:
            thin.append(piece[0])
            continue
        ends = {epoch: value for value, epoch in (min(values), max(values))}
        thin += sorted(ends.items())
    if thin[-1][0] != points[-1][0]:
        thin.append(points[-1])
    return thin


def _ring(
    line: Sequence[float | None],
    mark: int | None,
    along: Scale,
    scale: Scale,
    style: int,
    write: Callable[[float | None], str],
) -> list[Markup]:
    value = line[mark - 1] if mark is not None and 1 <= mark <= len(line) else None
    if mark is None or not drawable(value):
        return []
    said = element("title", f"epoch {words.count(mark)}: {write(value)}")
    y = _CURVE_TOP + _CURVE_HEIGHT * (1 - scale.fraction(value))
    return [element("circle", said, cx=along.percent(mark), cy=y, r=4, class_=f"ring line-{style % LINE_STYLES}")]
