"""The score stage: shard by shard, on a process pool, so that a stopped run goes on and a bad shard stays alone.

A score table's name is a function of its input's digest, the stage's version and its parameters; it is
renamed into place when whole. A name that exists is a piece of work that is done.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import pyarrow as pa
import pyarrow.parquet as pq

from curation.scores import shard as intent
from manifests.clip_io import open_parquet
from manifests.dataset import DatasetFolder, DatasetManifest, Input, LineageStep, ScoreTable, Shard
from manifests.errors import GoaltraceError
from manifests.files import replacing, sha256_of
from manifests.futures import as_they_end
from manifests.items import one_item
from manifests.shards import require_shard


class WorkerKilled(GoaltraceError):
    """The pool is gone, and with it the run."""


@dataclass
class Outcome:
    """What a run did."""

    scored: list[str] = field(default_factory=list)
    """Score tables made now."""
    reused: list[str] = field(default_factory=list)
    """Score tables that were there already."""
    damaged: list[GoaltraceError] = field(default_factory=list)
    """One line per shard, and per clip of the others, that could not be scored; such a clip's row has no scores."""


@dataclass
class _Job:
    """A clips shard on its way to a score table."""

    source: Shard
    path: Path
    pieces: dict[int, list[intent.Measure]] = field(default_factory=dict)
    groups: int = 0
    failed: bool = False

    @property
    def measures(self) -> list[intent.Measure]:
        return [measure for group in sorted(self.pieces) for measure in self.pieces[group]]


def output_name(source: Shard) -> str:
    """Path of the score table made from a clips shard, relative to the data set."""
    key = json.dumps([source.sha256, intent.NAME, intent.STAGE_VERSION, intent.PARAMETERS], sort_keys=True)
    number = PurePosixPath(source.path).stem.removeprefix("clips-")
    return f"scores/{intent.NAME}-{number}-{hashlib.sha256(key.encode()).hexdigest()[:12]}.parquet"


def describe(root: Path, path: str, rows: int) -> ScoreTable:
    """The entry of dataset.json for a score table."""
    shard = Shard(path=path, rows=rows, bytes=(root / path).stat().st_size, sha256=sha256_of(root / path))
    return ScoreTable(
        shard=shard,
        name=intent.NAME,
        stage_version=intent.STAGE_VERSION,
        columns=intent.SCHEMA.names,
        parameters=intent.PARAMETERS,
    )


def write_scores(path: Path, table: pa.Table) -> None:
    """Write a score table whole or not at all."""
    with replacing(path) as temporary:
        pq.write_table(table, temporary, compression="zstd", write_page_checksum=True)


def run_stage(
    dataset: Path, workers: int = 0, force: bool = False, progress: Callable[[int, int], None] | None = None
) -> Outcome:
    """Score every clips shard of a data set that is not scored yet, and register the tables.

    Args:
        dataset: the data set's folder.
        workers: processes; 0 for one per core.
        force: score again what is done.
        progress: called with (clips done now, clips to do in all).

    A shard that cannot be read is named in the outcome; the others are scored and registered.
    """
    folder = DatasetFolder(dataset)
    manifest = folder.read_manifest()
    outcome = Outcome()
    tables: dict[str, ScoreTable] = {}
    jobs: list[_Job] = []
    for source in (s for s in manifest.shards if s.path.startswith("clips/")):
        done = None if force else _finished(dataset, source)
        if done is None:
            jobs.append(_Job(source, dataset / source.path))
        else:
            tables[source.path] = done
            outcome.reused.append(done.shard.path)
    try:
        for job in _measured(jobs, workers or os.cpu_count() or 1, outcome, progress or (lambda done, of: None)):
            name = output_name(job.source)
            write_scores(dataset / name, intent.score_table(job.measures))
            job.pieces.clear()
            tables[job.source.path] = describe(dataset, name, job.source.rows)
            outcome.scored.append(name)
    finally:
        _register(folder, tables, outcome)
    return outcome


def _finished(dataset: Path, source: Shard) -> ScoreTable | None:
    path = dataset / output_name(source)
    if not path.is_file():
        return None
    try:
        whole = open_parquet(path).metadata.num_rows == source.rows
    except GoaltraceError:
        return None
    return describe(dataset, output_name(source), source.rows) if whole else None


def _measured(jobs: list[_Job], workers: int, outcome: Outcome, progress: Callable[[int, int], None]) -> Iterator[_Job]:
    """Yield each job when all of its clips are measured; name the shards that cannot be."""
    total = sum(job.source.rows for job in jobs)
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(max(1, min(workers, total)), mp_context=context, initializer=_ignore_interrupts)
    try:
        waiting: dict[Future[list[intent.Measure]], tuple[_Job, int]] = {}
        for job in jobs:
            try:
                job.groups = _check(job)
            except GoaltraceError as error:
                _give_up(job, error, outcome)
            for group in range(job.groups):
                waiting[pool.submit(intent.measure_rows, job.path, group)] = (job, group)
        for future in as_they_end(waiting):
            job, group = waiting.pop(future)
            try:
                with one_item(job.path), _worker_lives(job.path):
                    job.pieces[group] = future.result()
                broken = [measure.broken for measure in job.pieces[group] if measure.broken]
                outcome.damaged += [GoaltraceError(f"{job.path}: {why}") for why in broken]
            except WorkerKilled:
                raise
            except GoaltraceError as error:
                _give_up(job, error, outcome)
            progress(len(job.pieces.get(group, ())), total)
            if not job.failed and len(job.pieces) == job.groups:
                yield job
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _worker_lives(path: Path) -> Iterator[None]:
    try:
        yield
    except BrokenProcessPool:
        raise WorkerKilled(f"{path}: a worker was killed (out of memory?); run again with fewer --workers") from None


def _ignore_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent hears Ctrl-C and stops the pool


def _check(job: _Job) -> int:
    """The shard's row groups; `GoaltraceError` unless it is the file that dataset.json names."""
    require_shard(job.path, job.source)
    file = open_parquet(job.path)
    if file.metadata.num_rows != job.source.rows:
        raise GoaltraceError(f"{job.path}: {file.metadata.num_rows} rows, dataset.json says {job.source.rows}")
    return int(file.metadata.num_row_groups)


def _give_up(job: _Job, error: GoaltraceError, outcome: Outcome) -> None:
    if not job.failed:
        outcome.damaged.append(error)
    job.failed = True


def _register(folder: DatasetFolder, tables: dict[str, ScoreTable], outcome: Outcome) -> None:
    """Name the tables in dataset.json, and drop those of an earlier version of the stage."""
    manifest = folder.read_manifest()
    scores = [tables[s.path] for s in manifest.shards if s.path in tables]
    before = [table for table in manifest.scores if table.name == intent.NAME]
    if [t.shard for t in before] == [t.shard for t in scores]:
        return
    manifest.scores = [table for table in manifest.scores if table.name != intent.NAME] + scores
    if outcome.scored:
        manifest.lineage.append(_step(manifest, tables))
    folder.write_manifest(manifest)
    kept = {table.shard.path for table in scores}
    for table in before:
        if table.shard.path not in kept:
            (folder.path / table.shard.path).unlink(missing_ok=True)


def _step(manifest: DatasetManifest, tables: dict[str, ScoreTable]) -> LineageStep:
    return LineageStep(
        command="goaltrace score",
        parameters={"stage": intent.NAME, "stage_version": intent.STAGE_VERSION, **intent.PARAMETERS},
        inputs=[Input(name=s.path, sha256=s.sha256) for s in manifest.shards if s.path in tables],
    )
