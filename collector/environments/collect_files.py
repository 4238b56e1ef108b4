"""Collects a session's files out of the folder that a container wrote into, which is not trusted.

While an episode is recorded its folder is the container's user's too, where anybody's commands may run. Afterwards only
regular files of known names and bounded size stay, as files of the user who started the recording: no modes, no links,
no owners, no further names.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import uuid
from collections.abc import Iterable
from pathlib import Path

from manifests.errors import GoaltraceError
from manifests.files import raise_if_full
from manifests.permissions import umask
from manifests.plain_text import one_line
from manifests.session import SessionFolder

QUOTA_BYTES = 8 * 2**30
"""What one session may write: some ten hours of a busy screen."""
_DOCUMENT_BYTES = 16 * 2**20
_NAMED = 5
_BLOCK = 2**20


def session_file_names() -> tuple[str, ...]:
    """Every file that a recorder may leave."""
    return tuple(path.name for path in SessionFolder(Path()).files)


def collect_files(folder: Path, also: Iterable[str] = ()) -> list[str]:
    """Make `folder` a session of ours in its place; one line for each thing that was refused and removed.

    `also` are further names to keep. The container must be gone. Raises `GoaltraceError` when the disk is full; what
    was not yet collected is then as it was.
    """
    mask = umask()
    folder.chmod(0o777 & ~mask)  # from here on only this user writes
    refused: list[str] = []
    known = {*session_file_names(), *also}
    place = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        with os.scandir(place) as entries:
            names = sorted(entry.name for entry in entries)
        for name in names:
            if name not in known:
                refused.append(f"{one_line(name)[:80]}: no file of a session")
            elif (reason := _own(place, name, 0o666 & ~mask)) is not None:
                refused.append(f"{name}: {reason}")
            else:
                continue
            _remove(place, folder, name)
    except OSError as error:
        raise_if_full(error, folder)
        raise GoaltraceError(f"{folder}: cannot be taken out of its container ({error.strerror})") from None
    finally:
        os.close(place)
    more = [f"and {len(refused) - _NAMED} more"] if len(refused) > _NAMED else []
    return [*refused[:_NAMED], *more]


def _own(place: int, name: str, mode: int) -> str | None:
    """Make the file one of this user's, as this user makes files; the reason why it cannot be."""
    try:
        source = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=place)
    except OSError as error:
        return f"a link, or cannot be read ({error.strerror})"
    status = os.fstat(source)
    if not stat.S_ISREG(status.st_mode):
        os.close(source)
        return "no regular file"
    with os.fdopen(source, "rb", buffering=0) as file:
        limit = _DOCUMENT_BYTES if name.endswith(".json") else QUOTA_BYTES
        if status.st_size > limit:
            return f"{status.st_size:,} bytes are more than the {limit:,} allowed"
        if _is_ours(source, status, mode):
            return None
        temporary = f".{name}.{uuid.uuid4().hex[:8]}.tmp"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        try:
            with os.fdopen(os.open(temporary, flags, mode, dir_fd=place), "wb", buffering=0) as copy:
                left = status.st_size
                while left and (block := file.read(min(left, _BLOCK))):
                    copy.write(block)
                    left -= len(block)
            os.replace(temporary, name, src_dir_fd=place, dst_dir_fd=place)
        except OSError:
            with contextlib.suppress(OSError):
                os.unlink(temporary, dir_fd=place)
            raise
    return None


def _is_ours(file: int, status: os.stat_result, mode: int) -> bool:
    """Nothing about the file but its bytes came from the container."""
    if (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode), status.st_nlink) != (
        os.getuid(), os.getgid(), mode, 1,
    ):  # fmt: skip
        return False
    try:
        return not os.listxattr(file)
    except (OSError, AttributeError):
        return True  # no such thing on this system


def _remove(place: int, folder: Path, name: str) -> None:
    """Nothing that is refused stays; a folder in which others may not look stays behind, closed to everybody else."""
    try:
        os.unlink(name, dir_fd=place)
    except OSError:
        shutil.rmtree(folder / name, ignore_errors=True)


def usage(folder: Path, most: int = 10_000) -> tuple[int, int]:
    """Bytes on disk below a folder, and how many things are there; counting ends at `most`. Links are not followed."""
    total, count, waiting = 0, 0, [folder]
    while waiting and count <= most:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    count += 1
                    status = entry.stat(follow_symlinks=False)
                    total += status.st_blocks * 512
                    if stat.S_ISDIR(status.st_mode):
                        waiting.append(Path(entry.path))
        except OSError:  # gone meanwhile, or closed to us
            continue
    return total, count
