"""How every container of ours is confined, and throwaway containers for a check, removed whatever happens."""

from __future__ import annotations

import contextlib
import os
import re
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from manifests.errors import GoaltraceError

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.containers import Container
    from docker.types import Mount

T = TypeVar("T")
READY_FILE = "/tmp/goaltrace-ready"
PYTHON = "/opt/goaltrace/venv/bin/python"
UNPRIVILEGED: dict[str, Any] = {
    "hostname": "goaltrace",
    "user": "agent",
    "init": True,
    "read_only": True,
    "network_mode": "none",
    "cap_drop": ["ALL"],
    "security_opt": ["no-new-privileges"],
    "shm_size": "512m",
    "mem_limit": "3g",
    "memswap_limit": "3g",
    "pids_limit": 2048,
    "cpu_period": 100_000,
    "cpu_quota": 400_000,
}
"""How a container runs: an ordinary user without capabilities, a root that is read-only, no network but its own
loopback, at most 3 GB of memory and no swap beyond it, 2,048 processes and four cores."""
WRITABLE = ("/tmp", "/var/tmp", "/run/user", "/home/agent")
"""What a task may write to beside its session: volumes, since what is in a tmpfs counts as memory."""
LAYER_BYTES = 10 * 2**30
"""What a container may write into its own file system, where the storage driver can limit that."""
FILE_BYTES = 8 * 2**30
"""The largest file that a program in a container can write, wherever that is."""


def confinement() -> dict[str, Any]:
    """Docker's options for it: `UNPRIVILEGED`, and no file larger than `FILE_BYTES`, no core dumps."""
    from docker.types import Ulimit

    limits = [Ulimit(name="fsize", soft=FILE_BYTES, hard=FILE_BYTES), Ulimit(name="core", soft=0, hard=0)]
    return UNPRIVILEGED | {"ulimits": limits}


def writable(*also: str) -> list[Mount]:
    """Volumes where a container may write: filled with what the image has there, gone with the container."""
    from docker.types import Mount

    return [Mount(place, None, type="volume") for place in (*WRITABLE, *also)]


def with_limited_layer(make: Callable[[dict[str, Any]], T]) -> T:
    """`make(options)` with the layer's size limited; without, where the storage driver knows no limit.

    Docker says so only when it is asked: of overlay2, that is any file system but XFS with project quotas.
    """
    from docker.errors import APIError

    try:
        return make({"storage_opt": {"size": str(LAYER_BYTES)}})
    except APIError as error:
        if not re.search(r"storage.?opt|pquota|quota", str(error.explanation or error), re.IGNORECASE):
            raise
    return make({})


def image_of(kind: str, system: str | None = None) -> str:
    """The tag of the image of `kind` for `system`, e.g. debian-13; None: GOALTRACE_SYSTEM's, else the latest."""
    system = system or os.environ.get("GOALTRACE_SYSTEM") or "latest"
    if not re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,60}", system):
        raise GoaltraceError(
            f"--system {system!r}: no system's name; give one such as debian-13 (goaltrace images list)"
        )
    return f"goaltrace/{kind}:{system}"


def not_built(image: str) -> GoaltraceError:
    """The error of an image that is not here."""
    kind, _, system = image.removeprefix("goaltrace/").partition(":")
    if system == "latest":
        return GoaltraceError(f"image {image}: not built yet; run: goaltrace images build {kind}")
    return GoaltraceError(
        f"image {image}: not built here; `goaltrace images list` shows what is, `goaltrace images build` with a --base "
        "of that system makes it"
    )


@contextmanager
def throwaway(
    client: DockerClient, kind: str, environment: dict[str, str] | None = None, system: str | None = None
) -> Iterator[Container]:
    """A running container of an image of ours (see `image_of`) that is removed on leaving, Ctrl-C included.

    It is found again by a label of this run alone, so nobody else's container can be removed.
    """
    from docker.errors import APIError, ImageNotFound

    run_id = uuid.uuid4().hex[:12]
    image = image_of(kind, system)
    try:
        yield with_limited_layer(
            lambda options: client.containers.run(
                image,
                name=f"goaltrace-check-{kind}-{run_id}",
                labels={"goaltrace.run": run_id},
                environment=environment,
                detach=True,
                mounts=writable(),
                **confinement(),
                **options,
            )
        )
    except ImageNotFound:
        raise not_built(image) from None
    except APIError as error:
        raise GoaltraceError(f"{image}: Docker refused: {error.explanation or error}") from None
    finally:
        for container in client.containers.list(all=True, filters={"label": f"goaltrace.run={run_id}"}):
            with contextlib.suppress(APIError):
                container.remove(force=True, v=True)


def wait_ready(container: Container, timeout_s: float = 90) -> float:
    """Seconds until the desktop's readiness file appeared; `GoaltraceError` with its last output if it never does."""
    started = time.monotonic()
    while time.monotonic() - started < timeout_s:
        container.reload()
        if container.status in ("exited", "dead"):
            raise GoaltraceError(f"the desktop did not start: {_last_output(container)}")
        if container.status == "running" and container.exec_run(["test", "-e", READY_FILE]).exit_code == 0:
            return time.monotonic() - started
        time.sleep(0.2)
    raise GoaltraceError(f"the desktop was not ready after {timeout_s:.0f} s: {_last_output(container)}")


def _last_output(container: Container) -> str:
    lines = container.logs(tail=3).decode("utf-8", "replace").split("\n")
    return " | ".join(line.strip() for line in lines if line.strip()) or "no output"
