"""Grants a session's container write access to its folder on this machine, and nobody else.

Inside the container the recorder is an ordinary user, whose number on this machine need not be that of whoever started
the recording. The folder becomes that user's where the system lets us give it away (as root), or stays ours with an
entry for that user beside (an access control list, POSIX.1e), by which each can read what the other writes.
"""

from __future__ import annotations

import os
import re
import struct
import sys
import tarfile
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from manifests.errors import GoaltraceError
from manifests.permissions import umask

if TYPE_CHECKING:
    from docker.models.containers import Container

_ACCESS, _DEFAULT = "system.posix_acl_access", "system.posix_acl_default"
_OWNER, _USER, _GROUP, _MASK, _OTHERS = 0x01, 0x02, 0x04, 0x10, 0x20
_NOBODY = 0xFFFFFFFF
_ALL = 7


def grant_access(folder: Path, container: Container) -> None:
    """Let the running container's user write into the empty `folder`; `revoke_access` ends it.

    Raises `GoaltraceError` where the file system cannot keep such a folder.
    """
    if sys.platform != "linux":  # the engine's virtual machine writes as whoever shares the folder
        return
    user, group = _ids(container)
    if user == os.getuid():
        return
    try:
        if os.getuid() == 0:
            os.chown(folder, user, group)
            return
        entries = _entries(user, os.getuid())
        os.setxattr(folder, _ACCESS, entries)
        os.setxattr(folder, _DEFAULT, entries)
    except OSError as error:
        raise GoaltraceError(
            f"{folder}: cannot be opened to the container's user {user} alone ({error.strerror}); give an --out on a "
            f"file system with access control lists, or record as user {user}"
        ) from None


def revoke_access(folder: Path) -> None:
    """Take back what `grant_access` allowed: the folder is as this user makes folders."""
    if sys.platform == "linux":
        for name in (_DEFAULT, _ACCESS):
            try:
                os.removexattr(folder, name)
            except OSError:  # there is none
                continue
        if os.getuid() == 0:
            os.chown(folder, 0, os.getgid())
    folder.chmod(0o777 & ~umask())


def _ids(container: Container) -> tuple[int, int]:
    """User and group of the container's processes, as this machine counts them."""
    container.reload()
    process = Path("/proc", str(container.attrs["State"]["Pid"]))
    try:
        if str(container.id) in (process / "cgroup").read_text(encoding="utf-8"):
            status = (process / "status").read_text(encoding="utf-8")
            found = re.search(r"^Uid:\s+(\d+).*?^Gid:\s+(\d+)", status, re.MULTILINE | re.DOTALL)
            if found:
                return int(found[1]), int(found[2])
    except OSError:  # it has ended, or the engine is on another machine or in a virtual one
        pass
    return _of_image(container)


def _of_image(container: Container) -> tuple[int, int]:
    name = str(container.attrs["Config"].get("User") or "root")
    chunks, _ = container.get_archive("/etc/passwd")
    with tarfile.open(fileobj=BytesIO(b"".join(chunks))) as tar:
        file = tar.extractfile("passwd")
        lines = file.read().decode("utf-8", "replace").splitlines() if file else []
    found = next((line.split(":") for line in lines if line.startswith(f"{name}:")), None)
    if found is None:
        raise GoaltraceError(f"the image has no user {name}; build it anew: goaltrace images build")
    return int(found[2]), int(found[3])


def _entries(*users: int) -> bytes:
    """An access control list that lets the owner and `users` do all, and others nothing; users in ascending order."""
    named = [(_USER, _ALL, user) for user in sorted(users)]
    entries = [(_OWNER, _ALL, _NOBODY), *named, (_GROUP, 0, _NOBODY), (_MASK, _ALL, _NOBODY), (_OTHERS, 0, _NOBODY)]
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)
