"""One training at a time in a run: two would write each other's checkpoints and log."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from manifests.errors import GoaltraceError


@contextmanager
def held(run: Path) -> Iterator[None]:
    """Hold a run until the end of the block, or of this process; a disk that knows no locks is taken at its word.

    Raises:
        GoaltraceError: another process holds it.
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
