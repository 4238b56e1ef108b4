"""Reaching the Docker engine, with one line that says how to start it when it does not answer."""

from __future__ import annotations

import getpass
import os
import shutil
from typing import TYPE_CHECKING

from manifests.errors import GoaltraceError

if TYPE_CHECKING:
    from docker import DockerClient


def connect(timeout_s: int = 60) -> DockerClient:
    """A client whose engine has answered. Honours DOCKER_HOST as the docker command does.

    Raises `GoaltraceError` when Docker is not installed, not running or not allowed to this user.
    """
    import docker
    from docker.errors import DockerException

    try:
        client = docker.from_env(timeout=timeout_s)
        client.ping()
    except (DockerException, OSError) as error:
        raise GoaltraceError(_why(error)) from None
    return client


def _why(error: Exception) -> str:
    host = os.environ.get("DOCKER_HOST")
    text = str(error)
    if "Permission denied" in text or "PermissionError" in text:
        user = getpass.getuser()
        return f"Docker: user {user} may not use it; run `sudo usermod -aG docker {user}` and log in again"
    if host:
        return f"Docker: nothing answers at DOCKER_HOST={host}; start the engine there or unset DOCKER_HOST"
    if shutil.which("dockerd") is None and shutil.which("docker") is None:
        return (
            "Docker: not installed; on Debian or Ubuntu run `sudo apt-get install docker.io`, "
            "elsewhere see https://docs.docker.com/engine/install/"
        )
    return (
        "Docker: the engine is not running; start it with `sudo systemctl start docker` "
        "(or `sudo dockerd &` where there is no systemd, or open Docker Desktop)"
    )
