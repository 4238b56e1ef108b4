"""Validating clips where they are read, since shards may come from anybody: types, lengths, ranges, order of times.

An invalid clip is left out by name, and the others are used. Everything is computed on whole columns, so that it costs
little beside reading them.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from manifests.clip import CLIPS_SCHEMA, COLUMNS, LONGEST_NS, REQUIRED_FIELDS
from manifests.errors import GoaltraceError
from manifests.ids import ID_PATTERN
from manifests.older import ACTION_TYPES
from manifests.videofile import MAX_PX

Flags = NDArray[np.bool_]
Bad = Callable[[Flags, str], None]
"""Records for some rows what is wrong with them."""


def require_types(schema: pa.Schema, where: object) -> None:
    """Raise `GoaltraceError` where a column of a clip has another type than clips have."""
    for field in schema:
        place = CLIPS_SCHEMA.get_field_index(field.name)
        if place >= 0 and not any(_same(field.type, wanted) for wanted in _types_of(field.name)):
            kind = CLIPS_SCHEMA.field(place).type
            raise GoaltraceError(f"{where}: column {field.name!r} is {field.type}, must be {kind}; pack it again")


def _types_of(name: str) -> tuple[pa.DataType, ...]:
    """The types that a column of clips has, or had in older schema versions."""
    return ACTION_TYPES if name == "actions" else (CLIPS_SCHEMA.field(name).type,)


def _same(kind: pa.DataType, wanted: pa.DataType) -> bool:
    """Whether two types are equal except for the names of list items, which writers choose."""
    if pa.types.is_list(wanted):
        return bool(pa.types.is_list(kind)) and _same(kind.value_type, wanted.value_type)
    if pa.types.is_struct(wanted):
        names = [field.name for field in wanted]
        if not pa.types.is_struct(kind) or [field.name for field in kind] != names:
            return False
        return all(_same(kind.field(name).type, wanted.field(name).type) for name in names)
    return bool(kind == wanted)


def invalid_reasons(table: pa.Table) -> dict[int, str]:
    """Row -> what is wrong with that clip, as far as the table's columns show. `require_types` checks their types."""
    found: dict[int, str] = {}

    def bad(rows: Flags, what: str) -> None:
        for row in np.flatnonzero(rows).tolist():
            found.setdefault(row, what)

    names = set(table.column_names)
    for name in table.column_names:
        if name == "video":
            bad(_null(pc.struct_field(table.column(name), "bytes")), "it holds no video")
        elif name in CLIPS_SCHEMA.names:
            bad(_null(table.column(name)), f"{name} is empty")
            if pa.types.is_list(table.schema.field(name).type):
                bad(_null_inside(table.column(name)), f"{name} holds empty values")
    if found:  # the other checks need values in every row
        good = [row for row in range(len(table)) if row not in found]
        later = invalid_reasons(table.take(pa.array(good, pa.int64())).combine_chunks()) if good else {}
        return found | {good[row]: what for row, what in later.items()}
    for name, column in ((name, column) for name, column in COLUMNS.items() if name in names):
        if column.is_id:
            fits = pc.match_substring_regex(table.column(name), ID_PATTERN)
            bad(~_flags(fits), f"{name} is not letters, digits, '_', '.' and '-'")
        if column.within is not None:
            least, most = column.within
            values = table.column(name).to_numpy()
            bad(~((values >= least) & (values <= most)), f"{name} is out of range")
    if {"width", "height"} <= names:
        pixels = table.column("width").to_numpy().astype(np.int64) * table.column("height").to_numpy()
        bad(pixels > MAX_PX, f"its pictures have more than {MAX_PX:,} px")
    if "t1_ns" in names:
        _check_frames(table, bad)
    return found


def _check_frames(table: pa.Table, bad: Bad) -> None:
    counts = _lengths(table, "t1_ns")
    bad(counts == 0, "it has no frames")
    uneven = np.zeros(len(table), bool)
    for name in table.column_names:
        if name in COLUMNS and COLUMNS[name].per_frame:
            differs = _lengths(table, name) != counts
            uneven |= differs
            bad(differs, f"{name} and t1_ns differ in length")
    owners = np.repeat(np.arange(len(table)), counts)
    inside = np.diff(owners) == 0  # of two frames in a row
    times = _flat(table, "t1_ns")
    bad(_rows(table, owners[np.abs(times) > LONGEST_NS]), "t1_ns is out of range")
    bad(_rows(table, owners[1:][inside & (times[1:] <= times[:-1])]), "t1_ns does not increase")
    if not uneven.any():
        _check_lists(table, owners, inside, times, bad)
    if "actions" in table.column_names:
        slots = pc.struct_field(pc.list_flatten(table.column("actions")), "slot").to_numpy()
        theirs = np.repeat(np.arange(len(table)), _lengths(table, "actions"))
        bad(_rows(table, theirs[(slots < 0) | (slots >= counts[theirs])]), "an action lies outside its frames")


def _check_lists(
    table: pa.Table,
    owners: NDArray[np.int64],
    inside: Flags,
    t1_ns: NDArray[np.int64],
    bad: Callable[[Flags, str], None],
) -> None:
    names = table.column_names
    if "t0_ns" in names:
        t0_ns = _flat(table, "t0_ns")
        bad(_rows(table, owners[(t0_ns > t1_ns) | (np.abs(t0_ns) > LONGEST_NS)]), "t0_ns lies after t1_ns")
    if "pts" in names:
        pts = _flat(table, "pts")
        bad(_rows(table, owners[(pts < 0) | (pts > 2**48)]), "pts is out of range")
        bad(_rows(table, owners[1:][inside & (pts[1:] < pts[:-1])]), "pts runs backwards")
    if "picture" in names and len(owners):
        picture = _flat(table, "picture")
        steps = np.diff(picture, prepend=0)
        first = np.concatenate([[True], ~inside])
        wrong = np.where(first, picture != 0, (steps < 0) | (steps > 1))
        bad(_rows(table, owners[wrong]), "picture does not count up from 0")
    if "changed" in names:
        changed = pc.list_flatten(table.column("changed")).to_numpy()
        bad(_rows(table, owners[~np.isfinite(changed)]), "changed is not finite")


def _flags(values: pa.ChunkedArray) -> Flags:
    return np.asarray(values.to_numpy(), bool)


def _null(column: pa.ChunkedArray) -> Flags:
    return _flags(pc.is_null(column))


def _null_inside(column: pa.ChunkedArray) -> Flags:
    """Rows with a null in their list; an action may lack the fields that its kind does not have."""
    counts = pc.fill_null(pc.list_value_length(column), 0).to_numpy()
    values = pc.list_flatten(column)
    empty = _null(values)
    if pa.types.is_struct(values.type):
        needed = [pc.struct_field(values, name) for name in REQUIRED_FIELDS]
        empty = functools.reduce(np.logical_or, map(_null, needed), empty)
    owners = np.repeat(np.arange(len(column)), counts)
    rows = np.zeros(len(column), bool)
    rows[owners[empty]] = True
    return rows


def _rows(table: pa.Table, owners: NDArray[np.int64]) -> Flags:
    rows = np.zeros(len(table), bool)
    rows[owners] = True
    return rows


def _flat(table: pa.Table, name: str) -> NDArray[np.int64]:
    return np.asarray(pc.list_flatten(table.column(name)).to_numpy(), np.int64)


def _lengths(table: pa.Table, name: str) -> NDArray[np.int64]:
    return np.asarray(pc.list_value_length(table.column(name)).to_numpy(), np.int64)
