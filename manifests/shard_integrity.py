"""Verifying that a shard is the file that dataset.json names: its size always, its SHA-256 once.

Shards of two data sets may have the same clip ids and different video, and nothing inside a shard reveals that. A
verified SHA-256 is remembered in a small file in the user's cache, which is valid only while the shard is unchanged.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from pathlib import Path

from manifests.dataset import Shard
from manifests.errors import GoaltraceError
from manifests.files import replacing, sha256_of


def cache_folder() -> Path:
    """$GOALTRACE_CACHE, else goaltrace/ in the user's cache folder."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("GOALTRACE_CACHE") or Path(home) / "goaltrace")


def require_size(path: Path, shard: Shard) -> None:
    """Raise `GoaltraceError` unless the file is there with the size that dataset.json says."""
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        raise GoaltraceError(f"{path}: no such shard; the data set is incomplete, make it again") from None
    if size != shard.bytes:
        raise GoaltraceError(
            f"{path}: damaged or truncated, or another shard: {size:,} bytes, dataset.json says {shard.bytes:,}; "
            "copy it again"
        )


def require_shard(path: Path, shard: Shard) -> None:
    """Raise `GoaltraceError` unless the file is the one that dataset.json names, byte for byte."""
    require_size(path, shard)
    if _digest(path) != shard.sha256:
        raise GoaltraceError(
            f"{path}: damaged, or not the shard that dataset.json names (SHA-256 differs); copy it again"
        )


def _digest(path: Path) -> str:
    """The file's SHA-256: from the cache, or computed and then cached where the cache folder can be written."""
    status = path.stat()
    state = f"{status.st_dev} {status.st_ino} {status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}"
    name = hashlib.sha256(os.fsencode(path.resolve())).hexdigest()[:32]
    note = cache_folder() / "checked" / name
    with suppress(OSError, UnicodeDecodeError):
        before, _, digest = note.read_text(encoding="ascii").rpartition(" ")
        if before == state:
            return digest
    digest = sha256_of(path)
    with suppress(OSError, GoaltraceError), replacing(note) as temporary:
        temporary.write_text(f"{state} {digest}", encoding="ascii")
    return digest
