"""Searching the text of a terminal's pictures: row by row, and joined where a text wraps into the next row."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

from curation.scan.findings import OnScreen
from manifests.secrets import SecretSearch, Span
from manifests.secrets.private_keys import PRIVATE, key_rows
from manifests.secrets.screen_text import ScreenText, as_read, screen_texts

_SEEN_MOST = 50_000


class Cells(NamedTuple):
    """A row of text laid out in columns."""

    text: str
    """One character a column: NUL behind the row's end, and in the right half of a wide character."""
    origin: list[int]
    """For each column, which character of the row stands there."""


def width_of(character: str) -> int:
    """How many columns a character takes, as far as Unicode defines it; terminals differ beyond ASCII."""
    if character.isascii():
        return 1
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def laid_out(row: str, columns: int) -> Cells:
    """Lay out a row's characters in columns, at least as many as given."""
    if row.isascii():
        return Cells(row.ljust(columns, "\0"), list(range(len(row))))
    text: list[str] = []
    origin: list[int] = []
    for at, character in enumerate(row):
        width = width_of(character)
        text += [character, "\0"][:width]
        origin += [at] * width
    return Cells("".join(text).ljust(columns, "\0"), origin)


def _rows_of(joined: ScreenText, span: Span) -> Iterator[tuple[int, int, int]]:
    """Row and columns [left, right) of a span's parts."""
    width = joined.right - joined.left
    for number in range(span.start // width, (span.end - 1) // width + 1):
        left, right = max(span.start - number * width, 0), min(span.end - number * width, width)
        yield joined.first + number, joined.left + left, joined.left + right


class Screens:
    """Searches pictures of one size; the results of texts that come again are cached."""

    def __init__(self, columns: int, search: SecretSearch) -> None:
        self._columns, self._search = columns, search
        self._seen: dict[str, list[Span]] = {}
        self._size = search.size

    def find(self, picture: int, text: str) -> Iterator[tuple[OnScreen, Span, str]]:
        """What is sensitive on a picture: its place, its span in the joined text, and the whole value."""
        if not text.strip():
            return
        rows = text.split("\n")
        cells = [laid_out(row, self._columns) for row in rows]
        texts = [row.text for row in cells]
        columns = max(map(len, texts))
        texts = [row.ljust(columns, "\0") for row in texts]
        for joined in screen_texts(texts, columns, range(len(texts))):
            for span in self._find(joined.text):
                value = joined.text[span.start : span.end]
                for y, left, right in _rows_of(joined, span):
                    origin = cells[y].origin[left:right]
                    if origin:
                        yield OnScreen(picture, y, origin[0], origin[-1] + 1), span, value
        if PRIVATE in text:
            for y, found in key_rows([row.rstrip() for row in rows], self._search.find):
                for start, end in found:
                    yield OnScreen(picture, y, start, end), Span(start, end, "private key"), rows[y][start:end]

    def _find(self, text: str) -> list[Span]:
        if self._size != self._search.size or len(self._seen) > _SEEN_MOST:
            self._seen.clear()
            self._size = self._search.size
        found = self._seen.get(text)
        if found is None:
            found = self._seen[text] = self._judged(text)
        return found

    def _judged(self, text: str) -> list[Span]:
        shown, columns = as_read(text)
        if not self._search.sift([shown]):
            return []
        spans, _ = self._search.spans(shown)
        return [span._replace(start=columns[span.start], end=columns[span.end - 1] + 1) for span in spans]
