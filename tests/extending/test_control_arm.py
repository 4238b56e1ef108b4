"""A control is an agent whose entry says so: the word goes with its sessions and clips."""

from __future__ import annotations

from pathlib import Path

import pytest

from manifests.clip_io import ClipReader
from tests.extending.checkout import Checkout


@pytest.mark.needs("bash", "git", "ffmpeg")
def test_the_control_of_the_page_is_one_in_the_clips(tmp_path: Path) -> None:
    project = Checkout(tmp_path / "project", "A control arm")
    assert (len(project.files), len(project.entries)) == (1, 1)
    project.goaltrace("record", "terminal-git-branch", "--agent", "pacing", "--env", "local", "--out", "try")
    project.goaltrace("pack", "try", "--out", tmp_path / "set")
    rows = ClipReader(tmp_path / "set").index().to_pylist()
    assert {(row["actor"], row["arm"], row["control"]) for row in rows} == {("pacing", "pacing", True)}
