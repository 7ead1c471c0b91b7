"""Pages escape what they show, and judge a word by what it means."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rondo.pages import charts, duration, measure, number, render, share, tone

ANY_FLOAT = st.floats(allow_nan=True, allow_infinity=True)


def test_values_are_escaped() -> None:
    page = render("base.html", title="<script>alert(1)</script>", verdict="failed", verdict_text="a & b")
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert "a &amp; b" in page


def test_a_page_loads_nothing_from_elsewhere() -> None:
    page = render("base.html", title="x")
    assert "http://" not in page
    assert "https://" not in page
    assert "default-src &#39;none&#39;" in page or "default-src 'none'" in page


@pytest.mark.parametrize(
    ("word", "colour"),
    [("passed", "ok"), ("not_computable", "warn"), ("reject", "bad"), ("unheard of", "none")],
)
def test_an_unknown_word_is_never_green(word: str, colour: str) -> None:
    assert tone(word) == colour


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (7043, "7,043"),
        (0.123456, "0.1235"),
        (12.0, "12"),
        (0.9995, "0.9995"),
        (0.99996, "0.99996"),
        (0.99999999, "0.999999"),
        (math.nan, "NaN"),
        (-math.inf, "-∞"),
        (1e-9, "1.000e-09"),
    ],
)
def test_numbers_read_well(value: float | None, text: str) -> None:
    assert number(value) == text


def test_a_share_above_zero_never_reads_as_zero() -> None:
    assert share(0.00001) == "< 0.1%"
    assert share(0.99999) == "> 99.9%"
    assert share(0.0) == "0.0%"


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.02335, "s", "23.35 ms"),
        (1.5, "s", "1.5 s"),
        (99.96, "%", "99.96%"),
        (0, "s", "0 s"),
        (None, "ms", "–"),
    ],
)
def test_a_figure_has_its_unit(value: float | None, unit: str, text: str) -> None:
    assert measure(value, unit) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3.15576e7, "1 year"),
        (5.184e6, "60 days"),
        (86400, "1 day"),
        (45, "45 s"),
        (5400, "1.5 h"),
        (0.4, "400 ms"),
    ],
)
def test_a_length_of_time_is_told_in_its_unit(value: float, text: str) -> None:
    assert duration(value) == text


def test_a_single_moment_stands_in_its_day() -> None:
    drawn = str(charts.line({"1.0.0": [(datetime(2026, 3, 2, tzinfo=UTC), 0.9)]}))
    assert "12:00" in drawn
    assert "2026-03-01 – 2026-03-02, UTC" in drawn
    assert "2021" not in drawn


def test_every_line_of_a_legend_is_within_the_picture() -> None:
    drawn = str(charts.line({f"feature_{at}": [(0.0, at), (1.0, at)] for at in range(6)}))
    places = [float(x) for x in re.findall(r'<text x="([\d.]+)" y="[\d.]+" text-anchor="start"', drawn)]
    assert len(places) == 6
    assert max(places) < 520 - 100
    assert len(set(re.findall(r"stroke-dasharray:([\d ]+|none)", drawn))) == 6  # not by colour alone


def test_the_name_of_a_limit_is_within_the_picture() -> None:
    drawn = str(charts.line({"a": [(0.0, 0.1), (1.0, 0.2)]}, limits={"limit 0.2": 0.2}))
    (y,) = re.findall(r'y="([\d.]+)"[^>]*class="limit-text"', drawn)
    assert float(y) > 10


def test_an_axis_of_zeros_has_nothing_below_zero() -> None:
    assert ">-" not in str(charts.line({"a": [(0.0, 0.0), (1.0, 0.0)]}, zero=True))


@given(st.lists(st.tuples(ANY_FLOAT.filter(math.isfinite), st.none() | ANY_FLOAT), max_size=8))
def test_a_line_is_drawn_from_anything(points: list[tuple[float, float | None]]) -> None:
    if len({at for at, _ in points}) and max(abs(at) for at, _ in points) > 1e150:
        return
    small = [(at, value if value is None or abs(value) < 1e150 else None) for at, value in points]
    picture = charts.line({"a <b>": small}, limits={"limit": 0.5})
    assert picture.startswith("<svg")
    assert "nan" not in picture
    assert "<b>" not in picture


@given(st.lists(st.integers(0, 10**9), max_size=12))
def test_a_histogram_is_drawn_from_any_counts(counts: list[int]) -> None:
    assert charts.histogram(counts, [float(at) for at in range(len(counts) + 1)]).count('class="bar"') == (
        len(counts) if sum(counts) else 0
    )


def test_nothing_to_show_is_said() -> None:
    assert "nothing to show" in charts.bars([("a", None), ("b", math.nan)])
    assert "nothing to show" in charts.interval(None, None, None, least=0, most=1)


def test_a_waterfall_leads_from_its_start_to_its_end() -> None:
    drawn = str(
        charts.waterfall([("age", 0.5), ("<plan>", -0.25)], start=("on average", 1.0), end="this row")
    )
    assert drawn.count("<rect") == 2
    assert drawn.count("<circle") == 2
    assert "+0.5" in drawn
    assert "-0.25" in drawn
    assert ">1.25<" in drawn
    assert "&lt;plan&gt;" in drawn
    assert "<plan>" not in drawn


def test_a_waterfall_without_steps_stays_and_without_numbers_says_so() -> None:
    assert str(charts.waterfall([], start=("a", 2.0), end="b")).count("<circle") == 2
    assert "nothing to show" in str(charts.waterfall([("age", float("nan"))], start=("a", 2.0), end="b"))
