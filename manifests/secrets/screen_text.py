"""The texts on a terminal's screen: each row by itself, and rows joined where a text wraps into the next one.

A row is a string with one character per column: NUL where the cell is empty, and in the right half of a wide character.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

_BARS = frozenset("│┃║▏▕▌▐┆┊|")
_LONGEST = 16_384
Cell = tuple[int, int]
"""A row and a column."""


class ScreenText(NamedTuple):
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


def screen_texts(texts: Sequence[str], columns: int, rows: Iterable[int]) -> Iterator[ScreenText]:
    """Every text that includes one of the given rows, on a screen of `columns` columns."""
    done: set[tuple[int, int]] = set()
    for y in rows:
        text = texts[y]
        if text.isspace() or not text.strip("\0 "):
            continue
        yield ScreenText(text, y, y, 0, columns)
        if _ends(text) and text.isascii() and "|" not in text and (not y or _ends(texts[y - 1])):
            continue  # most rows neither continue a text nor are continued
        for left, right in _panes(text, columns):
            first, last = y, y
            while first and _goes_on(texts, columns, first - 1, left, right):
                first -= 1
            while last + 1 < len(texts) and _goes_on(texts, columns, last, left, right):
                last += 1
            if first == last or (first, left) in done:
                continue
            done.add((first, left))
            last = min(last, first + _LONGEST // (right - left))
            joined = "".join(row[left:right].ljust(right - left, "\0") for row in texts[first : last + 1])
            yield ScreenText(joined, first, last, left, right)


def _goes_on(texts: Sequence[str], columns: int, y: int, left: int, right: int) -> bool:
    """Whether the text in columns [left, right) of row `y` continues in the next row."""
    row, following = texts[y], texts[y + 1]
    for text in (row, following):
        if right < columns and not _is_edge(text[right : right + 2]):
            return False
        if left and not _is_edge(text[max(0, left - 2) : left][::-1]):
            return False
    begins = following[left]
    ends = row[right - 1]
    if ends == "\0" and right - left > 1 and (row[right - 2] >= "ᄀ" or begins >= "ᄀ"):
        ends = row[right - 2]  # the right half of a wide character, or an empty cell before one that did not fit
    if ends == " " or begins == " ":  # a grouped number may continue after a blank
        after = following[left : left + 2].lstrip(" ")[:1] if begins == " " else begins
        before = row[right - 2 : right].rstrip(" ")[-1:] if ends == " " else ends
        return (before.isdigit() or before == ")") and after.isdigit() and begins != ends
    return ends not in "\0 " and begins not in "\0 " and ends not in _BARS and begins not in _BARS


def _panes(text: str, columns: int) -> list[tuple[int, int]]:
    """Columns [left, right) of the panes between vertical bars in a row, with and without a blank at either side."""
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
    """Whether the row ends before the right edge, so that no word or grouped number continues in the next row."""
    return text[-1] == "\0" or (text[-1] == " " and not text[-2:-1].isdigit())


def _is_edge(beside: str) -> bool:
    """Whether a pane ends here: a bar, or a blank and then a bar."""
    return beside[:1] in _BARS or (beside[:1] in ("\0", " ") and beside[1:] in _BARS)


def plain(text: str) -> str:
    """The text of a row, with blanks for empty cells and each wide character once."""
    return as_read(text)[0].rstrip()


def as_read(text: str) -> tuple[str, Sequence[int]]:
    """The same including trailing blanks, and the column of each character."""
    if text.isascii():
        return text.replace("\0", " "), range(len(text))
    columns = [at for at, c in enumerate(text) if c != "\0" or not at or text[at - 1] < "ᄀ"]
    return "".join([text[at] for at in columns]).replace("\0", " "), columns
