"""A data set's rows without video, with their scores: what select, report and publish look at."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from curation.scores.shard import SCHEMA
from manifests.clip_io import ClipReader, open_parquet
from manifests.dataset import DatasetManifest
from manifests.errors import GoaltraceError
from manifests.shards import require_shard


def read_scores(dataset: Path, manifest: DatasetManifest) -> dict[str, pa.Table]:
    """Each stage's score table over the whole data set: stage name -> table with a clip_id column.

    Raises `GoaltraceError` when a table is missing, damaged or has no clip_id.
    """
    parts: dict[str, list[pa.Table]] = {}
    for score in manifest.scores:
        path = dataset / score.shard.path
        require_shard(path, score.shard)
        file = open_parquet(path)
        try:
            table = file.read()
        except (pa.ArrowException, OSError, ValueError) as error:
            reason = str(error).splitlines()[0][:160]
            raise GoaltraceError(f"{path}: damaged ({reason}); run: goaltrace score {dataset} --force") from None
        if "clip_id" not in table.column_names:
            raise GoaltraceError(f"{path}: no clip_id column; run: goaltrace score {dataset} --force")
        table = _plain_numbers(table, path)
        parts.setdefault(score.name, []).append(table)
    return {name: pa.concat_tables(tables, promote_options="permissive") for name, tables in parts.items()}


def _plain_numbers(table: pa.Table, path: Path) -> pa.Table:
    """The table with finite numbers, texts and truths only: what is none is empty, like a score that is not known."""
    for place, field in enumerate(table.schema):
        column = table.column(place)
        if field.name in SCHEMA.names and field.type != SCHEMA.field(field.name).type:
            raise GoaltraceError(f"{path}: {field.name} is {field.type}; run: goaltrace score --force")
        if pa.types.is_floating(field.type):
            finite = pc.if_else(pc.is_finite(column), column, None)
            table = table.set_column(place, field.name, finite)
    return table


def rows_with_scores(reader: ClipReader) -> pa.Table:
    """Every clip's event columns, in order, followed by its score columns (null where it is not scored)."""
    rows = reader.index()
    order = rows.column("clip_id").combine_chunks()
    for scores in read_scores(reader.folder.path, reader.manifest).values():
        found = pc.index_in(order, scores.column("clip_id").combine_chunks())
        for name in scores.column_names:
            if name not in rows.column_names:
                rows = rows.append_column(name, scores.column(name).take(found))
    return rows
