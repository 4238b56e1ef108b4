"""Whether a session is being recorded right now: repairing one while its recorder still writes would ruin it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import IO

from manifests.session import SessionFolder

RECENT_S = 3.0


def lock_log(log: IO[str]) -> None:
    """Mark a log as being written, by a lock that ends with the process, however that ends.

    Best effort: where files cannot be locked, `is_live` has only their age to go by.
    """
    try:
        import fcntl

        fcntl.flock(log, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (ImportError, OSError):
        pass


def is_live(folder: SessionFolder) -> bool:
    """True if a recorder has locked one of the logs, or one was written within the last seconds."""
    logs = (folder.frames_path, folder.actions_path, folder.events_path, folder.cast)
    return any(path.is_file() and (_recent(path) or _is_locked(path)) for path in logs)


def _recent(path: Path) -> bool:
    return abs(time.time() - path.stat().st_mtime) < RECENT_S


def _is_locked(path: Path) -> bool:
    try:
        import fcntl
    except ImportError:
        return False
    with path.open("rb") as log:
        try:
            fcntl.flock(log, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            return False
    return False
