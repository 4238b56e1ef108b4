"""Reading a data set's rows without video, joined with their score tables; for select, report and publish."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from curation.stages import STAGES
from manifests.clip import EVENTS_SCHEMA
from manifests.clip_io import ClipReader, open_parquet
from manifests.dataset import DatasetManifest
from manifests.errors import GoaltraceError
from manifests.shard_integrity import require_shard


def read_scores(dataset: Path, manifest: DatasetManifest, only: str | None = None) -> dict[str, pa.Table]:
    """Each stage's score table over the whole data set: stage name -> table with a clip_id column.

    `only` names the one stage that is asked for.

    Raises `GoaltraceError` when a table is missing, damaged or has no clip_id.
    """
    parts: dict[str, list[pa.Table]] = {}
    for score in manifest.scores:
        if only not in (None, score.name):
            continue
        path = dataset / score.shard.path
        require_shard(path, score.shard)
        file = open_parquet(path)
        try:
            table = file.read()
        except (pa.ArrowException, OSError, ValueError) as error:
            reason = str(error).splitlines()[0][:160]
            raise GoaltraceError(f"{path}: damaged ({reason}); {_again(score.name, dataset)}") from None
        if table.column_names.count("clip_id") != 1 or table.schema.field("clip_id").type != pa.string():
            raise GoaltraceError(f"{path}: no clip_id column of texts; {_again(score.name, dataset)}")
        table = _plain_numbers(table, path, score.name)
        parts.setdefault(score.name, []).append(table)
    return {name: _joined(tables, name, dataset) for name, tables in parts.items()}


def _joined(tables: list[pa.Table], stage: str, dataset: Path) -> pa.Table:
    try:
        return pa.concat_tables(tables, promote_options="permissive")
    except pa.ArrowException:
        raise GoaltraceError(
            f"{dataset}: the columns of {stage!r} differ from shard to shard; {_again(stage, dataset)}"
        ) from None


def own_numbers(manifest: DatasetManifest, rows: pa.Table) -> list[str]:
    """The numeric columns of `rows_with_scores` that a user's own stages made."""
    own = dict.fromkeys(column for entry in manifest.scores if entry.name not in STAGES for column in entry.columns)
    ours = {*EVENTS_SCHEMA.names, *(column for stage in STAGES.values() for column in stage.schema.names)}
    return [
        column
        for column in own
        if column in rows.column_names and column not in ours and _is_number(rows.schema.field(column).type)
    ]


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _again(stage: str, dataset: Path) -> str:
    """What to run so that a stage's tables are made anew."""
    if stage in STAGES:
        return f"run: {STAGES[stage].command} {dataset} --force"
    return f"run the stage {stage!r} again, with force=True"


def _plain_numbers(table: pa.Table, path: Path, stage: str) -> pa.Table:
    """The table with NaN and infinities replaced by null, as for a score that is unknown; column types are checked."""
    schema = STAGES[stage].schema if stage in STAGES else pa.schema([])
    for place, field in enumerate(table.schema):
        column = table.column(place)
        if field.name in schema.names and field.type != schema.field(field.name).type:
            raise GoaltraceError(f"{path}: {field.name} is {field.type}; {_again(stage, path.parents[1])}")
        if pa.types.is_floating(field.type):
            finite = pc.if_else(pc.is_finite(column), column, None)
            table = table.set_column(place, field.name, finite)
    return table


def rows_with_scores(reader: ClipReader, columns: Sequence[str] | None = None, only: str | None = None) -> pa.Table:
    """Every clip's event columns, in order, followed by its score columns (null where it is not scored).

    Args:
        columns: of events, with `clip_id`; None for all.
        only: the one stage whose columns are asked for.
    """
    rows = reader.index(columns)
    order = rows.column("clip_id").combine_chunks()
    for scores in read_scores(reader.folder.path, reader.manifest, only).values():
        found = pc.index_in(order, scores.column("clip_id").combine_chunks())
        for name in scores.column_names:
            if name not in rows.column_names:
                rows = rows.append_column(name, scores.column(name).take(found))
    return rows
