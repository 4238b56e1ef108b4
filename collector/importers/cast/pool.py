"""A pool of stand-in characters: each replaces a character on a shadow terminal's screen, and leads back to it."""

from __future__ import annotations

import functools
from bisect import bisect_right
from collections.abc import Callable

import numpy as np

from collector.importers.cast.plain_text import Place

POOL, _BLOCK = 65_024, 512


@functools.cache
def _characters(first: int) -> str:
    return "".join(map(chr, range(first, first + POOL)))


class ScreenPool:
    """Characters that stand for others, given out in turn and in blocks, never from one that is still on the screen."""

    def __init__(self, first: int) -> None:
        self.first = first
        self._all = _characters(first)
        self._runs: list[tuple[list[int], list[str], list[Place]]] = [([], [], []) for _ in range(POOL // _BLOCK)]
        """Of each block, for every run of characters: where it begins, what it stands for, where that came from."""
        self._free = list(range(POOL // _BLOCK))[::-1]
        """Blocks to be given out, the next one last."""
        self._block, self._inside = -1, _BLOCK

    def reserve(self, size: int, on_screen: Callable[[], str]) -> None:
        """Have room for `size` characters: blocks of which nothing is on the screen any more are free again."""
        if len(self._free) * _BLOCK >= size:
            return
        points = np.frombuffer(on_screen().encode("utf-32-le"), np.uint32).astype(np.int64) - self.first
        used = set((points[(points >= 0) & (points < POOL)] // _BLOCK).tolist())
        ahead = [(self._block + step) % (POOL // _BLOCK) for step in range(1, POOL // _BLOCK)]
        self._free = [block for block in ahead if block not in used][::-1] or ahead[::-1]

    def take(self, text: str, place: Place) -> str:
        """Stand-ins for `text`, which stands at `place`."""
        made = []
        event, at = place
        while text:
            if self._inside == _BLOCK:
                self._block, self._inside = self._free.pop(), 0
                self._runs[self._block] = ([], [], [])
            part = text[: _BLOCK - self._inside]
            starts, texts, places = self._runs[self._block]
            starts.append(self._inside)
            texts.append(part)
            places.append((event, at))
            begin = self._block * _BLOCK + self._inside
            made.append(self._all[begin : begin + len(part)])
            self._inside += len(part)
            text, at = text[len(part) :], at + len(part)
        return "".join(made) if len(made) > 1 else made[0]

    def get(self, character: str) -> tuple[str, Place] | None:
        """What a character stands for, and where that came from; None for one that was not given out."""
        block, inside = divmod(ord(character) - self.first, _BLOCK)
        starts, texts, places = self._runs[block]
        run = bisect_right(starts, inside) - 1
        begun = inside - starts[run] if run >= 0 else 0
        if run < 0 or begun >= len(texts[run]):  # a screen of more cells than the pool has
            return None
        event, at = places[run]
        return texts[run][begun], (event, at + begun)
