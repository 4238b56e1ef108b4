"""Whose files may be read by whom. What is a person's is for its owner alone, from a file's first byte on.

The process's umask decides, because it holds from the first byte and for every program that is started; a mode that is
set afterwards would come too late.
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
_ASKING = threading.Lock()


@contextmanager
def umask_at_least(mask: int) -> Iterator[None]:
    """While inside, what is made lacks the permissions in `mask`, and those that the user's umask takes away.

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
    """What is made while inside is for its owner alone if one of `places` is, or holds what a person agreed to."""
    with umask_at_least(OWNER_ONLY if any(map(is_private, places)) else 0):
        yield


def is_private(place: Path) -> bool:
    """Whether nobody but its owner may look into a file or a folder, or it is a session under a consent."""
    try:
        closed = not place.stat().st_mode & OWNER_ONLY
        return closed or (place / "consent.json").exists()
    except OSError:
        return False


def mode_like(path: Path) -> int:
    """The mode to make a file with that will replace the one at `path`; the umask takes its part from it."""
    try:
        status = path.lstat()
    except OSError:
        return 0o666
    return stat.S_IMODE(status.st_mode) & 0o666 | 0o600 if stat.S_ISREG(status.st_mode) else 0o666


def umask() -> int:
    """The process's umask. Linux tells it; elsewhere it can only be asked by changing it."""
    try:
        told = re.search(r"^Umask:\s*([0-7]+)$", Path("/proc/self/status").read_text(encoding="utf-8"), re.MULTILINE)
    except OSError:
        told = None
    if told:
        return int(told[1], 8)
    with _ASKING:
        mask = os.umask(OWNER_ONLY)
        os.umask(mask)
    return mask
