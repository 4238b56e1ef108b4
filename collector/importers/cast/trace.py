"""Traces what was seen on the screen back to the characters of the cast that it is made of.

The cast is fed to a shadow in the very pieces in which it was looked at, and nothing is searched again: the hits say
after how many pieces, and where on the screen, there is something to be followed.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from collector.importers.cast.hits import Hit, Hits
from collector.importers.cast.places import Places
from collector.importers.cast.plain_text import Chunk, ChunkMaker
from collector.importers.cast.shadow import SLICE, Shadow, Widths
from collector.terminal.cast import Cast, parse_size
from manifests.secrets.screen_text import ScreenText


def trace(cast: Cast, hits: Hits, widths: Widths, places: Places) -> None:
    """Add to `places` where the characters of `hits` came from."""
    shadow = Shadow(cast.columns, cast.rows, widths)
    by_step = itertools.groupby(hits, key=lambda hit: hit.step)
    due, seen = next(by_step, (0, iter(())))
    for step, _ in enumerate(_steps(cast, shadow), start=1):
        if step == due:
            _follow(shadow, seen, places)
            due, seen = next(by_step, (0, iter(())))
            if not due:
                return


def _steps(cast: Cast, shadow: Shadow) -> Iterator[None]:
    """Feed the shadow piece by piece."""
    chunks = ChunkMaker()

    def fed(chunk: Chunk) -> Iterator[None]:
        shadow.begin(chunk)
        for piece in chunk.slices(SLICE) if chunk.raw else ():
            shadow.feed(piece)
            yield

    for number, event in enumerate(cast.events()):
        if event.code == "o":
            yield from fed(chunks.feed(number, event.data))
        elif event.code == "r":
            shadow.resize(*parse_size(event.data, str(cast.path)))
            yield
    yield from fed(chunks.rest())


def _follow(shadow: Shadow, hits: Iterator[Hit], places: Places) -> None:
    shadow.look()
    rows: dict[int, str] = {}
    for _, first, last, left, right, start, end in hits:
        for y, x in ScreenText("", first, last, left, right).cells(start, end):
            if y not in rows:
                rows[y] = shadow.row(y)
            stand_in = rows[y][x : x + 1]
            if stand_in and (came := shadow.came_from(stand_in)) is not None:
                places.add(*came[1])
