"""Running a stage of curation shard by shard on a process pool; a stopped run resumes, a bad shard harms no other.

A table's name is a function of its shard's digest and the stage's name, version and parameters, and the table is
written atomically; so a table that exists need not be made again. The built-in stages are in `curation/scores/shard.py`
and `curation/scan/stage.py`; another one is a `Stage` and an entry in `curation/stages.py`. A user's own is a `Stage`
that a script passes to `run_stage` (docs/examples/custom_score.py): select, report and publish find its columns in
dataset.json.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Generic, Protocol, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from curation.own_stage import end_in_a_worker, is_of_a_script, require_fitting, require_runnable
from manifests.clip_io import open_parquet
from manifests.dataset import DatasetFolder, DatasetManifest, Input, LineageStep, ScoreTable, Shard
from manifests.errors import GoaltraceError
from manifests.files import replacing, sha256_of
from manifests.futures import as_they_end
from manifests.item_errors import one_item
from manifests.permissions import as_private_as
from manifests.progress import OnProgress, Progress, ignore
from manifests.shard_integrity import require_shard


class Measured(Protocol):
    """What a stage measured of one clip."""

    @property
    def broken(self) -> str:
        """Why the clip could not be measured; empty where it was."""


M = TypeVar("M", bound=Measured)


@dataclass(frozen=True)
class Stage(Generic[M]):
    """A measurement of clips, and the table that it makes for each shard."""

    command: str
    """The command that runs it, for the lineage: `goaltrace score`, or a user's own script."""
    name: str
    """Lower-case letters, digits, `_` and `-`; the tables' names begin with it."""
    version: str
    """Has to change with whatever changes the values: tables of another version are made anew."""
    parameters: dict[str, Any]
    """What its values depend on. They are published in dataset.json, so nothing in them may be secret."""
    schema: pa.Schema
    """The table's columns: `clip_id`, and others that no other stage has."""
    split: Callable[[Path, Shard], Sequence[Any]]
    """Divides a shard of the data set at the path into pieces for the workers."""
    measure: Callable[[Path, Shard, Any], list[M]]
    """Measures a piece, in a worker. It is pickled, so it has to be a module's function, or a partial of one."""
    table: Callable[[list[M]], pa.Table]
    """The shard's table, one row a clip, from the measures of all of its pieces, in order."""
    whole_sessions: bool = False
    """A clip's row is valid only if all clips of its session were measured together."""


class WorkerKilled(GoaltraceError):
    """A worker process was killed, which ends the run."""


@dataclass(frozen=True)
class StageResult:
    """What a run of a stage did; paths are relative to the data set."""

    made: tuple[str, ...]
    """Tables made now."""
    reused: tuple[str, ...]
    """Tables that were there already."""
    damaged: tuple[str, ...]
    """One line per shard, and per clip of other shards, that could not be measured; such a clip's row is empty."""


@dataclass
class _Outcome:
    """A `StageResult` while the run goes on."""

    made: list[str] = field(default_factory=list)
    reused: list[str] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)

    def result(self) -> StageResult:
        return StageResult(tuple(self.made), tuple(self.reused), tuple(self.damaged))


@dataclass
class _Job(Generic[M]):
    """A clips shard whose table is being made."""

    source: Shard
    path: Path
    pieces: dict[int, list[M]] = field(default_factory=dict)
    count: int = 0
    failed: bool = False

    @property
    def measures(self) -> list[M]:
        return [measure for number in sorted(self.pieces) for measure in self.pieces[number]]


def table_name(name: str, version: str, parameters: dict[str, Any], source: Shard) -> str:
    """Path of the table that a stage makes of a clips shard, relative to the data set."""
    key = json.dumps([source.sha256, name, version, parameters], sort_keys=True)
    number = PurePosixPath(source.path).stem.removeprefix("clips-")
    return f"scores/{name}-{number}-{hashlib.sha256(key.encode()).hexdigest()[:12]}.parquet"


def table_of(stage: Stage[Any], source: Shard) -> str:
    """`table_name` of a stage."""
    return table_name(stage.name, stage.version, stage.parameters, source)


def describe(root: Path, stage: Stage[Any], source: Shard) -> ScoreTable:
    """The entry of dataset.json for a stage's table of a clips shard."""
    return ScoreTable(
        shard=shard_at(root, table_of(stage, source), source.rows),
        name=stage.name,
        stage_version=stage.version,
        columns=stage.schema.names,
        parameters=stage.parameters,
    )


def shard_at(root: Path, path: str, rows: int) -> Shard:
    """The dataset.json entry of a file of the data set."""
    return Shard(path=path, rows=rows, bytes=(root / path).stat().st_size, sha256=sha256_of(root / path))


def write_table(path: Path, table: pa.Table) -> None:
    """Write a stage's table atomically."""
    with replacing(path) as temporary:
        pq.write_table(table, temporary, compression="zstd", write_page_checksum=True)


def run_stage(
    stage: Stage[M],
    dataset: Path | str,
    *,
    workers: int = 0,
    force: bool = False,
    on_progress: OnProgress = ignore,
) -> StageResult:
    """Make the stage's table of every clips shard that has none yet, and register the tables in dataset.json.

    Args:
        stage: what to measure.
        dataset: the data set's folder.
        workers: processes; 0 for one per core.
        force: make tables again that exist.
        on_progress: is called with the number of clips done; the work is named after the stage's command.

    A shard that cannot be read is named in the result; the others are done and registered. What is written is as
    private as the data set. Raises `GoaltraceError` for a stage that cannot be run, before anything is read of the
    clips. A script that calls this does so below `if __name__ == "__main__":`, since the workers import it.
    """
    end_in_a_worker()
    require_workers(workers)
    dataset = Path(dataset)
    folder = DatasetFolder(dataset)
    manifest = folder.read_manifest()
    require_runnable(stage.name, stage.command, stage.schema, stage.measure, manifest)
    with as_private_as(dataset):
        return _run(stage, folder, manifest, workers or os.cpu_count() or 1, force, on_progress)


def _run(
    stage: Stage[M],
    folder: DatasetFolder,
    manifest: DatasetManifest,
    workers: int,
    force: bool,
    on_progress: OnProgress,
) -> StageResult:
    dataset = folder.path
    outcome = _Outcome()
    tables: dict[str, ScoreTable] = {}
    jobs: list[_Job[M]] = []
    for source in clips_shards(manifest):
        done = None if force else _finished(stage, dataset, source)
        if done is None:
            jobs.append(_Job(source, dataset / source.path))
        else:
            tables[source.path] = done
            outcome.reused.append(done.shard.path)
    try:
        for job in _measured(stage, dataset, jobs, workers, outcome, on_progress):
            table = stage.table(job.measures)
            require_fitting(stage.name, stage.schema, table, job.source.rows)
            name = table_of(stage, job.source)
            write_table(dataset / name, table)
            job.pieces.clear()
            tables[job.source.path] = describe(dataset, stage, job.source)
            outcome.made.append(name)
    finally:
        _register(stage, folder, tables, outcome)
    return outcome.result()


def require_workers(workers: int) -> None:
    """Raise `GoaltraceError` for a negative number of processes."""
    if workers < 0:
        raise GoaltraceError(f"--workers: {workers}; give 1 or more, or leave it out for one per core")


def clips_shards(manifest: DatasetManifest) -> list[Shard]:
    """The shards with video, in order."""
    return [shard for shard in manifest.shards if shard.path.startswith("clips/")]


def row_groups(dataset: Path, source: Shard) -> Sequence[int]:
    """A `split` of a shard by its row groups."""
    return range(open_parquet(dataset / source.path).metadata.num_row_groups)


def _finished(stage: Stage[M], dataset: Path, source: Shard) -> ScoreTable | None:
    path = dataset / table_of(stage, source)
    if not path.is_file():
        return None
    try:
        whole = open_parquet(path).metadata.num_rows == source.rows
    except GoaltraceError:
        return None
    return describe(dataset, stage, source) if whole else None


def _measured(
    stage: Stage[M],
    dataset: Path,
    jobs: list[_Job[M]],
    workers: int,
    outcome: _Outcome,
    on_progress: OnProgress,
) -> Iterator[_Job[M]]:
    """Yield each job when all of its clips are measured; name the shards that cannot be."""
    work, done, total = stage.command.split()[-1], 0, sum(job.source.rows for job in jobs)
    of_a_script = is_of_a_script(stage.measure)
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(max(1, min(workers, total)), mp_context=context, initializer=_ignore_interrupts)
    try:
        waiting: dict[Future[list[M]], tuple[_Job[M], int]] = {}
        for job in jobs:
            try:
                with one_item(job.path):
                    _require_named(job)
                    pieces = stage.split(dataset, job.source)
            except GoaltraceError as error:
                _give_up(job, error, outcome)
                continue
            job.count = len(pieces)
            for number, piece in enumerate(pieces):
                with _worker_lives(job.path, of_a_script):
                    waiting[pool.submit(stage.measure, dataset, job.source, piece)] = (job, number)
        for future in as_they_end(waiting):
            job, number = waiting.pop(future)
            try:
                with one_item(job.path), _worker_lives(job.path, of_a_script):
                    job.pieces[number] = future.result()
                broken = [measure.broken for measure in job.pieces[number] if measure.broken]
                outcome.damaged += [f"{job.path}: {why}" for why in broken]
            except WorkerKilled:
                raise
            except GoaltraceError as error:
                _give_up(job, error, outcome)
            done += len(job.pieces.get(number, ()))
            on_progress(Progress(work, done, total, "clip"))
            if not job.failed and len(job.pieces) == job.count:
                yield job
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _worker_lives(path: Path, of_a_script: bool) -> Iterator[None]:
    try:
        yield
    except BrokenProcessPool:
        mend = "run again with fewer --workers"
        if of_a_script:
            mend = f'{mend}, or, where no worker ever began, put the call below: if __name__ == "__main__":'
        raise WorkerKilled(f"{path}: a worker was killed (out of memory?); {mend}") from None


def _ignore_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent receives Ctrl-C and stops the pool


def _require_named(job: _Job[M]) -> None:
    """`GoaltraceError` unless the shard is the file that dataset.json names."""
    require_shard(job.path, job.source)
    rows = open_parquet(job.path).metadata.num_rows
    if rows != job.source.rows:
        raise GoaltraceError(f"{job.path}: {rows} rows, dataset.json says {job.source.rows}")


def _give_up(job: _Job[M], error: GoaltraceError, outcome: _Outcome) -> None:
    if not job.failed:
        outcome.damaged.append(str(error))
    job.failed = True


def _register(stage: Stage[M], folder: DatasetFolder, tables: dict[str, ScoreTable], outcome: _Outcome) -> None:
    """Name the tables in dataset.json, and drop those of an earlier version of the stage."""
    manifest = folder.read_manifest()
    now = [tables[s.path] for s in manifest.shards if s.path in tables]
    before = [table for table in manifest.scores if table.name == stage.name]
    if [t.shard for t in before] == [t.shard for t in now] and not outcome.made:
        return
    manifest.scores = [table for table in manifest.scores if table.name != stage.name] + now
    if outcome.made:
        manifest.lineage.append(_step(stage, manifest, tables))
    folder.write_manifest(manifest)
    kept = {table.shard.path for table in now}
    for table in before:
        if table.shard.path not in kept:
            (folder.path / table.shard.path).unlink(missing_ok=True)


def _step(stage: Stage[M], manifest: DatasetManifest, tables: dict[str, ScoreTable]) -> LineageStep:
    return LineageStep(
        command=stage.command,
        parameters={"stage": stage.name, "stage_version": stage.version, **stage.parameters},
        inputs=[Input(name=s.path, sha256=s.sha256) for s in manifest.shards if s.path in tables],
    )
