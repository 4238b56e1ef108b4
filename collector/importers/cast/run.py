"""Imports thousands of casts: a process for each core; a broken file stops nothing, Ctrl-C leaves nothing half done."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import get_args

from collector.importers.cast.convert import ImportOptions, Sensitive, import_cast
from collector.importers.cast.find import find_casts
from collector.importers.cast.quarantine import update_list
from collector.importers.cast.result import CastResult
from collector.ranges import require_one_of
from manifests.errors import GoaltraceError
from manifests.futures import as_they_end, workers_of
from manifests.progress import OnProgress, Progress, ignore
from manifests.secrets import OwnNames, names_of_this_machine

_SAVE_EVERY = 200


def import_casts(
    paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    *,
    out: str | os.PathLike[str],
    sensitive: Sensitive = "mask",
    redact: Sequence[str] = (),
    keep_names: bool = False,
    idle_limit_s: float | None = None,
    fps: float = 15.0,
    render: bool = True,
    max_size_mib: float = 512,
    workers: int | None = None,
    on_result: Callable[[CastResult], object] = ignore,
    on_progress: OnProgress = ignore,
) -> tuple[CastResult, ...]:
    """Import casts (files, or folders with casts) into `out`; what became of each, in the order in which they ended.

    `redact` are strings to be masked as well, `keep_names` leaves names of users and machines, `idle_limit_s` cuts
    longer pauses (None: as the cast says itself), `render` draws the pictures, `max_size_mib` is the largest cast,
    unpacked, and `workers` how many are read at once (None: one a core). OUT/quarantine/casts.jsonl lists what was
    left out, also after Ctrl-C, which leaves nothing half done. Raises `GoaltraceError` for options out of range and
    paths without casts.
    """
    for flag, value, good in (
        ("--idle-limit", idle_limit_s, idle_limit_s is None or idle_limit_s > 0),
        ("--fps", fps, 0 < fps <= 240),
        ("--max-size", max_size_mib, 0 < max_size_mib < 2**20),
        ("--workers", workers, workers is None or workers >= 1),
    ):
        if not good:
            raise GoaltraceError(f"{flag}: {value} is out of range; see goaltrace import cast --help")
    require_one_of("--sensitive", sensitive, get_args(Sensitive))
    folder = Path(out)
    existing = next((place for place in (folder, *folder.absolute().parents) if place.exists()), folder)
    if existing.is_file():
        raise GoaltraceError(f"{existing}: is a file; --out wants a folder")
    if sensitive == "keep" and redact:
        raise GoaltraceError("--redact: nothing is masked with --sensitive keep; leave one of them out")
    options = ImportOptions(
        sensitive, idle_limit_s, fps, render, int(max_size_mib * 2**20), listed=tuple(redact),
        names=OwnNames() if keep_names else names_of_this_machine(), keep_names=keep_names,
    )  # fmt: skip
    given = [paths] if isinstance(paths, str | os.PathLike) else paths
    casts = find_casts([Path(path) for path in given], folder)
    ended = 0

    def report(result: CastResult) -> None:
        nonlocal ended
        ended += 1
        on_result(result)
        on_progress(Progress("importing", ended, len(casts), "cast"))

    on_progress(Progress("importing", 0, len(casts), "cast"))
    return tuple(_import_all(casts, folder, options, workers or os.cpu_count() or 1, report))


def _import_all(
    paths: list[Path], out: Path, options: ImportOptions, workers: int, report: Callable[[CastResult], None]
) -> list[CastResult]:
    """What became of every cast. The list of those left out is kept up to date."""
    out.mkdir(parents=True, exist_ok=True)
    done: list[CastResult] = []

    def finished(result: CastResult) -> None:
        done.append(result)
        report(result)
        if len(done) % _SAVE_EVERY == 0:
            update_list(out, done)

    try:
        if workers == 1 or len(paths) == 1:
            for path in paths:
                finished(import_cast(path, out, options))
        else:
            for path in _in_pool(paths, out, options, min(workers, len(paths)), finished):
                _alone(path, out, options, finished)
    finally:
        update_list(out, done)
    return done


def _in_pool(
    paths: list[Path], out: Path, options: ImportOptions, workers: int, finished: Callable[[CastResult], None]
) -> list[Path]:
    """The paths left undone because a process died on one of them."""
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_leave_ctrl_c_to_the_parent)
    waiting: dict[Future[CastResult], Path] = {}
    left: list[Path] = []
    try:
        waiting = {pool.submit(_one, path, out, options): path for path in paths}
        for future in as_they_end(waiting):
            try:
                finished(future.result())
            except BrokenProcessPool:
                left.append(waiting[future])
    except BaseException:
        before = signal.signal(signal.SIGINT, _once_is_enough)  # it takes a moment to leave nothing half done
        for process in workers_of(pool):
            if process.pid is not None:
                os.kill(process.pid, signal.SIGTERM)
        pool.shutdown(cancel_futures=True)
        signal.signal(signal.SIGINT, before)
        raise
    pool.shutdown()
    return left


def _alone(path: Path, out: Path, options: ImportOptions, finished: Callable[[CastResult], None]) -> None:
    """Again, in a process of its own: the file on which that dies too is the one to leave out."""
    if _in_pool([path], out, options, 1, finished):
        finished(CastResult(path, "quarantined", reason="the importing process died on it"))


_at_work = threading.Event()


def _one(path: Path, out: Path, options: ImportOptions) -> CastResult:
    _at_work.set()
    try:
        return import_cast(path, out, options)
    except KeyboardInterrupt:  # what was begun is removed; a worker that only failed would take up the next cast
        os._exit(1)
    finally:
        _at_work.clear()


def _leave_ctrl_c_to_the_parent() -> None:
    """Ctrl-C goes to the parent, which ends its workers; they then remove what they had begun."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _stop)


def _stop(*_: object) -> None:
    if not _at_work.is_set():
        os._exit(1)
    signal.signal(signal.SIGTERM, _once_is_enough)  # the pool sends another when the first of its workers is gone
    raise KeyboardInterrupt


def _once_is_enough(*_: object) -> None:
    """Not SIG_IGN: Python reports a signal that came just before as an error with a stack trace."""
