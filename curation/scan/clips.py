"""What a scan reads of a session: its clips in order, without video."""

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
Words = Literal["goal", Caption]
Name = Literal["clip_id", "session_id", "episode_id", "task_id", "family", "actor", "arm", "environment"]
CAPTIONS: tuple[Caption, ...] = get_args(Caption)
WORDS: tuple[Words, ...] = get_args(Words)
"""Columns of words, which can be masked."""
NAMES: tuple[Name, ...] = get_args(Name)
"""Columns that say what a clip is: they cannot be masked, or it would be another."""
COLUMNS = (
    *NAMES, *WORDS, "kind", "clip_index", "width", "height", "t1_ns", "picture", "cursor_x", "cursor_y", "changed",
    "screen_text", "actions", "start_keys", "invalid_reasons",
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
    """Px of a cell of a session of a terminal, by where its text cursor ever was; None where none can be told."""
    sizes = {(row["width"], row["height"]) for row in rows}
    if rows[0]["kind"] != "terminal" or len(sizes) != 1:
        return None
    x = set(chain.from_iterable(row["cursor_x"] for row in rows))
    y = set(chain.from_iterable(row["cursor_y"] for row in rows))
    return fitting_cell(*sizes.pop(), x, y)
