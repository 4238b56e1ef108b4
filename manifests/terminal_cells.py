"""Where the cells of a recorded terminal lie in its pictures, as clips tell: by their size and their text cursor."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

RECORDED_CELL = (8, 16)
"""Px of a cell that the recorder draws unless asked otherwise."""


def fitting_cell(
    width: int, height: int, cursor_x: Collection[int], cursor_y: Collection[int]
) -> tuple[int, int] | None:
    """Px of a cell: the usual ones, unless the text cursor was ever off their centres.

    Else the largest of about 1:2 that divide the picture and have the cursor in their centres; None for a picture that
    no cells fit.
    """
    x = np.unique([value for value in cursor_x if value >= 0]).astype(int)
    y = np.unique([value for value in cursor_y if value >= 0]).astype(int)

    def fits(wide: int, high: int) -> bool:
        whole = width % wide == 0 and height % high == 0
        return whole and bool((x % wide == wide // 2).all() and (y % high == high // 2).all())

    if fits(*RECORDED_CELL):
        return RECORDED_CELL
    sizes = [(w, h) for w in range(64, 3, -1) for h in range(int(w * 2.4), int(w * 1.6) - 1, -1) if fits(w, h)]
    return sizes[0] if sizes else None
