"""The texts of a terminal's pictures, as they are read: row by row, and joined where one goes on in the next."""

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
    """How many columns a character takes, as far as Unicode tells; terminals differ beyond ASCII."""
    if character.isascii():
        return 1
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def laid_out(row: str, columns: int) -> Cells:
    """A row in columns, at least as many as given."""
    if row.isascii():
        return Cells(row.ljust(columns, "\0"), list(range(len(row))))
    text: list[str] = []
    origin: list[int] = []
    for at, character in enumerate(row):
        width = width_of(character)
        text += [character, "\0"][:width]
        origin += [at] * width
    return Cells("".join(text).ljust(columns, "\0"), origin)


def _rows_of(reading: ScreenText, span: Span) -> Iterator[tuple[int, int, int]]:
    """Row and columns [left, right) of a span's parts."""
    width = reading.right - reading.left
    for number in range(span.start // width, (span.end - 1) // width + 1):
        left, right = max(span.start - number * width, 0), min(span.end - number * width, width)
        yield reading.first + number, reading.left + left, reading.left + right


class Screens:
    """Looks at pictures of one size, one after another; what was seen before costs nothing."""

    def __init__(self, columns: int, wanted: SecretSearch) -> None:
        self._columns, self._wanted = columns, wanted
        self._seen: dict[str, list[Span]] = {}
        self._size = wanted.size

    def look(self, picture: int, text: str) -> Iterator[tuple[OnScreen, Span, str]]:
        """What is sensitive on a picture: where, what, and the value of which that is a part."""
        if not text.strip():
            return
        rows = text.split("\n")
        cells = [laid_out(row, self._columns) for row in rows]
        texts = [row.text for row in cells]
        columns = max(map(len, texts))
        texts = [row.ljust(columns, "\0") for row in texts]
        for reading in screen_texts(texts, columns, range(len(texts))):
            for span in self._find(reading.text):
                value = reading.text[span.start : span.end]
                for y, left, right in _rows_of(reading, span):
                    origin = cells[y].origin[left:right]
                    if origin:
                        yield OnScreen(picture, y, origin[0], origin[-1] + 1), span, value
        if PRIVATE in text:
            for y, found in key_rows([row.rstrip() for row in rows], self._wanted.find):
                for start, end in found:
                    yield OnScreen(picture, y, start, end), Span(start, end, "private key"), rows[y][start:end]

    def _find(self, text: str) -> list[Span]:
        if self._size != self._wanted.size or len(self._seen) > _SEEN_MOST:
            self._seen.clear()
            self._size = self._wanted.size
        found = self._seen.get(text)
        if found is None:
            found = self._seen[text] = self._judged(text)
        return found

    def _judged(self, text: str) -> list[Span]:
        shown, columns = as_read(text)
        if not self._wanted.sift([shown]):
            return []
        spans, _ = self._wanted.spans(shown)
        return [span._replace(start=columns[span.start], end=columns[span.end - 1] + 1) for span in spans]
