"""A check that already holds before anybody acts checks nothing: each task's material is made, and its check fails."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from collector.checks import check_task
from collector.setup import set_up
from collector.terminal.home import fresh_home
from manifests.task import builtin_tasks, load_task
from tests.conftest import require

TASKS = {name: path for name, path in builtin_tasks().items() if load_task(path).kind == "terminal"}
ONLY_TYPED = {"nano", "tree"}  # neither setup nor check calls these


@pytest.mark.parametrize("name", TASKS)
def test_the_goal_is_not_reached_before_anybody_acts(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = load_task(TASKS[name]).instantiate(5).manifest
    require(*(set(task.requires) - ONLY_TYPED))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with fresh_home() as home:
        set_up(task, home.path, home.environment)
        outcome, detail = check_task(task, home.path, home.environment)
        assert outcome == "failure", detail
    assert list(tmp_path.iterdir()) == []


def processes_in(folder: Path) -> list[str]:
    """Names of the processes whose working folder is, or was, below `folder`."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cwd").readlink().is_relative_to(folder):
                found.append((process / "comm").read_text().strip())
        except OSError:
            continue
    return found


@pytest.mark.parametrize("name", ["terminal-curl-download", "terminal-stop-runaway"])
def test_what_a_setup_leaves_running_ends_with_its_home(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = load_task(TASKS[name]).instantiate(6).manifest
    require(*task.requires)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with fresh_home() as home:
        set_up(task, home.path, home.environment)
        assert processes_in(tmp_path)
    end = time.monotonic() + 10
    while running := processes_in(tmp_path):
        assert time.monotonic() < end, running
        time.sleep(0.1)
