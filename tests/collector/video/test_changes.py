"""What changed between two screens: the share of pixels, and the smallest box around them."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from collector.video.changes import difference


def screen(width: int = 40, height: int = 30) -> np.ndarray:
    return np.full((height, width, 4), 100, np.uint8)


def test_an_unchanged_screen_has_no_change() -> None:
    assert difference(screen(), screen()) == (0.0, None)


@given(st.lists(st.tuples(st.integers(0, 39), st.integers(0, 29)), min_size=1, max_size=20, unique=True))
def test_the_changed_box_is_the_smallest_that_holds_every_change(changes: list[tuple[int, int]]) -> None:
    after = screen()
    for x, y in changes:
        after[y, x, 1] = 7
    share, box = difference(screen(), after)
    xs, ys = [x for x, _ in changes], [y for _, y in changes]
    assert share == len(changes) / 1200
    assert box == (min(xs), min(ys), max(xs) - min(xs) + 1, max(ys) - min(ys) + 1)
