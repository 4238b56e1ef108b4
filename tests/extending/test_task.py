"""A task is a file: it is found by its name, and recorded."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.extending.checkout import Checkout


@pytest.mark.needs("bash", "ffmpeg")
def test_the_task_of_the_page_is_recorded(tmp_path: Path) -> None:
    project = Checkout(tmp_path / "project", "A task")
    assert project.files == ["manifests/tasks/terminal/terminal-greet.yaml"] and not project.entries
    assert "terminal-greet" in project.goaltrace("tasks")
    said = project.goaltrace("record", "terminal-greet", "--env", "local", "--seed", 4, "--out", "try", "--json")
    assert [episode["outcome"] for episode in json.loads(said)["episodes"]] == ["success"]
