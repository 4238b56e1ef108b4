"""Finding values of which a picture shows only a part, while they are typed, drawn or scrolled away.

The detector cannot recognise a part, so a value is followed from the picture that shows the whole of it to those before
and after, as long as a part of it is in the same place: in the same columns, or behind the same text.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from curation.scan.findings import OnScreen, by_row

_ENOUGH = 4
"""So many equal characters in the same columns count as part of a value, whatever precedes them."""


class _Value(NamedTuple):
    """The part of a value in one row: its row and column, the text before it, and the part itself."""

    row: int
    start: int
    before: str
    text: str


def add_partial_values(texts: Sequence[Sequence[str]], screens: Sequence[set[OnScreen]]) -> None:
    """Add to each clip's `screens` the parts of values that were found whole in neighbouring pictures.

    Args:
        texts: of a session's clips in order, each picture's text.
        screens: what was found in each clip.
    """
    places = [(clip, picture) for clip, pictures in enumerate(texts) for picture in range(len(pictures))]
    whole: dict[tuple[int, int], set[_Value]] = {}
    for clip, found in enumerate(screens):
        for (picture, row), runs in by_row(found).items():
            text = texts[clip][picture].split("\n")[row]
            values = {_Value(row, start, text[:start], text[start:end]) for start, end in runs}
            whole.setdefault((clip, picture), set()).update(values)
    for order in (places[::-1], places):
        near: set[_Value] = set()
        for clip, picture in order:
            here = whole.get((clip, picture), set())
            near -= here
            rows = texts[clip][picture].split("\n") if near else []
            parts = {(value, part) for value in near for part in _parts(rows, value)}
            screens[clip].update(OnScreen(picture, *part) for _, part in parts)
            near = {value._replace(row=part[0]) for value, part in parts} | here


def _parts(rows: Sequence[str], value: _Value) -> Iterator[tuple[int, int, int]]:
    """Row, first and behind the last character of the parts of a value on another picture."""
    if value.row < len(rows):
        row = rows[value.row]
        run = 0
        for at in range(len(value.text) + 1):
            place = value.start + at
            if at < len(value.text) and place < len(row) and row[place] == value.text[at]:
                run += 1
                continue
            if run >= _ENOUGH:
                yield value.row, place - run, place
            run = 0
    for y, row in enumerate(rows):
        if row.startswith(value.before) and (y == value.row or value.before.strip()):
            behind = row[value.start :]
            same = next((at for at, (a, b) in enumerate(zip(behind, value.text, strict=False)) if a != b),
                        min(len(behind), len(value.text)))  # fmt: skip
            if same and (same == len(behind) or same == len(value.text)):
                yield y, value.start, value.start + same
            elif same >= _ENOUGH and " " not in value.text:
                yield y, value.start, value.start + len(behind.split(" ")[0])
