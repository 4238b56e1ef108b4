"""Reading clips of older schema versions as clips of this one: missing columns and fields are filled in."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import pyarrow as pa
import pyarrow.parquet as pq

from manifests.clip import ACTION_TYPE, CLIPS_SCHEMA, EVENTS_SCHEMA, OLDER, OLDER_FIELDS


def _minor(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def _action_types() -> tuple[pa.DataType, ...]:
    """The types that the column `actions` has had, the newest first."""
    types = [ACTION_TYPE]
    for version in sorted({older.since for older in OLDER_FIELDS.values()}, key=_minor, reverse=True):
        later = {name for name, older in OLDER_FIELDS.items() if _minor(older.since) >= _minor(version)}
        types.append(pa.struct([field for field in ACTION_TYPE if field.name not in later]))
    return tuple(map(pa.list_, types))


ACTION_TYPES = _action_types()


def read_rows(file: pq.ParquetFile, group: int | None = None, columns: Sequence[str] | None = None) -> pa.Table:
    """Rows of a shard (of one row group, or all), with columns that older versions lack filled in.

    Arrow's own errors pass through: the caller knows the shard's name.
    """
    younger = [name for name in OLDER if columns is None or name in columns]
    there = file.schema_arrow.names if younger else []
    absent = [name for name in younger if name not in there]
    sources = {OLDER[name].of for name in absent}
    names = None if columns is None else [*columns, *sorted(sources.difference(columns))]
    table = file.read(columns=names) if group is None else file.read_row_group(group, columns=names, use_threads=False)
    values = {name: table.column(name).to_pylist() for name in sources if name in table.column_names}
    for name in absent:
        if OLDER[name].of in values:
            field = EVENTS_SCHEMA.field(name)
            filled = pa.array(map(OLDER[name].value, values[OLDER[name].of]), field.type)
            table = table.append_column(field, filled)
    if "actions" in table.column_names and table.schema.field("actions").type in ACTION_TYPES[1:]:
        place = table.schema.get_field_index("actions")
        table = table.set_column(place, EVENTS_SCHEMA.field("actions"), _filled(table.column("actions")))
    if columns is None and not absent:
        return table
    wanted = dict.fromkeys([*CLIPS_SCHEMA.names, *table.column_names]) if columns is None else columns
    return table.select([name for name in wanted if name in table.column_names])


def _filled(actions: pa.ChunkedArray) -> pa.ChunkedArray:
    """Actions of an older type, converted to the type of this version."""
    chunks = []
    for lists in actions.chunks:
        flat = lists.flatten()
        has = flat.type.names
        fields = [
            flat.field(field.name)
            if field.name in has
            else pa.array([OLDER_FIELDS[field.name].value(None)] * len(flat), field.type)
            for field in ACTION_TYPE
        ]
        values = pa.StructArray.from_arrays(fields, fields=list(ACTION_TYPE))
        counts = lists.value_lengths().fill_null(0).to_pylist()
        offsets = pa.array(accumulate(counts, initial=0), pa.int32())
        chunks.append(pa.ListArray.from_arrays(offsets, values, type=ACTION_TYPES[0]))
    return pa.chunked_array(chunks, ACTION_TYPES[0])
