"""Thousands of casts: a process for each core, one broken file stops nothing, Ctrl-C leaves nothing half done."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

from collector.importers.cast.convert import ImportOptions, import_cast
from collector.importers.cast.quarantine import update_list
from manifests.futures import as_they_end

Entry = dict[str, Any]
_SAVE_EVERY = 200


def import_casts(
    paths: list[Path], out: Path, options: ImportOptions, workers: int, report: Callable[[Entry], None]
) -> list[Entry]:
    """Import every cast; what became of each, in the order in which they ended. The list is kept up to date."""
    out.mkdir(parents=True, exist_ok=True)
    done: list[Entry] = []

    def finished(entry: Entry) -> None:
        done.append(entry)
        report(entry)
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
    paths: list[Path], out: Path, options: ImportOptions, workers: int, finished: Callable[[Entry], None]
) -> list[Path]:
    """The paths left undone because a process died on one of them."""
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_quiet)
    waiting: dict[Future[Entry], Path] = {}
    left: list[Path] = []
    try:
        waiting = {pool.submit(_one, path, out, options): path for path in paths}
        for future in as_they_end(waiting):
            try:
                finished(future.result())
            except BrokenProcessPool:
                left.append(waiting[future])
    except BaseException:
        heard = signal.signal(signal.SIGINT, _once_is_enough)  # it takes a moment to leave nothing half done
        for process in list((pool._processes or {}).values()):
            if process.pid is not None:
                os.kill(process.pid, signal.SIGTERM)
        pool.shutdown(cancel_futures=True)
        signal.signal(signal.SIGINT, heard)
        raise
    pool.shutdown()
    return left


def _alone(path: Path, out: Path, options: ImportOptions, finished: Callable[[Entry], None]) -> None:
    """Again, in a process of its own: the file on which that dies too is the one to leave out."""
    if _in_pool([path], out, options, 1, finished):
        finished({"from": str(path), "state": "quarantined", "reason": "the importing process died on it"})


_at_work = threading.Event()


def _one(path: Path, out: Path, options: ImportOptions) -> Entry:
    _at_work.set()
    try:
        return import_cast(path, out, options)
    except KeyboardInterrupt:  # what was begun is removed; a worker that only failed would take up the next cast
        os._exit(1)
    finally:
        _at_work.clear()


def _quiet() -> None:
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
