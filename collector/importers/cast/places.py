"""The places in a cast, event by event, of the characters that are to be masked."""

from __future__ import annotations

from collections.abc import Iterator

from collector.importers.cast.source import Unusable

MOST = 1_000_000


class Places:
    """Characters of events, by the event's number; keys are whole sequences of characters."""

    def __init__(self) -> None:
        self._output: dict[int, set[int]] = {}
        self._keys: dict[int, dict[int, int]] = {}
        self._count = 0

    def __bool__(self) -> bool:
        return bool(self._output or self._keys)

    def add(self, event: int, offset: int) -> None:
        self._output.setdefault(event, set()).add(offset)
        self._counted()

    def add_key(self, event: int, offset: int, size: int) -> None:
        self._keys.setdefault(event, {})[offset] = size
        self._counted()

    def _counted(self) -> None:
        self._count += 1
        if self._count > 8 * MOST or (self._count > MOST and self._count % MOST == 0 and self._held() > MOST):
            raise Unusable(f"more than {MOST:,} sensitive characters; leave the file out")

    def _held(self) -> int:
        return sum(map(len, self._output.values())) + sum(map(len, self._keys.values()))

    def of(self, event: int) -> Iterator[tuple[int, int]]:
        """What is to be masked of an event: where, and how many characters become one mask; from the end on."""
        sizes = dict.fromkeys(self._output.get(event, ()), 1)
        sizes.update(self._keys.get(event, {}))
        yield from sorted(sizes.items(), reverse=True)

    def __contains__(self, event: int) -> bool:
        return event in self._output or event in self._keys
