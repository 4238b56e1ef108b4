"""Where episodes run: Ctrl-C ends those that run, and none begins after it."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from unittest.mock import MagicMock

import pytest

from collector.campaign import STOPPED
from collector.environments import docker
from collector.environments.docker import DockerEnvironment
from collector.environments.local import LocalEnvironment
from collector.episodes.spec import EpisodeSpec
from manifests.errors import GoaltraceError
from manifests.task import find_task

SPEC = EpisodeSpec.of(
    find_task("terminal-find-largest-file").instantiate(0), session_id="s", agent="scripted", fps=15,
    environment="local",
)  # fmt: skip


def test_a_recorder_on_this_machine_does_not_begin_after_ctrl_c(tmp_path: Path) -> None:
    environment = LocalEnvironment()
    environment.stop_all()
    with pytest.raises(GoaltraceError, match=STOPPED):
        environment.run(SPEC, tmp_path / "s", lambda event: None)
    assert list(tmp_path.iterdir()) == []


def test_a_recorder_whose_container_was_still_starting_at_ctrl_c_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(docker, "connect", MagicMock)
    recorder = MagicMock()
    monkeypatch.setattr(docker, "start_recorder", lambda container, takes_input: recorder)
    environment = DockerEnvironment()
    monkeypatch.setattr(environment, "container", lambda *given: nullcontext(MagicMock()))
    environment.stop_all()
    with pytest.raises(GoaltraceError, match=STOPPED):
        environment.run(SPEC, tmp_path / "s", lambda event: None)
    recorder.close.assert_called_once()
