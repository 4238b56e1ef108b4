"""Characters that stand for others on a screen, and what they stand for."""

from __future__ import annotations

import functools
from bisect import bisect_right

import numpy as np

Place = tuple[int, int]
"""Number of the event, and the character's place in its data."""

POOL, _BLOCK = 65_024, 512


@functools.cache
def _characters(first: int) -> str:
    return "".join(map(chr, range(first, first + POOL)))


class Pool:
    """Characters that stand for others, given out in turn and in blocks, never from one that is still on the screen."""

    def __init__(self, first: int) -> None:
        self.first = first
        self._all = _characters(first)
        self._runs: list[tuple[list[int], list[str], list[Place]]] = [([], [], []) for _ in range(POOL // _BLOCK)]
        """Of each block, for every run of characters: where it begins, what it stands for, where that came from."""
        self._uses = [0] * (POOL // _BLOCK)
        self._next = 0
        self.wrapped = False

    def take(self, text: str, place: Place, on_screen: str) -> tuple[str, str]:
        """Stand-ins for the start of `text`, and the rest of it for another call."""
        at = self._next
        if at % _BLOCK == 0:
            at = self._free(at, on_screen) if self.wrapped else at
            self._runs[at // _BLOCK] = ([], [], [])
            self._uses[at // _BLOCK] += 1
        block, inside = divmod(at, _BLOCK)
        part = text[: _BLOCK - inside]
        starts, texts, places = self._runs[block]
        starts.append(inside)
        texts.append(part)
        places.append(place)
        end = at + len(part)
        self._next = end % POOL
        self.wrapped = self.wrapped or self._next == 0
        return self._all[at:end], text[len(part) :]

    @property
    def used(self) -> bool:
        return self.wrapped or self._next > 0

    def needs_screen(self) -> bool:
        return self.wrapped and self._next % _BLOCK == 0

    def _free(self, at: int, on_screen: str) -> int:
        points = np.frombuffer(on_screen.encode("utf-32-le"), np.uint32).astype(np.int64) - self.first
        used = set((points[(points >= 0) & (points < POOL)] // _BLOCK).tolist())
        for step in range(POOL // _BLOCK):
            block = (at // _BLOCK + step) % (POOL // _BLOCK)
            if block not in used:
                return block * _BLOCK
        return at

    def uses(self, character: str) -> int:
        """How many times the character's block was given out: with that it stands for one thing only."""
        return self._uses[(ord(character) - self.first) // _BLOCK]

    def run(self, character: str) -> tuple[str, str, Place]:
        """What the character and those given out after it stand for, they themselves, and where it came from."""
        at = ord(character) - self.first
        block, inside = divmod(at, _BLOCK)
        starts, texts, places = self._runs[block]
        run = bisect_right(starts, inside) - 1
        begun = inside - starts[run] if run >= 0 else 0
        if run < 0 or begun >= len(texts[run]):  # a screen of more cells than the pool has
            return " ", character, (-1, 0)
        event, offset = places[run]
        text = texts[run][begun:]
        return text, self._all[at : at + len(text)], (event, offset + begun)
