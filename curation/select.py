"""Keeping the clips that meet a SQL condition; their video bytes are copied, never encoded again."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from curation.derive import derive, left_out_line
from curation.tables import rows_with_scores
from manifests.clip_io import ClipReader
from manifests.dataset import LineageStep
from manifests.errors import GoaltraceError
from manifests.files import require_absent
from manifests.permissions import as_private_as
from manifests.progress import OnProgress, Progress, ignore

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
    """How many clips and hours of one arm of one kind a condition keeps."""

    kind: str
    arm: str
    clips: int
    of_clips: int
    hours: float
    of_hours: float


@dataclass(frozen=True)
class SelectResult:
    """What a condition keeps."""

    out: Path | None
    """The new data set; None where nothing was written."""
    kept: tuple[Kept, ...]
    """By kind and arm."""
    clip_ids: tuple[str, ...]
    """In the data set's order."""
    left_out: Mapping[str, str]
    """Invalid clip -> why it is left out."""


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
    dataset: Path | str, where: str, *, out: Path | str | None = None, on_progress: OnProgress = ignore
) -> SelectResult:
    """Keep the clips that meet `where`, a SQL condition (docs/curation.md); with `out`, write them there.

    Raises `GoaltraceError` for a bad condition, one that keeps nothing, an existing `out` or a damaged shard.
    An invalid clip is left out, and reported to `on_progress`. The new data set is written atomically, and is as
    private as `dataset`.
    """
    dataset = Path(dataset)
    with as_private_as(dataset):
        return _select(dataset, where, None if out is None else Path(out), on_progress)


def _select(dataset: Path, where: str, out: Path | None, on_progress: OnProgress) -> SelectResult:
    if out is not None:
        require_absent(out)
    reader = ClipReader(dataset)
    rows = rows_with_scores(reader)
    for clip, reason in reader.left_out.items():
        on_progress(Progress("select", message=left_out_line(clip, reason), unit="clip"))
    kept = matching(rows, where)
    by_arm, left_out = tuple(summary(rows, kept)), dict(reader.left_out)
    if out is None:
        return SelectResult(None, by_arm, tuple(kept), left_out)
    if not kept:
        raise GoaltraceError(
            f"--where: {where!r} keeps none of the {len(rows)} clips of {dataset}; nothing was written"
        )
    step = LineageStep(command="goaltrace select", parameters={"where": where})
    made = derive([reader], out, kept, reader.read, step, on_progress)
    left_out |= made.left_out
    return SelectResult(out, by_arm, tuple(clip_id for clip_id in kept if clip_id not in left_out), left_out)
