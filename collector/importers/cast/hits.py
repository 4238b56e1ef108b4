"""The search's hits: where on the screen something sensitive was seen, and when; compact, as it may be drawn often."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import NamedTuple

from collector.importers.cast.source import Unusable
from manifests.secrets.screen_text import ScreenText

MOST = 2_000_000
_FIELDS = 7


class Hit(NamedTuple):
    """After `step` pieces of the cast had been fed: the characters [start, end) of a reading's rows and columns."""

    step: int
    first: int
    last: int
    left: int
    right: int
    start: int
    end: int


class Hits:
    """Hits in the order of their steps."""

    def __init__(self) -> None:
        self._numbers = array("I")

    def __bool__(self) -> bool:
        return bool(self._numbers)

    def add(self, step: int, reading: ScreenText, found: list[tuple[int, int]]) -> None:
        """Remember the parts of a reading that are to be masked."""
        _, first, last, left, right = reading
        for start, end in found:
            self._numbers.extend((step, first, last, left, right, start, end))
        if len(self._numbers) > MOST * _FIELDS:
            raise Unusable(f"sensitive strings on the screen more than {MOST:,} times; leave the file out")

    def __iter__(self) -> Iterator[Hit]:
        numbers = self._numbers
        return (Hit(*numbers[at : at + _FIELDS]) for at in range(0, len(numbers), _FIELDS))
