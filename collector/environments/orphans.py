"""Containers whose command was killed before it could remove them: found by a label that says whose they are."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from docker import DockerClient

OWNER = "goaltrace.owner"


def owner() -> str:
    """This process: machine, boot, process id and start, so that no later process is taken for it."""
    return ":".join([*_machine(), str(os.getpid()), _started(os.getpid())])


def remove_orphans(client: DockerClient) -> list[str]:
    """Remove the containers of commands of this machine that are gone; the episodes they were recording.

    Containers without the label, of other machines, or of a command that still runs are never touched.
    """
    from docker.errors import APIError

    removed = []
    for container in client.containers.list(all=True, filters={"label": OWNER}):
        *machine, pid, started = container.labels[OWNER].split(":")
        if tuple(machine) != _machine() or not pid.isdigit() or _started(int(pid)) in (started, "?"):
            continue
        with contextlib.suppress(APIError):
            container.remove(force=True, v=True)
            removed.append(container.labels.get("goaltrace.episode", container.name or ""))
    return removed


def _machine() -> tuple[str, str]:
    """Host name and, on Linux, the id of its present boot with that of the processes that can be seen from here.

    Containers of an earlier boot may be somebody's again, and a command that runs in a container of its own (with the
    host's Docker) is not seen from another: it would be taken for gone.
    """
    boot, seen = Path("/proc/sys/kernel/random/boot_id"), Path("/proc/self/ns/pid")
    namespace = "".join(filter(str.isdigit, str(seen.readlink()))) if seen.is_symlink() else ""
    return socket.gethostname(), f"{boot.read_text(encoding='utf-8').strip()}/{namespace}" if boot.is_file() else ""


def _started(pid: int) -> str:
    """When a process started, in ticks since boot; "gone" where there is none, "?" where that cannot be known."""
    if not sys.platform.startswith("linux"):
        return "?"
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return "gone"
    except PermissionError:  # another user's, and alive
        pass
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[19]
    except OSError:
        return "?"
