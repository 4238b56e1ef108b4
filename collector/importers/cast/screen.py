"""What is sensitive on the screen of a cast, whatever put its text together there."""

from __future__ import annotations

import re

from collector.importers.cast.places import Places
from collector.importers.cast.plain import BREAK, Chunk
from collector.importers.cast.rows import Rows
from collector.importers.cast.shadow import SLICE, Shadow, Widths
from collector.terminal.grid import Grid
from manifests.secrets import Wanted
from manifests.secrets.keyblock import PRIVATE, key_rows
from manifests.secrets.reading import Reading, plain

_ALTERNATE = re.compile(r"\x1b\[\?(?:47|1047|1049)([hl])")
_SEEN_MOST = 20_000
_WIDE_FROM = "ᄀ"
Found = list[tuple[int, int]]
_NOTHING: Found = []


class Looked:
    """The drawn screen, looked at after every event that moved its text; with `widths` also followed to its origin."""

    def __init__(self, columns: int, rows: int, wanted: Wanted, places: Places, widths: Widths | None) -> None:
        self._grid = Grid(columns, rows)
        self._rows = Rows(self._grid)
        self._height = rows
        self._wanted, self._places = wanted, places
        self._shadow = Shadow(columns, rows, widths) if widths else None
        self._lines_since_move = rows + 2
        self._seen: dict[str, Found] = {}
        self._keys_shown = False
        self.found = False
        self.full_screen = False

    def resize(self, columns: int, rows: int) -> None:
        self._look()
        self._grid.resize(columns, rows)
        if self._shadow:
            self._shadow.resize(columns, rows)
        self._height, self._lines_since_move = rows, 0
        self._look()

    def before_cursor(self) -> tuple[str, str]:
        """The row up to the cursor, and the row above."""
        if self._rearranged:
            self._look()
        return self._rows.before_cursor()

    def feed(self, chunk: Chunk) -> None:
        raw, text = chunk.raw, chunk.text
        if self._shadow:
            self._shadow.begin(chunk)
        moved = BREAK in text or chunk.jumps > 0
        if moved:
            self._lines_since_move = 0 if chunk.jumps else text.count("\n", text.rfind(BREAK))
        else:
            self._lines_since_move += text.count("\n")
        if "\x1b[?" in raw and (switches := _ALTERNATE.findall(raw)):
            self.full_screen = switches[-1] == "h"
        for piece in chunk.slices(SLICE) if moved or self._shadow else (raw,):
            self._grid.feed(piece)
            if self._shadow:
                self._shadow.feed(piece)
            if moved or self._rearranged:
                self._look()

    @property
    def _rearranged(self) -> bool:
        """Whether text on the screen may stand beside text that came at another time."""
        return self._lines_since_move <= self._height + 1

    def _look(self) -> None:
        rows = self._rows
        changed = rows.changed()
        if not changed:
            return
        if len(self._seen) > _SEEN_MOST:
            self._seen.clear()  # what has become known since it was seen is found by the next pass
        seen = self._seen
        hits: list[tuple[Reading, Found]] = []
        readings = [*rows.readings(changed)]
        new = [reading.text for reading in readings if reading.text not in seen]
        if new:
            self._see(new)
        for reading in readings:
            if found := seen[reading.text]:
                hits.append((reading, found))
        if self._keys_shown or any(PRIVATE in rows.texts[y] for y in changed):
            hits += self._private_keys()
        if hits:
            self.found = True
            if self._shadow:
                self._shadow.look()
                for reading, found in hits:
                    self._trace(reading, found)

    def _see(self, texts: list[str]) -> None:
        """Judge texts that stand on the screen for the first time, most of them all at once."""
        if self._wanted.may_stand(_shown(texts)):
            for text in texts:
                alone = len(texts) == 1 or self._wanted.may_stand(_shown([text]))
                self._seen[text] = self._judge(text) if alone else _NOTHING
        else:
            self._seen.update(dict.fromkeys(texts, _NOTHING))

    def _judge(self, text: str) -> Found:
        """Where a text of the screen is to be masked, in its own columns."""
        if text.isascii():
            return self._wanted.find(text.replace("\0", " "))[0]
        columns = [at for at, c in enumerate(text) if c != "\0" or not at or text[at - 1] < _WIDE_FROM]
        shown = "".join([text[at] for at in columns]).replace("\0", " ")
        return [(columns[start], columns[end - 1] + 1) for start, end in self._wanted.find(shown)[0]]

    def _private_keys(self) -> list[tuple[Reading, Found]]:
        """The rows of private keys on the screen, also of one whose first line has scrolled away."""
        texts, columns = self._rows.texts, self._grid.columns
        self._keys_shown = any(PRIVATE in text for text in texts)
        return [
            (Reading(texts[y], y, y, 0, columns), found)
            for y, found in key_rows([plain(text) for text in texts], self._wanted.find)
            if len(plain(texts[y])) == len(texts[y].rstrip("\0 "))
        ]

    def _trace(self, reading: Reading, found: Found) -> None:
        assert self._shadow is not None
        rows = {y: self._shadow.row(y) for y in range(reading.first, reading.last + 1)}
        for start, end in found:
            for y, x in reading.cells(start, end):
                stand_in = rows[y][x : x + 1]
                if stand_in and (came := self._shadow.came_from(stand_in)) is not None:
                    self._places.add(*came[1])


def _shown(texts: list[str]) -> str:
    """Texts of the screen as they are read, in lines."""
    text = "\n".join(texts)
    return text.replace("\0", " ") if text.isascii() else "\n".join([plain(text) for text in texts])
