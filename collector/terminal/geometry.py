"""The size of a terminal's picture; free of imports, because the recorder in the container has no image library."""

from __future__ import annotations

CELL_WIDTH, CELL_HEIGHT = 8, 16
"""Pixels of one cell unless asked otherwise: even, and multiples of 8, which suits video codecs and models alike."""
CELL = (CELL_WIDTH, CELL_HEIGHT)


def frame_size(columns: int, rows: int, cell: tuple[int, int] = CELL) -> tuple[int, int]:
    """Width and height in px of a terminal of `columns` x `rows` cells."""
    return columns * cell[0], rows * cell[1]
