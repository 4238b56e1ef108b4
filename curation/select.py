"""Keeping the clips that meet a SQL condition; their video bytes are copied, never encoded again."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from curation.scores.stage import describe, output_name, write_scores
from curation.tables import read_scores, rows_with_scores
from manifests.clip_io import BadClip, ClipReader, ClipWriter, clip_table, open_parquet
from manifests.dataset import Counter, DatasetFolder, DatasetManifest, Input, LeftOut, LineageStep, ScoreTable
from manifests.errors import GoaltraceError
from manifests.files import new_folder, require_absent, sha256_of
from manifests.here import without_places
from manifests.items import Fault, one_item

LOCKED: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "python_enable_replacements": "false",
    "memory_limit": "1GB",
    "temp_directory": "",
}


@dataclass(frozen=True)
class Kept:
    """How much of one arm of one kind a condition keeps."""

    kind: str
    arm: str
    clips: int
    of_clips: int
    hours: float
    of_hours: float


def matching(rows: pa.Table, where: str) -> list[str]:
    """The clip ids, in order, of the rows that meet `where`.

    `where` is one boolean SQL expression over the columns of `rows` (DuckDB's dialect); sub-queries may read
    the table `clips`, and nothing else: no files, no network, no other statement.

    Raises `GoaltraceError` naming what is wrong with the condition.
    """
    connection = duckdb.connect(":memory:", config=LOCKED)
    try:
        connection.register("clips", rows)
        connection.execute("SET lock_configuration = true")
        condition = duckdb.SQLExpression(where)
        clips = connection.table("clips")
        kind = clips.select(condition.alias("kept")).types[0]
        if str(kind) != "BOOLEAN":
            raise GoaltraceError(f"--where: {where!r} is {kind}, not true or false; write a comparison")
        kept = {row[0] for row in clips.filter(condition).select("clip_id").fetchall()}
    except duckdb.Error as error:
        raise GoaltraceError(f"--where: {_explain(error, rows.column_names)}") from None
    finally:
        connection.close()
    return [clip_id for clip_id in rows.column("clip_id").to_pylist() if clip_id in kept]


def _explain(error: duckdb.Error, columns: list[str]) -> str:
    text = str(error).strip()
    unknown = re.search(r'Referenced column "([^"]+)" not found', text)
    if unknown:
        name = unknown[1]
        close = difflib.get_close_matches(name, columns, n=3, cutoff=0.5)
        mend = f"did you mean {' or '.join(close)}?" if close else f"the columns are: {', '.join(columns)}"
        if "efficacy" not in columns:
            mend += " (no scores yet: run goaltrace score first)"
        return f"no column {name!r}; {mend}"
    if isinstance(error, duckdb.PermissionException):
        return "files and networks cannot be read from a condition; use the clips' own columns"
    return f"{text.splitlines()[0]}; write one SQL condition, such as: efficacy > 0.2 AND outcome = 'success'"


def summary(rows: pa.Table, kept: list[str]) -> list[Kept]:
    """What is kept per kind and arm."""
    chosen = set(kept)
    counts: dict[tuple[str, str], list[float]] = {}
    names = ("clip_id", "kind", "arm", "duration_ns")
    for clip_id, kind, arm, duration in zip(*(rows.column(n).to_pylist() for n in names), strict=True):
        entry = counts.setdefault((kind, arm), [0, 0, 0.0, 0.0])
        hours = duration / 3.6e12
        entry[1] += 1
        entry[3] += hours
        if clip_id in chosen:
            entry[0] += 1
            entry[2] += hours
    return [Kept(kind, arm, int(c[0]), int(c[1]), c[2], c[3]) for (kind, arm), c in sorted(counts.items())]


def select(
    dataset: Path,
    where: str,
    out: Path | None,
    progress: Callable[[int], None] | None = None,
    leave_out: Callable[[str, str], None] = lambda clip, reason: None,
) -> tuple[list[Kept], DatasetManifest | None]:
    """Keep the clips that meet `where`; with `out`, write them there as a data set.

    Raises `GoaltraceError` for a bad condition, one that keeps nothing, an existing `out` or a damaged shard;
    nothing is left half-written. `leave_out` hears of each clip that is not as clips are, and why.
    """
    if out is not None:
        require_absent(out)
    reader = ClipReader(dataset)
    rows = rows_with_scores(reader)
    for clip, reason in reader.left_out.items():
        leave_out(clip, reason)
    kept = matching(rows, where)
    kept_by_arm = summary(rows, kept)
    if out is None:
        return kept_by_arm, None
    if not kept:
        raise GoaltraceError(
            f"--where: {where!r} keeps none of the {len(rows)} clips of {dataset}; nothing was written"
        )
    manifest = _materialise(reader, kept, where, out, progress or (lambda clips: None), leave_out)
    return kept_by_arm, manifest


def _materialise(
    reader: ClipReader,
    kept: list[str],
    where: str,
    out: Path,
    progress: Callable[[int], None],
    leave_out: Callable[[str, str], None],
) -> DatasetManifest:
    parent = reader.folder
    counter = Counter()
    broken = dict(reader.left_out)
    with new_folder(out) as root:
        with ClipWriter(root) as writer:
            for clip_id in kept:
                try:
                    with one_item(f"clip {clip_id}"):
                        row = reader.read(clip_id)
                        clip = clip_table(row)
                except (BadClip, Fault) as error:
                    broken[clip_id] = str(error)
                    leave_out(clip_id, str(error))
                    continue
                writer.write_table(clip)
                counter.add(row)
                progress(1)
        if all(clip_id in broken for clip_id in kept):
            raise GoaltraceError(f"none of the {len(kept)} clips can be kept; the first: {broken[kept[0]]}")
        step = LineageStep(
            command="goaltrace select",
            parameters={"where": where},
            inputs=[Input(name=reader.manifest.name, sha256=sha256_of(parent.manifest_path))],
        )
        manifest = DatasetManifest(
            name=out.name,
            counts=counter.result(),
            shards=writer.shards,
            lineage=[*reader.manifest.lineage, step],
            left_out=[
                LeftOut(name=name, reason=without_places(why, parent.path))
                for name, why in [*((left.name, left.reason) for left in reader.manifest.left_out), *broken.items()]
            ],
        )
        manifest.scores = list(_carry_scores(reader, root, manifest))
        DatasetFolder(root).write_manifest(manifest)
    return manifest


def _carry_scores(reader: ClipReader, root: Path, manifest: DatasetManifest) -> Iterator[ScoreTable]:
    """The kept clips' scores, one table per new shard, under the names that score would give them."""
    for scores in read_scores(reader.folder.path, reader.manifest).values():
        for shard in manifest.shards:
            if not shard.path.startswith("clips/"):
                continue
            ids = open_parquet(root / shard.path).read(columns=["clip_id"]).column("clip_id").combine_chunks()
            found = pc.index_in(ids, scores.column("clip_id").combine_chunks())
            if found.null_count:
                continue  # not every clip of the shard was scored; score makes its table anew
            name = output_name(shard)
            write_scores(root / name, scores.take(found))
            yield describe(root, name, shard.rows)
