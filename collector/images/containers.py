"""The walls around every container of ours, and throwaway ones for a check: gone afterwards whatever happens."""

from __future__ import annotations

import contextlib
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from manifests.errors import GoaltraceError

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.containers import Container

READY_FILE = "/tmp/goaltrace-ready"
PYTHON = "/opt/goaltrace/venv/bin/python"
UNPRIVILEGED: dict[str, Any] = {
    "hostname": "goaltrace",
    "user": "agent",
    "init": True,
    "network_mode": "none",
    "cap_drop": ["ALL"],
    "security_opt": ["no-new-privileges"],
    "shm_size": "512m",
}
"""How a container runs: an ordinary user without capabilities, and no network but its own loopback."""


@contextmanager
def throwaway(client: DockerClient, kind: str, environment: dict[str, str] | None = None) -> Iterator[Container]:
    """A running container of `goaltrace/KIND:latest` that is removed on leaving, Ctrl-C included.

    It is found again by a label of this run alone, so nobody else's container can be removed.
    """
    from docker.errors import APIError, ImageNotFound

    run_id = uuid.uuid4().hex[:12]
    try:
        yield client.containers.run(
            f"goaltrace/{kind}:latest",
            name=f"goaltrace-check-{kind}-{run_id}",
            labels={"goaltrace.run": run_id},
            environment=environment,
            detach=True,
            **UNPRIVILEGED,
        )
    except ImageNotFound:
        raise GoaltraceError(f"goaltrace/{kind}: not built; run `goaltrace images build {kind}`") from None
    except APIError as error:
        raise GoaltraceError(f"goaltrace/{kind}: Docker refused: {error.explanation or error}") from None
    finally:
        for container in client.containers.list(all=True, filters={"label": f"goaltrace.run={run_id}"}):
            with contextlib.suppress(APIError):
                container.remove(force=True, v=True)


def wait_ready(container: Container, timeout_s: float = 90) -> float:
    """Seconds until the desktop's readiness file appeared; the container's own words if it never does."""
    started = time.monotonic()
    while time.monotonic() - started < timeout_s:
        container.reload()
        if container.status in ("exited", "dead"):
            raise GoaltraceError(f"the desktop did not start: {_last_words(container)}")
        if container.status == "running" and container.exec_run(["test", "-e", READY_FILE]).exit_code == 0:
            return time.monotonic() - started
        time.sleep(0.2)
    raise GoaltraceError(f"the desktop was not ready after {timeout_s:.0f} s: {_last_words(container)}")


def _last_words(container: Container) -> str:
    lines = container.logs(tail=3).decode("utf-8", "replace").split("\n")
    return " | ".join(line.strip() for line in lines if line.strip()) or "it said nothing"
