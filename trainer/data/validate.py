"""What training takes for granted of an index, checked once for all its clips: shards may come from anybody."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from manifests.clip import EVENTS_SCHEMA
from manifests.errors import GoaltraceError

FRAMES = ("pts", "picture", "frame_redacted", "changed", "cursor_x", "cursor_y")
"""Columns with one value a frame, as many as `t1_ns` has."""


def validated(table: pa.Table, where: Path) -> pa.Table:
    """The same rows with the types of the `events` config.

    Raises:
        GoaltraceError: a column of `table` is not what it should be, or a clip's lists do not belong together.
    """
    for place, name in enumerate(table.column_names):
        column, kind = table.column(name), EVENTS_SCHEMA.field(name).type
        try:
            if column.type != kind:
                table = table.set_column(place, name, column.cast(kind))
        except pa.ArrowException:
            raise GoaltraceError(f"{where}: events: {name} is {column.type}, must be {kind}; pack it again") from None
        if column.null_count:
            raise GoaltraceError(f"{where}: events: {name} has {column.null_count} empty values; pack it again")
    counts = _lengths(table, "t1_ns")
    for name in FRAMES:
        _require(table, where, _lengths(table, name) == counts, f"{name} and t1_ns differ in length")
    owners = np.repeat(np.arange(len(table)), counts)
    times = _flat(table, "t1_ns")
    late = np.flatnonzero((np.diff(times) <= 0) & (np.diff(owners) == 0))
    _require(table, where, ~np.isin(np.arange(len(table)), owners[late]), "t1_ns does not increase")
    slots = pc.struct_field(pc.list_flatten(table.column("actions")), "slot").to_numpy()
    owners = np.repeat(np.arange(len(table)), _lengths(table, "actions"))
    outside = (slots < 0) | (slots >= counts[owners])
    _require(table, where, ~np.isin(np.arange(len(table)), owners[outside]), "an action lies outside its frames")
    for name in ("width", "height"):
        _require(table, where, table.column(name).to_numpy() > 0, f"{name} is not above 0")
    return table


def _flat(table: pa.Table, name: str) -> NDArray[np.int64]:
    return np.asarray(pc.list_flatten(table.column(name)).to_numpy(), np.int64)


def _lengths(table: pa.Table, name: str) -> NDArray[np.int64]:
    return np.asarray(pc.list_value_length(table.column(name)).to_numpy(), np.int64)


def _require(table: pa.Table, where: Path, good: NDArray[np.bool_], wrong: str) -> None:
    if not good.all():
        clip = table.column("clip_id")[int(np.argmin(good))].as_py()
        raise GoaltraceError(f"{where}: clip {clip}: {wrong}; pack its session again")
