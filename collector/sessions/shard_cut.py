"""Cuts rows out of one Parquet file; all else stays as it was: schema, compression, video bytes, checksums."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from manifests.clip_io import open_parquet
from manifests.errors import GoaltraceError

_KEYS = ("clip_id", "session_id", "actor", "episode_id", "stretch")
_CLIPS = ("clip_id", "stretch")
"""Columns of clip ids: latents are named after the first clip of several in a row."""


@dataclass
class ConsentScope:
    """Which rows belong to one consent: those of its actor, and of the sessions and clips that were found to be its."""

    actor: str
    session_ids: set[str] = field(default_factory=set)
    clip_ids: set[str] = field(default_factory=set)

    def learn(self, path: Path) -> bool:
        """Take in the sessions and clips that a file's rows name beside the actor; True if there was a new one."""
        keys = read_keys(path)
        before = len(self.session_ids) + len(self.clip_ids)
        if "session_id" in keys.column_names:
            mine = keys.filter(self.mask(keys))
            self.session_ids |= set(mine.column("session_id").to_pylist())
            if "clip_id" in keys.column_names:
                self.clip_ids |= set(mine.column("clip_id").to_pylist())
        return len(self.session_ids) + len(self.clip_ids) > before

    def mask(self, table: pa.Table) -> pa.Array:
        """True for the rows that belong to the consent."""
        mine = pa.array([False] * len(table), pa.bool_())
        keyed = {"actor": {self.actor}, "session_id": self.session_ids} | dict.fromkeys(_CLIPS, self.clip_ids)
        for column, values in keyed.items():
            if column in table.column_names:
                keys = table.column(column).combine_chunks().cast(pa.string())
                found = pc.is_in(keys, value_set=pa.array(sorted(values), pa.string()))
                mine = pc.or_(mine, found)
        for column in set(_CLIPS) & set(table.column_names):  # such a table names no session
            ids = table.column(column).to_pylist()
            mine = pc.or_(mine, pa.array([str(i).rpartition("-")[0] in self.session_ids for i in ids], pa.bool_()))
        return mine

    def count(self, path: Path) -> int:
        """How many rows of a file belong to the consent."""
        return int(pc.sum(self.mask(read_keys(path)).cast(pa.int64())).as_py() or 0)


def read_keys(path: Path) -> pa.Table:
    """The columns by which rows are recognised."""
    file = open_parquet(path)
    try:
        return file.read(columns=[name for name in _KEYS if name in file.schema_arrow.names])
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _damaged(path, error) from None


def write_without(source: Path, target: Path, scope: ConsentScope) -> int:
    """Write the rows of `source` that are not the consent's; how many there are (none: no file is written)."""
    file = open_parquet(source)
    if not file.num_row_groups:
        return 0
    group = file.metadata.row_group(0)
    columns = [group.column(number) for number in range(group.num_columns)]
    names = {"UNCOMPRESSED": "none"}
    rows = 0
    writer: pq.ParquetWriter | None = None
    try:
        for number in range(file.num_row_groups):
            table = file.read_row_group(number)
            table = table.filter(pc.invert(scope.mask(table)))
            if not len(table):
                continue
            writer = writer or pq.ParquetWriter(
                target,
                file.schema_arrow,
                compression={c.path_in_schema: names.get(c.compression, c.compression.lower()) for c in columns},
                use_dictionary=[c.path_in_schema for c in columns if c.has_dictionary_page],
                write_page_index=True,
                write_page_checksum=True,
            )
            writer.write_table(table, row_group_size=len(table))
            rows += len(table)
    except pa.ArrowException as error:
        raise _damaged(source, error) from None
    finally:
        if writer is not None:
            writer.close()
    return rows


def _damaged(path: Path, error: Exception) -> GoaltraceError:
    reason = (str(error).splitlines() or ["?"])[0][:160]
    return GoaltraceError(f"{path}: damaged or truncated Parquet ({reason}); copy it again, or delete the data set")
