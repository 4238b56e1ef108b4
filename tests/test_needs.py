"""A test whose tool is missing is skipped with the reason on a laptop, and fails in CI; it never breaks off."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def run(tmp_path: Path, ci: str) -> str:
    """What pytest says of the tests that use tmux where there is none."""
    for tool in ("sh", "env"):
        (tmp_path / tool).symlink_to(shutil.which(tool) or tool)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-x",
        "-p",
        "no:cacheprovider",
        "tests/collector/terminal/test_tmux.py",
    ]
    environment = {**os.environ, "PATH": str(tmp_path), "CI": ci}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False).stdout


def test_on_a_laptop_it_is_skipped_with_the_reason(tmp_path: Path) -> None:
    said = run(tmp_path, "")
    assert "tmux is not installed" in said
    assert " skipped" in said and "error" not in said and "failed" not in said


def test_in_ci_it_fails(tmp_path: Path) -> None:
    said = run(tmp_path, "true")
    assert "CI must not skip" in said and "tmux is not installed" in said
    assert "1 failed" in said and "error" not in said.lower()
