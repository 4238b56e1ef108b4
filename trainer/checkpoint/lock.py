"""Locks a run's folder while it is trained: two trainings would overwrite each other's checkpoints and log."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from manifests.errors import GoaltraceError


@contextmanager
def locked(run: Path) -> Iterator[None]:
    """Lock a run until the end of the block, or of this process. On a disk without locks nothing is locked.

    Raises:
        GoaltraceError: another process has the lock.
    """
    folder = os.open(run, os.O_RDONLY)
    try:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise GoaltraceError(f"{run}: another goaltrace train is at work in it; let it end, or stop it") from None
        except OSError:
            pass
        yield
    finally:
        os.close(folder)
