"""Axes hold what is drawn on them, and lines stay inside."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.evaluation.charts import HEIGHT, WIDTH, curves, difference_mark, nice_ticks
from trainer.evaluation.figures import FIGURES

value = st.floats(-1000, 1000).map(lambda v: round(v, 3))


@given(value, st.floats(0, 1000))
def test_ticks_enclose_the_values_evenly(low: float, span: float) -> None:
    ticks = nice_ticks(low, low + span)
    assert ticks[0] <= low + 1e-6 * (1 + abs(low)) and low + span <= ticks[-1] + 1e-6 * (1 + abs(low) + span)
    steps = [b - a for a, b in zip(ticks, ticks[1:], strict=False)]
    assert 2 <= len(ticks) <= 9 and min(steps) > 0 and max(steps) == pytest.approx(min(steps), rel=1e-3)


@given(st.lists(st.one_of(st.none(), value), min_size=1, max_size=20))
def test_lines_stay_inside_and_break_where_there_is_nothing(line: list[float | None]) -> None:
    drawn = curves('a "title" & more', "dB", 0.2, [("true", "true", line)])
    if all(v is None for v in line):
        assert drawn == ""
        return
    root = ElementTree.fromstring(drawn)  # well-formed
    points = [p for item in root.iter("polyline") for p in item.attrib["points"].split()]
    assert len(points) == sum(v is not None for v in line)
    for point in points:
        x, y = map(float, point.split(","))
        assert 0 <= x <= WIDTH and 0 <= y <= HEIGHT


def test_the_colour_of_a_difference_is_that_of_its_meaning() -> None:
    assert 'class="good"' in difference_mark(2, 1, 3, better=1, widest=3)
    assert 'class="good"' in difference_mark(-2, -3, -1, better=-1, widest=3)
    assert 'class="bad"' in difference_mark(2, 1, 3, better=-1, widest=3)
    assert 'class="unsure"' in difference_mark(2, -1, 5, better=1, widest=5)


def test_figures_are_said_with_their_units() -> None:
    assert FIGURES["psnr"].show(26.466) == "26.47 dB" and FIGURES["ssim"].show(0.98765) == "0.9877"
    assert FIGURES["cursor_hit"].show(0.605) == "60.5 %" and FIGURES["cursor_px"].show(-1.25, signed=True) == "-1.2 px"
    assert FIGURES["ssim"].show(None) == "–" and FIGURES["psnr"].show(-0.001, signed=True) == "+0.00 dB"
    assert all(re.fullmatch(r"[A-Za-z0-9 ]+", figure.label) for figure in FIGURES.values())
