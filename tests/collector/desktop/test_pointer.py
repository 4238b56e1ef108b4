"""The pointer drawn into a frame: cut at the edges, blended."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from collector.desktop.pointer import draw_pointer


def screen(width: int = 40, height: int = 30) -> np.ndarray:
    return np.full((height, width, 4), 100, np.uint8)


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
