"""A data set's rows without video, with their scores: what select, report and publish look at."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from manifests.clip_io import ClipReader, open_parquet
from manifests.dataset import DatasetManifest
from manifests.errors import GoaltraceError


def read_scores(dataset: Path, manifest: DatasetManifest) -> dict[str, pa.Table]:
    """Each stage's score table over the whole data set: stage name -> table with a clip_id column.

    Raises `GoaltraceError` when a table is missing, damaged or has no clip_id.
    """
    parts: dict[str, list[pa.Table]] = {}
    for score in manifest.scores:
        path = dataset / score.shard.path
        file = open_parquet(path)
        try:
            table = file.read()
        except (pa.ArrowException, OSError) as error:
            reason = str(error).splitlines()[0][:160]
            raise GoaltraceError(f"{path}: damaged ({reason}); run: goaltrace score {dataset} --force") from None
        if "clip_id" not in table.column_names:
            raise GoaltraceError(f"{path}: no clip_id column; run: goaltrace score {dataset} --force")
        parts.setdefault(score.name, []).append(table)
    return {name: pa.concat_tables(tables, promote_options="permissive") for name, tables in parts.items()}


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
