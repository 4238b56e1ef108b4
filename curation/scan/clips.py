"""Reading what a scan needs of a session: its clips in order, without video, and the size of a terminal's cell."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Literal, get_args

from manifests.clip import EventRow
from manifests.clip_io import ClipReader
from manifests.terminal_cells import fitting_cell

Caption = Literal["caption_short", "caption", "caption_detailed"]
TextColumn = Literal["goal", Caption]
IdColumn = Literal["clip_id", "session_id", "episode_id", "task_id", "family", "actor", "arm", "environment"]
CAPTIONS: tuple[Caption, ...] = get_args(Caption)
TEXT_COLUMNS: tuple[TextColumn, ...] = get_args(TextColumn)
"""Columns of free text, in which single characters can be masked."""
ID_COLUMNS: tuple[IdColumn, ...] = get_args(IdColumn)
"""Columns that identify a clip. They cannot be masked, since the clip would then be a different one."""
COLUMNS = (
    *ID_COLUMNS, *TEXT_COLUMNS, "kind", "clip_index", "width", "height", "t1_ns", "picture", "cursor_x", "cursor_y",
    "changed", "screen_text", "actions", "start_keys", "invalid_reasons",
)  # fmt: skip


def reader_of(dataset: Path) -> ClipReader:
    """A reader of the data set, kept from session to session while dataset.json is the same file."""
    try:
        status = (dataset / "dataset.json").stat()
    except OSError:
        return ClipReader(dataset)  # which says what is missing
    return _reader(dataset, status.st_ino, status.st_mtime_ns)


@lru_cache(maxsize=2)
def _reader(dataset: Path, *_: int) -> ClipReader:
    return ClipReader(dataset)


def clips_of(dataset: Path, clip_ids: Sequence[str]) -> list[EventRow]:
    """The clips, in the session's order. Raises `GoaltraceError` where one cannot be read."""
    rows: list[EventRow] = [reader_of(dataset).read(clip_id, COLUMNS) for clip_id in clip_ids]
    return sorted(rows, key=lambda row: (row["clip_index"], row["clip_id"]))


def cell_of(rows: Sequence[EventRow]) -> tuple[int, int] | None:
    """Width and height in px of a terminal session's cell, derived from where its text cursor was; None if unknown."""
    sizes = {(row["width"], row["height"]) for row in rows}
    if rows[0]["kind"] != "terminal" or len(sizes) != 1:
        return None
    x = set(chain.from_iterable(row["cursor_x"] for row in rows))
    y = set(chain.from_iterable(row["cursor_y"] for row in rows))
    return fitting_cell(*sizes.pop(), x, y)
