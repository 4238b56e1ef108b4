"""A session that was really recorded goes out as an asciicast and comes back the same."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from collector.importers.cast.convert import import_cast
from goaltrace import main
from manifests.session import SessionFolder
from tests.collector.importers.cast.test_export import DRY, everything, there_and_back, validate


@pytest.mark.needs("ffmpeg", "git")
def test_a_recorded_session_comes_back_as_it_was(tmp_path: Path) -> None:
    command = ["record", "terminal-git-branch", "--env", "local", "--out", str(tmp_path / "recorded")]
    subprocess.run([sys.executable, "-m", "goaltrace", *command], check=True, capture_output=True, timeout=120)
    [manifest] = (tmp_path / "recorded").glob("*/session.json")
    recorded = SessionFolder(manifest.parent)
    out = tmp_path / "recorded.cast"
    assert main(["export", "cast", str(recorded.path), "--out", str(out)]) == 0
    validate(out)
    assert everything(out) == everything(recorded.cast)
    there_and_back(out, tmp_path / "back")
    entry = import_cast(out, tmp_path / "named", DRY)
    session = SessionFolder(entry.session)
    assert session.read_manifest().goal == recorded.read_manifest().goal
    assert [(a.key, a.char) for a in session.actions()] == [(a.key, a.char) for a in recorded.actions()]
