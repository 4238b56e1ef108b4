"""A shell that has not yet had a core to answer its keys is busy, however long nothing was printed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from collector.episodes.spec import EpisodeSpec
from collector.recording.session import Recording
from collector.shell.home import fresh_home
from collector.shell.pty import Shell
from manifests.task import find_task
from tests.waiting import comes

pytestmark = pytest.mark.needs("bash")


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    task = find_task("terminal-find-largest-file").instantiate(0)
    spec = EpisodeSpec.of(task, session_id="r", agent="scripted", fps=15, environment="local", min_free_bytes=0)
    with fresh_home() as home:
        recording = Recording(tmp_path, spec, clock="pty", width=640, height=384, cursor_in_pixels=True, versions={})
        with recording:
            shell = Shell(home, recording)
            assert shell.marks.wait_prompt(0, 10)
            yield shell
            shell.close()
            recording.end("success", "")


def test_a_shell_at_its_prompt_is_not_busy(shell: Shell) -> None:
    assert comes(lambda: not shell.busy())


@pytest.mark.parametrize("command", ["while :; do :; done", "(while :; do :; done)"], ids=["itself", "a child"])
def test_who_works_in_silence_is_busy_and_who_waits_is_not(shell: Shell, command: str) -> None:
    for key in (*command, "Return"):
        shell.press(key)
    assert comes(lambda: shell.quiet_ns() > 300_000_000)
    assert shell.busy(), "quiet for three times as long as a tape waits, and still at work"
    shell.press("ctrl+c")
    assert comes(lambda: not shell.busy())
