"""`make demo` where something goes wrong: its last words say what, and nothing goes on as if it had not."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.e2e
TASK = "manifests/tasks/terminal/terminal-archive-folder.yaml"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A working tree of its own whose `goaltrace` is the one in it, on this Python."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    tree = tmp_path / "tree"
    for name in filter(None, listed.decode().split("\0")):
        if (ROOT / name).is_file():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, tree / name)
    binary = tree / ".venv/bin/goaltrace"
    binary.parent.mkdir(parents=True)
    binary.write_text(f'#!/bin/sh\nPYTHONPATH={tree} exec {sys.executable} -m goaltrace "$@"\n')
    binary.chmod(0o755)
    return tree


@pytest.mark.needs("git", "sqlite3")
@pytest.mark.timeout(400)
def test_a_demo_whose_episode_aborts_says_so_at_its_end_and_trains_nothing(copy: Path) -> None:
    task = copy / TASK
    task.write_text(task.read_text().replace("requires: [tar, gzip]", "requires: [no-such-program]"))
    no_docker = {**os.environ, "DOCKER_HOST": f"unix://{copy}/no-such-socket", "NO_SETUP": "1"}
    done = subprocess.run([copy / ".ci/demo.sh"], env=no_docker, capture_output=True, text=True, check=False)
    last = done.stdout.strip().splitlines()[-4:]
    assert done.returncode == 1, done.stderr
    assert "1 of 7 episodes aborted, so nothing was packed and nothing trained" in last[0]
    assert "terminal-archive-folder-scripted-0000: " in last[1]
    assert "needs no-such-program, not found on this machine" in last[1]
    assert sorted(path.name for path in (copy / "demo").iterdir()) == ["episodes.log", "sessions"]
    assert len([path for path in (copy / "demo/sessions").iterdir() if path.name != "aborted"]) == 6
