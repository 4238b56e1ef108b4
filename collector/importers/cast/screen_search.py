"""Searches the screen of a cast for what is sensitive, whatever put its text together there."""

from __future__ import annotations

import re

from collector.importers.cast.hits import Hits
from collector.importers.cast.plain_text import BREAK, Chunk
from collector.importers.cast.rows import Rows
from collector.importers.cast.shadow import SLICE
from collector.terminal.grid import Grid
from manifests.secrets import SecretSearch
from manifests.secrets.private_keys import PRIVATE, key_rows
from manifests.secrets.screen_text import ScreenText, as_read, plain

_ALTERNATE = re.compile(r"\x1b\[\?(?:47|1047|1049)([hl])")
_SEEN_MOST = 200_000
_BATCH, _BATCH_READINGS = 65_536, 4096
"""Characters of new texts, and readings of any, that may wait to be judged."""
Found = list[tuple[int, int]]
_NOTHING: Found = []


class ScreenSearch:
    """The drawn screen, searched after every event that moved its text. `hits` holds what was found, and when.

    Texts are searched in batches, since most batches hold nothing: `settle` searches those that still wait.
    """

    def __init__(self, columns: int, rows: int, wanted: SecretSearch) -> None:
        self._grid = Grid(columns, rows)
        self._rows = Rows(self._grid)
        self._height = rows
        self._wanted = wanted
        self._lines_since_move = rows + 2
        self._step = 0
        self._seen: dict[int, Found | None] = {}
        """By the text's hash; None while it waits to be judged."""
        self._new: list[str] = []
        self._waiting: list[tuple[int, ScreenText, Found | None]] = []
        self._size = 0
        self._keys_shown = False
        self.hits = Hits()
        self.full_screen = False

    def resize(self, columns: int, rows: int) -> None:
        self._look()
        self._grid.resize(columns, rows)
        self._step += 1
        self._height, self._lines_since_move = rows, 0
        self._look()

    def before_cursor(self) -> tuple[str, str]:
        """The row up to the cursor, and the row above."""
        if self._rearranged:
            self._look()
        return self._rows.before_cursor()

    def feed(self, chunk: Chunk) -> None:
        raw, text = chunk.raw, chunk.text
        moved = BREAK in text or chunk.jumps > 0
        if moved:
            self._lines_since_move = 0 if chunk.jumps else text.count("\n", text.rfind(BREAK))
        else:
            self._lines_since_move += text.count("\n")
        if "\x1b[?" in raw and (switches := _ALTERNATE.findall(raw)):
            self.full_screen = switches[-1] == "h"
        looked_at = moved or self._rearranged
        for piece in chunk.slices(SLICE):
            self._grid.feed(piece)
            self._step += 1
            if looked_at:
                self._look()

    @property
    def _rearranged(self) -> bool:
        """Whether text on the screen may stand beside text that came at another time."""
        return self._lines_since_move <= self._height + 1

    def _look(self) -> None:
        rows, seen = self._rows, self._seen
        changed = rows.changed()
        if not changed:
            return
        for reading in rows.screen_texts(changed):
            number = hash(reading.text)
            found = seen.get(number)
            if found is None and number not in seen:
                seen[number] = None
                self._new.append(reading.text)
                self._size += len(reading.text)
            if found != _NOTHING:
                self._waiting.append((self._step, reading, found))
        if self._keys_shown or any(PRIVATE in rows.texts[y] for y in changed):
            self._waiting += [(self._step, reading, spans) for reading, spans in self._private_keys()]
        if self._size > _BATCH or len(self._waiting) > _BATCH_READINGS:
            self.settle()

    def settle(self) -> None:
        """Search the texts that wait."""
        seen, new = self._seen, self._new
        seen.update(dict.fromkeys(map(hash, new), _NOTHING))
        for number in self._wanted.sift([plain(text) for text in new]):
            seen[hash(new[number])] = self._judge(new[number])
        for step, reading, found in self._waiting:
            if found is None:
                found = seen[hash(reading.text)]
            if found:
                self.hits.add(step, reading, found)
        self._new, self._waiting, self._size = [], [], 0
        if len(seen) > _SEEN_MOST:
            seen.clear()  # what has become known since it was seen is found by the next pass

    def _judge(self, text: str) -> Found:
        """Where a text of the screen is to be masked, in its own columns."""
        shown, columns = as_read(text)
        return [(columns[start], columns[end - 1] + 1) for start, end in self._wanted.find(shown)[0]]

    def _private_keys(self) -> list[tuple[ScreenText, Found]]:
        """The rows of private keys on the screen, also of one whose first line has scrolled away."""
        texts, columns = self._rows.texts, self._grid.columns
        self._keys_shown = any(PRIVATE in text for text in texts)
        return [
            (ScreenText(texts[y], y, y, 0, columns), found)
            for y, found in key_rows([plain(text) for text in texts], self._wanted.find)
            if len(plain(texts[y])) == len(texts[y].rstrip("\0 "))
        ]
