"""A terminal's screen as a grid of characters, and where its cells lie in the model's picture."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from manifests.clip import EventRow
from manifests.clip_io import ClipReader
from manifests.terminal_cells import RECORDED_CELL, fitting_cell
from trainer.data.clip import Clip
from trainer.data.cursor import Letterbox

BLANK, OTHER, UNKNOWN = 0, 95, -1
CHARACTERS = [" ", *(chr(code) for code in range(33, 127)), "\ufffd"]
"""Number -> character: blank, printable ASCII, and one for all others."""
UNDER_CURSOR = len(CHARACTERS)
"""Added to a character's number where the text cursor is on it."""
_NUMBER = {character: number for number, character in enumerate(CHARACTERS)}


@dataclass(frozen=True)
class ScreenGrid:
    """Where a terminal's cells lie in the model's picture."""

    columns: int
    rows: int
    cell: tuple[int, int]
    """Px of a recorded cell."""
    box: Letterbox
    """How the recording lies in the picture."""

    @classmethod
    def of(cls, row: EventRow, size: tuple[int, int]) -> ScreenGrid:
        """Of a clip row, in a picture of `size` (width, height) px."""
        cell = cell_size(row)
        source = (int(row["width"]), int(row["height"]))
        return cls(source[0] // cell[0], source[1] // cell[1], cell, Letterbox.fit(source, size))


def cell_size(row: EventRow) -> tuple[int, int]:
    """Px of a cell of a terminal's recording, found by its text cursor; the usual ones where nothing fits."""
    return fitting_cell(row["width"], row["height"], row["cursor_x"], row["cursor_y"]) or RECORDED_CELL


def cells_of(text: str, columns: int, rows: int) -> NDArray[np.int64]:
    """Numbers of the characters of a screen, [rows, columns].

    Behind a character that is not one cell wide the rest of its row is UNKNOWN, as is all of a screen that is larger.
    """
    cells = np.full((rows, columns), BLANK, np.int64)
    lines = text.split("\n")
    if len(lines) > rows or max(map(len, lines)) > columns:
        cells[:] = UNKNOWN
        return cells
    for number, line in enumerate(lines):
        for column, character in enumerate(line):
            if unicodedata.east_asian_width(character) in "WF" or unicodedata.category(character) in ("Mn", "Me", "Cf"):
                cells[number, column:] = UNKNOWN
                break
            cells[number, column] = _NUMBER.get(character, OTHER)
    return cells


def lines_of(cells: NDArray[np.int64]) -> list[str | None]:
    """The rows of a screen as text without blanks at their ends; None for a row of which anything is UNKNOWN."""
    return [
        None if (row == UNKNOWN).any() else "".join(CHARACTERS[number] for number in row).rstrip(" ") for row in cells
    ]


def screen_cells(reader: ClipReader, clip: Clip, grid: ScreenGrid) -> NDArray[np.int64] | None:
    """Numbers of the characters at each of the model's frames, [n, rows, columns]; None where no text was recorded."""
    stored = reader.read(clip.id, ["picture", "screen_text"])
    texts = stored["screen_text"]
    if not texts or max(stored["picture"]) >= len(texts):
        return None
    pictures = [stored["picture"][frame] for frame in clip.frames]
    made = {picture: cells_of(texts[picture], grid.columns, grid.rows) for picture in set(pictures)}
    return np.stack([made[picture] for picture in pictures])
