"""Every terminal task reaches its goal in the image that episodes are recorded in."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from collector.containers.confined import image_of

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.needs("terminal")
@pytest.mark.timeout(900)
def test_every_task_reaches_its_goal_in_the_container() -> None:
    """Typed without pauses, in a container as walled in as a recording's: no network but its own loopback."""
    command = [
        "docker", "run", "--rm", "--init", "--network", "none", "--cap-drop", "ALL",
        "--security-opt", "no-new-privileges", "--volume", f"{ROOT}:/src:ro", "--env", "PYTHONDONTWRITEBYTECODE=1",
        "--env", "PYTHONPATH=/src", image_of("terminal"),
        "/opt/goaltrace/venv/bin/python", "/src/tests/e2e/terminal/hurried.py", "7",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    failures = [line for line in done.stdout.splitlines() if line.startswith("FAILED")]
    assert done.returncode == 0 and not failures, "\n".join(failures) or done.stderr
