from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adaptline.web import charts
from adaptline.web.shapes import Scale, scale_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markupsafe import Markup

ANY_NUMBER = st.one_of(st.none(), st.floats())
PLACE = ("x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "width", "height")


def drawing(markup: Markup) -> ET.Element:
    """The drawing as a tree; every place in it is a finite number."""
    assert "nan" not in markup
    assert "inf" not in markup
    tree = ET.fromstring(markup)  # noqa: S314 - made by the function under test, not foreign
    for shape in tree.iter():
        for name in PLACE:
            if name in shape.attrib:
                assert math.isfinite(float(shape.attrib[name].removesuffix("%")))
        for width in ("width", "height"):
            assert float(shape.attrib.get(width, "0").removesuffix("%")) >= 0
    return tree


def of_class(tree: ET.Element, kind: str) -> list[ET.Element]:
    return [shape for shape in tree.iter() if kind in shape.attrib.get("class", "").split()]


def written(tree: ET.Element) -> list[str]:
    return [shape.text or "" for shape in tree.iter("text")]


def curves(lines: Sequence[Sequence[float | None]], marks: Sequence[int | None] | None = None) -> Markup:
    scale = scale_of(value for line in lines for value in line)
    epochs = max((len(line) for line in lines), default=0)
    return charts.curves(lines, marks or [None] * len(lines), scale, epochs=epochs, label="loss")


class TestProportion:
    def test_is_as_wide_as_its_share(self) -> None:
        assert of_class(drawing(charts.proportion(0.25)), "bar")[0].attrib["width"] == "25.00%"

    @pytest.mark.parametrize(
        ("share", "width"), [(None, "0.00%"), (math.nan, "0.00%"), (0.0, "0.00%"), (7.0, "100.00%"), (-1.0, "0.00%")]
    )
    def test_never_leaves_its_box(self, share: float | None, width: str) -> None:
        assert of_class(drawing(charts.proportion(share)), "bar")[0].attrib["width"] == width

    def test_one_in_a_million_can_be_seen(self) -> None:
        width = of_class(drawing(charts.proportion(1e-6)), "bar")[0].attrib["width"]
        assert float(width.removesuffix("%")) > 0.3

    def test_is_hidden_from_screen_readers(self) -> None:
        assert drawing(charts.proportion(0.5)).attrib["aria-hidden"] == "true"


class TestFunnelBar:
    def test_shows_left_dropped_and_changed_as_shares_of_the_start(self) -> None:
        tree = drawing(charts.funnel_bar(after=60, dropped=20, changed=10, whole=100))
        bars = {kind: of_class(tree, kind)[0].attrib for kind in ("main", "dropped", "changed")}
        assert bars["main"]["width"] == "60.00%"
        assert (bars["dropped"]["x"], bars["dropped"]["width"]) == ("60.00%", "20.00%")
        assert bars["changed"]["width"] == "10.00%"

    def test_what_did_not_happen_is_not_drawn(self) -> None:
        tree = drawing(charts.funnel_bar(100, 0, 0, 100))
        assert not of_class(tree, "dropped")
        assert not of_class(tree, "changed")

    def test_one_dropped_row_of_many_can_be_seen_and_stays_inside(self) -> None:
        dropped = of_class(drawing(charts.funnel_bar(999_999, 1, 0, 1_000_000)), "dropped")[0].attrib
        start, width = (float(dropped[name].removesuffix("%")) for name in ("x", "width"))
        assert width > 0.3
        assert start + width <= 100.001

    def test_no_rows_at_all(self) -> None:
        assert of_class(drawing(charts.funnel_bar(0, 0, 0, 0)), "main")[0].attrib["width"] == "0.00%"


class TestHistogram:
    def test_the_tallest_bar_has_the_full_height_and_the_others_their_share(self) -> None:
        bars = of_class(drawing(charts.histogram([0, 1, 2, 3], [50, 100, 0])), "bar")
        assert [float(bar.attrib["height"]) for bar in bars] == [60, 120]

    def test_a_bar_says_its_range_and_rows(self) -> None:
        tree = drawing(charts.histogram([0, 1, 2], [1, 2000]))
        assert [title.text for title in tree.iter("title")] == ["0 to 1: 1 row", "1 to 2: 2,000 rows"]

    def test_a_bar_is_cut_where_a_limit_goes_through_it(self) -> None:
        tree = drawing(charts.histogram([0, 10], [5], [("min", 4), ("max", 8)]))
        fates = [bar.attrib["class"] for bar in of_class(tree, "bar")]
        assert fates == ["bar dropped", "bar main", "bar dropped"]
        starts = [bar.attrib["x"] for bar in of_class(tree, "bar")]
        assert starts == ["0.00%", "40.00%", "80.00%"]

    def test_limits_are_lines_with_names(self) -> None:
        tree = drawing(charts.histogram([0, 10], [5], [("min", 4), ("max", 8)]))
        assert [line.attrib["x1"] for line in of_class(tree, "limit")] == ["40.00%", "80.00%"]
        assert {"min 4", "max 8"} <= set(written(tree))

    def test_two_limits_at_one_place_do_not_write_over_each_other(self) -> None:
        tree = drawing(charts.histogram([0, 10], [5], [("min", 5), ("max", 5)]))
        first, second = of_class(tree, "limit-name")
        assert abs(float(first.attrib["y"]) - float(second.attrib["y"])) >= 12

    def test_a_limit_near_the_bars_widens_the_chart_and_one_far_away_is_named_at_the_edge(self) -> None:
        near = drawing(charts.histogram([0, 10], [5], [("max", 15)]))
        assert of_class(near, "limit")[0].attrib["x1"] == "100.00%"
        assert "max 15" in written(near)
        far = drawing(charts.histogram([0, 10], [5], [("max", 1e9), ("min", -1e9)]))
        assert not of_class(far, "limit")
        assert sum("→ max" in text or "← min" in text for text in written(far)) == 2

    def test_few_rows_beside_many_can_be_seen(self) -> None:
        bars = of_class(drawing(charts.histogram([0, 1, 2], [1, 10_000_000])), "bar")
        assert float(bars[0].attrib["height"]) >= 2

    @pytest.mark.parametrize(
        ("edges", "counts"),
        [([], []), ([0], []), ([0, 1], [0]), ([0, 1], [1, 2]), ([0, math.nan], [3]), ([0, math.inf], [3])],
    )
    def test_without_scores_it_says_so(self, edges: list[float], counts: list[int]) -> None:
        assert "no scores to show" in charts.histogram(edges, counts)

    def test_scores_that_are_all_equal(self) -> None:
        tree = drawing(charts.histogram([0.9, 0.9], [12], [("min", 0.5)]))
        assert len(of_class(tree, "bar")) == 1

    def test_a_logarithmic_scale_gives_decades_the_same_width(self) -> None:
        bars = of_class(drawing(charts.histogram([1, 10, 100, 1000], [1, 1, 1], log=True)), "bar")
        widths = [float(bar.attrib["width"].removesuffix("%")) for bar in bars]
        assert max(widths) - min(widths) < 0.1

    def test_a_logarithmic_scale_that_begins_at_zero_becomes_linear(self) -> None:
        bars = of_class(drawing(charts.histogram([0, 50, 100], [1, 1], log=True)), "bar")
        assert bars[1].attrib["x"] == "50.00%"

    def test_it_is_an_image_with_a_name_in_which_nothing_is_hidden(self) -> None:
        tree = drawing(charts.histogram([0, 1], [1], label='x"\x00<b>'))
        assert tree.attrib["role"] == "img"
        assert tree.attrib["aria-label"] == 'x"⟨U+0000⟩<b>'

    @given(
        st.lists(st.floats(-1e300, 1e300), min_size=2, max_size=6, unique=True),
        st.data(),
        st.booleans(),
    )
    def test_any_scores_can_be_drawn(self, edges: list[float], data: st.DataObject, log: bool) -> None:
        edges = sorted(edges)
        counts = data.draw(st.lists(st.integers(0, 10**12), min_size=len(edges) - 1, max_size=len(edges) - 1))
        limits = data.draw(st.lists(st.tuples(st.sampled_from(["min", "max"]), st.floats()), max_size=2))
        drawing(charts.histogram(edges, counts, limits, log=log))

    def test_a_limit_at_infinity_does_not_stretch_the_scale(self) -> None:
        drawing(charts.histogram([1.0, 1e155], [1], [("max", math.inf), ("min", -math.inf)], log=True))


class TestCurves:
    def test_a_line_goes_from_the_first_epoch_to_the_last(self) -> None:
        (line,) = of_class(drawing(curves([[4.0, 3.0, 2.0]])), "line-0")
        assert line.attrib["d"] == "M0.0 0.0L500.0 44.0L1000.0 88.0"

    def test_lines_differ_in_style_and_in_width_when_styles_run_out(self) -> None:
        tree = drawing(curves([[1.0, float(seed)] for seed in range(8)]))
        classes = [line.attrib["class"] for line in of_class(tree, "line")]
        assert classes[:7] == [*(f"line line-{style} lap-0" for style in range(6)), "line line-0 lap-1"]

    def test_a_missing_value_interrupts_the_line_and_a_lonely_one_is_a_dot(self) -> None:
        (line,) = of_class(drawing(curves([[1.0, 2.0, None, 3.0, math.nan]])), "line")
        assert re.sub(r"[\d. ]", "", line.attrib["d"].replace("h0", "h")) == "MLMh"

    def test_one_epoch_is_a_dot_in_the_middle(self) -> None:
        tree = drawing(curves([[0.5]], [1]))
        assert of_class(tree, "line")[0].attrib["d"].endswith("h0")
        assert of_class(tree, "ring")[0].attrib["cx"] == "50.00%"
        assert "epoch 1" in written(tree)

    def test_a_ring_marks_the_epoch_that_was_kept(self) -> None:
        (ring,) = of_class(drawing(curves([[1.0, 2.0, 3.0], [1.0, 1.0, 1.0]], [2, None])), "ring")
        assert ring.attrib["cx"] == "50.00%"
        assert ring[0].text == "epoch 2: 2"

    @pytest.mark.parametrize("mark", [0, -1, 4])
    def test_a_mark_outside_the_line_is_not_drawn(self, mark: int) -> None:
        assert not of_class(drawing(curves([[1.0, 2.0, 3.0]], [mark])), "ring")

    def test_no_values_say_so(self) -> None:
        assert "no values were recorded" in curves([])
        assert "no values were recorded" in curves([[None, math.nan]])

    def test_a_thousand_epochs_are_thinned_but_keep_ends_and_extremes(self) -> None:
        line = [math.sin(epoch / 40) for epoch in range(1000)]
        line[517] = 9.0
        (drawn,) = of_class(drawing(curves([line])), "line")
        points = re.findall(r"[ML]([\d.]+) ([\d.]+)", drawn.attrib["d"])
        assert len(points) <= 300
        assert points[0][0] == "0.0"
        assert points[-1][0] == "1000.0"
        assert ("517.5", "0.0") in points

    def test_a_long_line_with_holes_keeps_them(self) -> None:
        line: list[float | None] = [1.0] * 400 + [None] * 300 + [2.0] * 299 + [3.0]
        (drawn,) = of_class(drawing(curves([line])), "line")
        assert drawn.attrib["d"].count("M") == 2

    def test_values_that_are_all_equal_lie_in_the_middle(self) -> None:
        (line,) = of_class(drawing(curves([[0.9, 0.9]])), "line")
        assert line.attrib["d"] == "M0.0 44.0L1000.0 44.0"

    @given(st.lists(st.lists(ANY_NUMBER, max_size=5), max_size=4))
    def test_any_values_can_be_drawn(self, lines: list[list[float | None]]) -> None:
        drawing(curves(lines, [2] * len(lines)))


class TestInterval:
    SCALE = Scale(0, 1)

    def test_shows_mean_interval_and_seeds(self) -> None:
        dots = [("seed 0", 0.4), ("seed 1", 0.6)]
        tree = drawing(charts.interval(0.5, 0.3, 0.7, dots, self.SCALE, label="head"))
        assert of_class(tree, "mean")[0].attrib["cx"] == "50.00%"
        line = of_class(tree, "interval")[0].attrib
        assert (line["x1"], line["x2"]) == ("30.00%", "70.00%")
        assert [dot.attrib["cx"] for dot in of_class(tree, "seed")] == ["40.00%", "60.00%"]
        assert [title.text for title in tree.iter("title")] == ["seed 0", "seed 1"]

    def test_references_are_lines(self) -> None:
        tree = drawing(charts.interval(0.5, 0.3, 0.7, (), self.SCALE, references=(0.2, math.nan), label="head"))
        assert [line.attrib["x1"] for line in of_class(tree, "reference")] == ["20.00%"]

    def test_what_was_not_measured_is_not_drawn(self) -> None:
        tree = drawing(charts.interval(None, math.nan, 0.7, [("seed 0", None)], self.SCALE, label="head"))
        for kind in ("mean", "interval", "seed"):
            assert not of_class(tree, kind)

    def test_without_any_value_it_says_so(self) -> None:
        assert "no values" in charts.interval(None, None, None, (), None, label="head")

    def test_a_seed_named_by_markup_stays_a_name(self) -> None:
        made = charts.interval(0.5, 0.3, 0.7, [("<script>\x00", 0.5)], self.SCALE, label="head")
        assert "<script" not in made
        assert [title.text for title in drawing(made).iter("title")] == ["<script>⟨U+0000⟩"]

    @given(ANY_NUMBER, ANY_NUMBER, ANY_NUMBER, st.lists(ANY_NUMBER, max_size=4))
    def test_any_numbers_can_be_drawn(
        self, mean: float | None, low: float | None, high: float | None, seeds: list[float | None]
    ) -> None:
        scale = scale_of([mean, low, high, *seeds], 0.03)
        drawing(charts.interval(mean, low, high, [("seed", seed) for seed in seeds], scale, label="candidate"))


class TestAxisStrip:
    def test_has_ticks(self) -> None:
        tree = drawing(charts.axis_strip(Scale(0, 1), str))
        assert {"0.2", "0.8"} <= set(written(tree))

    def test_every_other_of_wide_ticks_may_go_where_room_is_small(self) -> None:
        wide = drawing(charts.axis_strip(Scale(0, 1), lambda value: f"{value:.6f}"))
        assert len(of_class(wide, "minor")) == 3
        assert not of_class(drawing(charts.axis_strip(Scale(0, 1), lambda value: f"{value:g}")), "minor")

    def test_without_a_scale_there_is_none(self) -> None:
        assert charts.axis_strip(None, str) == ""


def test_a_legends_line_has_the_style_of_its_curve() -> None:
    assert of_class(drawing(charts.line_sample(7)), "line-1")


def test_before_and_after_are_bars_over_the_same_edges() -> None:
    drawing = charts.before_and_after((1.0, 10.0, 100.0, 1000.0), (4, 8, 0), (2, 8, 0), label="<lengths>")
    assert drawing.count("bar was") == drawing.count("bar main") == 2
    assert "1 to 9: 4 rows before, 2 after" in drawing
    assert "<lengths>" not in drawing
    tall = re.findall(r'height="([\d.]+)"', drawing)
    assert "60" in tall  # half of the tallest
    assert "nothing" in charts.before_and_after((1.0, 2.0), (0,), (0,))
    assert "nothing" in charts.before_and_after((), (), ())
