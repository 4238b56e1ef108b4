"""The size of a terminal's picture; free of imports, because the recorder in the container has no image library."""

from __future__ import annotations

CELL_WIDTH, CELL_HEIGHT = 8, 16
"""Pixels of one cell: even, and multiples of 8, which suits video codecs and video models alike."""


def frame_size(columns: int, rows: int) -> tuple[int, int]:
    """Width and height in px of a terminal of `columns` x `rows` cells."""
    return columns * CELL_WIDTH, rows * CELL_HEIGHT
