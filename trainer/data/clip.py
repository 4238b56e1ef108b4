"""One clip without its video. Its values are read from the Arrow index when asked for, so memory stays small."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, cast

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from manifests.clip import EventRow

COLUMNS = (
    "clip_id", "session_id", "clip_index", "kind", "family", "goal", "arm", "control", "width", "height", "fps",
    "duration_ns", "cursor_in_pixels", "t1_ns", "pts", "picture", "frame_redacted", "changed", "cursor_x",
    "cursor_y", "actions", "start_keys", "start_buttons", "start_x", "start_y", "invalid_reasons",
)  # fmt: skip


class LazyRow(Mapping[str, Any]):
    """A row of an Arrow table; a value becomes Python's when it is asked for."""

    def __init__(self, table: pa.Table, number: int) -> None:
        self._table, self._number = table, number

    def __getitem__(self, name: str) -> Any:
        return self.cell(name).as_py()

    def __iter__(self) -> Iterator[str]:
        return iter(self._table.column_names)

    def __len__(self) -> int:
        return len(self._table.column_names)

    def cell(self, name: str) -> Any:
        return self._table.column(name)[self._number]


def row_of(table: pa.Table, number: int) -> EventRow:
    """A row of an index, which holds the columns of the table; it reads as any other row, and costs nothing before."""
    return cast(EventRow, LazyRow(table, number))


NumberList = Literal["t0_ns", "t1_ns", "pts", "picture", "frame_redacted", "changed", "cursor_x", "cursor_y"]


def numbers(row: EventRow, name: NumberList) -> NDArray[Any]:
    """A list column of numbers or flags as an array."""
    held: object = row
    if isinstance(held, LazyRow):
        values: NDArray[Any] = held.cell(name).values.to_numpy(zero_copy_only=False)
        return values
    return np.asarray(row[name])


def pick_frames(t1_ns: Sequence[int] | NDArray[np.int64], fps: float) -> list[int]:
    """The recorded frames that the model sees: one every 1/fps s of the recording's own clock.

    Tick k is t1[0] + k/fps; it shows the last frame whose grab ended by then (half a recorded interval of
    tolerance, so that jitter does not repeat frames). Where the recording skipped frames, one is shown again.
    """
    times = np.asarray(t1_ns, np.int64)
    if len(times) < 2:
        return list(range(len(times)))
    tolerance = float(np.median(np.diff(times))) / 2
    ticks = np.arange(times[0], times[-1] + tolerance, 1e9 / fps)
    return [int(i) for i in np.searchsorted(times, ticks + tolerance, side="right") - 1]


@dataclass(frozen=True, eq=False)
class Clip:
    """One clip without its video."""

    row: EventRow
    fps: float
    """Frames a second that the model sees."""

    @property
    def id(self) -> str:
        return str(self.row["clip_id"])

    @property
    def session(self) -> str:
        return str(self.row["session_id"])

    @cached_property
    def size(self) -> tuple[int, int]:
        """Recorded px: width, height."""
        return int(self.row["width"]), int(self.row["height"])

    @cached_property
    def goal(self) -> str:
        return str(self.row["goal"])

    @cached_property
    def frames(self) -> list[int]:
        """The recorded frames that the model sees of this clip alone."""
        return pick_frames(numbers(self.row, "t1_ns"), self.fps)

    def blank(self) -> NDArray[np.bool_]:
        """For each of `frames`: was it, or a frame on the way to it, left blank on purpose?"""
        return any_between([-1, *self.frames], numbers(self.row, "frame_redacted"))

    def slots(self) -> NDArray[np.int64]:
        """The slots of its actions."""
        held: object = self.row
        if isinstance(held, LazyRow):
            values = held.cell("actions").values
            return np.asarray(values.field("slot").to_numpy(zero_copy_only=False), np.int64)
        return np.asarray([action["slot"] for action in self.row["actions"]], np.int64)


def any_between(ends: Sequence[int], flags: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """For each pair of neighbours (a, b) of `ends`: is any of flags[a + 1 : b + 1] set?"""
    total = np.concatenate([[0], np.cumsum(flags.astype(np.int64))])
    bounds = np.asarray(ends) + 1
    found: NDArray[np.bool_] = total[bounds[1:]] > total[bounds[:-1]]
    return found
