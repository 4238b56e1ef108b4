"""What a task needs before recording begins: its set-up commands, run unrecorded where the episode will run."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

from manifests.errors import GoaltraceError
from manifests.task import TaskManifest

_LIMIT_S = 60


def set_up(task: TaskManifest, home: Path, environment: Mapping[str, str]) -> None:
    """Run the task's set-up in `home`; raises `GoaltraceError` with the line that failed and what it said."""
    for command in task.setup:
        try:
            done = subprocess.run(
                ["bash", "-c", command], cwd=home, env=dict(environment), stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=_LIMIT_S, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            problem = f"ran for more than {_LIMIT_S} s"
        else:
            if done.returncode == 0:
                continue
            problem = f"exited {done.returncode}: {' '.join(done.stdout.decode(errors='replace').split())[-200:]}"
        raise GoaltraceError(f"task {task.id}: setup `{command[:80]}` {problem}; correct the task's setup")
