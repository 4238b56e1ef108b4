"""What a scan found in a clip, by position: enough to mask it and to count it. The values are kept as hashes only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from curation.scan.clips import TextColumn
from manifests.secrets import Span


class OnScreen(NamedTuple):
    """Characters [start, end) of a row of a picture's text."""

    picture: int
    row: int
    start: int
    end: int


def by_row(places: Iterable[OnScreen]) -> dict[tuple[int, int], list[tuple[int, int]]]:
    """Picture and row -> the runs of characters there, none of which touch each other."""
    runs: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for picture, row, start, end in sorted(places):
        here = runs.setdefault((picture, row), [])
        if here and start <= here[-1][1]:
            here[-1] = (here[-1][0], max(here[-1][1], end))
        else:
            here.append((start, end))
    return runs


@dataclass
class ClipFindings:
    """What is sensitive in one clip."""

    clip_id: str
    texts: dict[TextColumn, list[Span]] = field(default_factory=dict)
    """By column of free text: the spans to mask."""
    keys: dict[int, set[int]] = field(default_factory=dict)
    """By action: the positions of the sensitive characters in what it typed."""
    screen: set[OnScreen] = field(default_factory=set)
    unmaskable: list[str] = field(default_factory=list)
    """Columns with something sensitive that cannot be masked."""
    unseen: bool = False
    """Something was found, and the clip's pixels, which may show it, cannot be read: of a desktop, or of a film."""
    values: dict[str, set[int]] = field(default_factory=dict)
    """Kind -> hashes of the values, to count each once."""
    columns: set[str] = field(default_factory=set)

    def add(self, kind: str, value: str, column: str) -> None:
        """Count a value found in a column."""
        self.values.setdefault(kind, set()).add(hash(value))
        self.columns.add(column)

    @property
    def kinds(self) -> Counter[str]:
        """Kind -> number of different values."""
        return Counter({kind: len(values) for kind, values in sorted(self.values.items())})
