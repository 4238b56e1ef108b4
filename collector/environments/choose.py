"""Makes the environment that a name ("docker", "local") stands for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, get_args

from collector.environments.base import Environment
from collector.ranges import require_one_of

Unattended = Literal["docker", "local"]
"""Where episodes run that need nobody: a container each, or this machine (terminals only)."""


def environment_of(name: Unattended, system: str | None, note: Callable[[str], object]) -> Environment:
    """Where episodes run; `system` chooses among the images. `GoaltraceError` for any other name.

    `note` is called, in any thread, with what a user should know of the containers.
    """
    require_one_of("--env", name, get_args(Unattended))
    if name == "local":
        from collector.environments.local import LocalEnvironment

        return LocalEnvironment()
    from collector.environments.docker import DockerEnvironment

    return DockerEnvironment(system, note)
