"""The rows of a screen as texts, and which of them changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from collector.terminal.grid import Grid, text_of
from manifests.secrets.screen_text import ScreenText, plain, screen_texts


class Rows:
    """Reads what changed on a grid."""

    def __init__(self, grid: Grid) -> None:
        self._grid = grid
        self.texts: list[str] = []
        """Every row, one character a column: NUL where nothing is, and in the right half of a wide character."""

    def changed(self) -> list[int]:
        """The rows that changed since the last call; `texts` is as it is now."""
        grid = self._grid
        rows = grid.changed()
        if len(self.texts) != len(grid.rows):
            self.texts = [""] * len(grid.rows)
            rows = list(range(len(grid.rows)))
        text, columns = text_of(b"".join([grid.rows[y] for y in rows])) if rows else "", grid.columns
        for number, y in enumerate(rows):
            self.texts[y] = text[number * columns : (number + 1) * columns]
        return rows

    def before_cursor(self) -> tuple[str, str]:
        """What stands before the cursor in its row, and the row above."""
        self.changed()
        x, y = self._grid.cursor()
        if y >= len(self.texts):
            return "", ""
        return plain(self.texts[y])[:x], plain(self.texts[y - 1]) if y else ""

    def screen_texts(self, rows: Iterable[int]) -> Iterator[ScreenText]:
        """The texts in which the given rows take part."""
        return screen_texts(self.texts, self._grid.columns, rows)
