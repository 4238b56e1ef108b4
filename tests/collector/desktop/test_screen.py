"""What is read off a screen: changes, and the pointer drawn into it."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from collector.desktop.pointer import draw_pointer
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


@given(st.integers(-30, 60), st.integers(-30, 50))
def test_a_pointer_at_the_edge_is_cut_and_never_wraps(left: int, top: int) -> None:
    pixels = screen()
    draw_pointer(pixels, np.full((16, 12), 0xFFFFFFFF, np.uint32), left, top)
    white = (pixels[..., :3] == 255).all(axis=2)
    expected = np.zeros_like(white)
    expected[max(top, 0) : max(top + 16, 0), max(left, 0) : max(left + 12, 0)] = True
    assert (white == expected).all()


def test_a_transparent_pointer_changes_nothing_and_half_blends() -> None:
    pixels = screen()
    draw_pointer(pixels, np.zeros((5, 5), np.uint32), 3, 3)
    assert (pixels == 100).all()
    draw_pointer(pixels, np.full((1, 1), 0x80800000, np.uint32), 0, 0)  # half red, premultiplied
    assert abs(int(pixels[0, 0, 2]) - (128 + 100 * 127 // 255)) <= 1
    assert abs(int(pixels[0, 0, 0]) - 100 * 127 // 255) <= 1
