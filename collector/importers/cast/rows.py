"""The rows of a screen as texts: each by itself, and joined where a reader goes on from one to the next."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from collector.terminal.grid import Grid, text_of

_BARS = frozenset("│┃║▏▕▌▐┆┊|")
_LONGEST = 16_384
Cell = tuple[int, int]
"""A row and a column."""


class Reading(NamedTuple):
    """A text on the screen: rows [first, last], columns [left, right) of each."""

    text: str
    first: int
    last: int
    left: int
    right: int

    def cells(self, start: int, end: int) -> Iterator[Cell]:
        """The cells of the characters [start, end)."""
        width = self.right - self.left
        for at in range(start, end):
            yield self.first + at // width, self.left + at % width


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

    def readings(self, rows: Iterable[int]) -> Iterator[Reading]:
        """The texts in which the given rows take part."""
        columns = self._grid.columns
        done: set[tuple[int, int]] = set()
        for y in rows:
            text = self.texts[y]
            if text.isspace() or not text.strip("\0 "):
                continue
            yield Reading(text, y, y, 0, columns)
            if _ends(text) and text.isascii() and "|" not in text and (not y or _ends(self.texts[y - 1])):
                continue  # most rows begin and end in themselves
            for left, right in _panes(text, columns):
                first, last = y, y
                while first and self._goes_on(first - 1, left, right):
                    first -= 1
                while last + 1 < len(self.texts) and self._goes_on(last, left, right):
                    last += 1
                if first == last or (first, left) in done:
                    continue
                done.add((first, left))
                last = min(last, first + _LONGEST // (right - left))
                joined = "".join(row[left:right].ljust(right - left, "\0") for row in self.texts[first : last + 1])
                yield Reading(joined, first, last, left, right)

    def _goes_on(self, y: int, left: int, right: int) -> bool:
        """Whether a text that fills row `y` from `left` to `right` goes on in the next row."""
        row, following = self.texts[y], self.texts[y + 1]
        columns = self._grid.columns
        for text in (row, following):
            if right < columns and not _is_edge(text[right : right + 2]):
                return False
            if left and not _is_edge(text[max(0, left - 2) : left][::-1]):
                return False
        begins = following[left]
        ends = row[right - 1]
        if ends == "\0" and right - left > 1 and (row[right - 2] >= "ᄀ" or begins >= "ᄀ"):
            ends = row[right - 2]  # the right half of a wide character, or no room for one
        if ends == " " or begins == " ":  # a number in groups may go on behind a blank
            after = following[left : left + 2].lstrip(" ")[:1] if begins == " " else begins
            before = row[right - 2 : right].rstrip(" ")[-1:] if ends == " " else ends
            return (before.isdigit() or before == ")") and after.isdigit() and begins != ends
        return ends not in "\0 " and begins not in "\0 " and ends not in _BARS and begins not in _BARS


def _panes(text: str, columns: int) -> list[tuple[int, int]]:
    """The columns between the bars of a row, with and without a blank at either side of them."""
    if text.isascii() and "|" not in text:
        return [(0, columns)]
    edges = [-1, *(x for x, c in enumerate(text) if c in _BARS), columns]
    panes = [(0, columns)]
    for before, after in zip(edges, edges[1:], strict=False):
        left, right = before + 1, after
        if right - left < 4 or (left, right) == (0, columns) or len(panes) > 12:
            continue
        panes.append((left, right))
        if text[left] in "\0 " and text[right - 1] in "\0 " and right - left > 8:
            panes.append((left + 1, right - 1))
    return panes


def _ends(text: str) -> bool:
    """Whether nothing goes on at the right edge: neither a word nor a number in groups."""
    return text[-1] == "\0" or (text[-1] == " " and not text[-2:-1].isdigit())


def _is_edge(beside: str) -> bool:
    """Whether a pane ends here: a bar, or a blank and then a bar."""
    return beside[:1] in _BARS or (beside[:1] in ("\0", " ") and beside[1:] in _BARS)


def plain(text: str) -> str:
    """A row as it is read: blanks for what is none, wide characters once."""
    if text.isascii():
        return text.replace("\0", " ").rstrip()
    made = [c for at, c in enumerate(text) if c != "\0" or not at or text[at - 1] < "ᄀ"]
    return "".join(made).replace("\0", " ").rstrip()
