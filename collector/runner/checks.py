"""Checks whether the episode reached its goal, by the machine's real state and never by what the script believes."""

from __future__ import annotations

import subprocess
from pathlib import Path

from manifests.session import Outcome
from manifests.task import CommandCheck, FileCheck, TaskManifest

_LIMIT_S = 20
_MAX_BYTES = 2**20


def check_task(task: TaskManifest, home: Path, environment: dict[str, str]) -> tuple[Outcome, str]:
    """Run every check of `task`; ("success" | "failure", what was seen), or "unverified" for a task without checks."""
    if not task.check:
        return "unverified", "the task has no check"
    for number, check in enumerate(task.check, start=1):
        problem = _file(check, home) if isinstance(check, FileCheck) else _command(check, home, environment)
        if problem:
            return "failure", f"check {number}: {problem}"
    return "success", f"{len(task.check)} of {len(task.check)} checks hold"


def _file(check: FileCheck, home: Path) -> str | None:
    path = Path(check.path.replace("~", str(home), 1)) if check.path.startswith("~") else home / check.path
    if not path.is_file():
        return f"{check.path} does not exist" if check.exists and not path.exists() else None
    if not check.exists:
        return f"{check.path} exists"
    text = path.read_bytes()[:_MAX_BYTES].decode(errors="replace")
    if check.equals is not None and text.strip() != check.equals.strip():
        return f"{check.path} holds {text[:120]!r}, not {check.equals[:120]!r}"
    if check.contains is not None and check.contains not in text:
        return f"{check.path} holds {text[:120]!r}, which lacks {check.contains[:120]!r}"
    return None


def _command(check: CommandCheck, home: Path, environment: dict[str, str]) -> str | None:
    try:
        done = subprocess.run(
            ["bash", "-c", check.run], cwd=home, env=environment, capture_output=True,
            timeout=_LIMIT_S, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return f"`{check.run[:80]}` ran for more than {_LIMIT_S} s"
    out = done.stdout[:_MAX_BYTES].decode(errors="replace").strip()
    if done.returncode != check.exit:
        return f"`{check.run[:80]}` exited {done.returncode}, not {check.exit}"
    if check.stdout is not None and out != check.stdout.strip():
        return f"`{check.run[:80]}` printed {out[:120]!r}, not {check.stdout.strip()[:120]!r}"
    return None
