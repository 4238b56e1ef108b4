"""File permissions: recordings of people, and whatever is made of them, are readable by their owner alone.

This is done with the process's umask, because it applies from a file's first byte and to every program that is
started; a mode that is set afterwards would come too late.
"""

from __future__ import annotations

import os
import re
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

OTHERS_CANNOT_WRITE = 0o022
OWNER_ONLY = 0o077
_UMASK_LOCK = threading.Lock()


@contextmanager
def umask_at_least(mask: int) -> Iterator[None]:
    """Inside, new files lack the permissions in `mask` as well as those that the user's umask removes.

    The umask is the whole process's: enter before threads begin, and leave when they have ended.
    """
    before = os.umask(OWNER_ONLY)
    os.umask(before | mask)
    try:
        yield
    finally:
        os.umask(before)


@contextmanager
def as_private_as(*places: Path) -> Iterator[None]:
    """Inside, new files are readable by their owner alone if one of `places` is, or holds a person's consent."""
    with umask_at_least(OWNER_ONLY if any(map(is_private, places)) else 0):
        yield


def is_private(place: Path) -> bool:
    """Whether a file or folder is readable by its owner alone, or is a session with a consent.json."""
    try:
        closed = not place.stat().st_mode & OWNER_ONLY
        return closed or (place / "consent.json").exists()
    except OSError:
        return False


def mode_like(path: Path) -> int:
    """The mode for creating a file that will replace the one at `path`; the umask still applies to it."""
    try:
        status = path.lstat()
    except OSError:
        return 0o666
    return stat.S_IMODE(status.st_mode) & 0o666 | 0o600 if stat.S_ISREG(status.st_mode) else 0o666


def umask() -> int:
    """The process's umask. Linux reports it in /proc; elsewhere it can only be read by changing it."""
    try:
        match = re.search(r"^Umask:\s*([0-7]+)$", Path("/proc/self/status").read_text(encoding="utf-8"), re.MULTILINE)
    except OSError:
        match = None
    if match:
        return int(match[1], 8)
    with _UMASK_LOCK:
        mask = os.umask(OWNER_ONLY)
        os.umask(mask)
    return mask
