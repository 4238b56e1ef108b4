"""An agent is a class and an entry."""

from __future__ import annotations

from pathlib import Path

import pytest

from manifests.session import SessionFolder
from tests.extending.checkout import Checkout


@pytest.mark.needs("bash", "git", "ffmpeg")
def test_the_agent_of_the_page_acts(tmp_path: Path) -> None:
    project = Checkout(tmp_path / "project", "An agent")
    assert (len(project.files), len(project.entries)) == (1, 1)
    project.goaltrace(
        "record", "terminal-git-branch", "--agent", "greeter", "--env", "local", "--out", tmp_path / "try"
    )
    session = SessionFolder(tmp_path / "try" / "terminal-git-branch-greeter-0000")
    manifest = session.read_manifest()
    assert (manifest.actor, manifest.arm, manifest.control) == ("greeter", "greeting", False)
    assert (manifest.outcome, manifest.invalid_reasons) == ("failure", [])
    assert [action.char for action in session.actions()] == [*"echo hello", "\r"]
