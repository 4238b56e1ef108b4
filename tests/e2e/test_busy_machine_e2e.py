"""A machine that is too busy: the person at the page or in the terminal hears of it while they record."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Page

from collector.recording.timing import BAD
from manifests.session import SessionFolder
from tests.collector.own_terminal import Terminal
from tests.e2e import test_human_e2e
from tests.e2e.test_human_e2e import Recorder, agree, inside, start, wait_mark

pytestmark = [pytest.mark.e2e, pytest.mark.needs("ffmpeg")]
record, page = test_human_e2e.record, test_human_e2e.page  # its fixtures
GOAL = "Write a letter to the landlord"


def starve(stop: Callable[[], object], go_on: Callable[[], object], until: Callable[[], bool]) -> None:
    """Let the recorder run a tenth of the time until it has been noticed."""
    limit = time.monotonic() + 40
    while not until():
        assert time.monotonic() < limit, "no warning"
        stop()
        time.sleep(0.8)
        go_on()
        time.sleep(0.1)
    time.sleep(1)


@pytest.mark.needs("docker", "desktop", "chromium")
@pytest.mark.timeout(300)
def test_the_page_warns_and_the_result_says_why(record: Callable[..., Recorder], page: Page, tmp_path: Path) -> None:
    recorder = record("desktop-editor-note")
    agree(page, recorder.address)
    container = recorder.container()
    start(page)
    time.sleep(1)
    starve(
        lambda: inside(container, "pkill -STOP -f [c]ollector.runner"),
        lambda: inside(container, "pkill -CONT -f [c]ollector.runner"),
        lambda: "the machine is too busy" in page.locator("#warning").inner_text(),
    )
    assert page.locator("#warning").is_visible()
    page.click("#done")
    wait_mark(page, "finished")
    assert BAD in page.locator("#result-detail").inner_text()
    out, _ = recorder.end(0)
    assert BAD in out
    (session,) = (path for path in (tmp_path / "sessions").iterdir() if path.is_dir())
    assert SessionFolder(session).read_manifest().invalid_reasons[0].startswith(BAD)


@pytest.mark.needs("xvfb")
def test_the_terminal_warns_and_the_last_line_says_why(xserver: str, tmp_path: Path) -> None:
    words = ["--display", xserver, "--goal", GOAL, "--out", str(tmp_path / "out"), "--min-free", "0"]
    with closing(Terminal(*words)) as terminal:
        terminal.wait_for("anything else ends here")
        terminal.type("yes\n")
        terminal.wait_for("throw away")
        recorder = recorder_of(terminal)
        time.sleep(1)
        starve(
            lambda: os.kill(recorder, signal.SIGSTOP),
            lambda: os.kill(recorder, signal.SIGCONT),
            lambda: "warning: the machine is too busy" in terminal.wait_and_read(0.05),
        )
        terminal.type("done\n")
        assert terminal.wait() == 0
    assert BAD in terminal.shown
    (session,) = (tmp_path / "out").iterdir()
    assert SessionFolder(session).read_manifest().invalid_reasons[0].startswith(BAD)


def recorder_of(terminal: Terminal) -> int:
    """The process that records, a child of the command in the terminal."""
    listed = subprocess.run(["ps", "-e", "-o", "pid=,ppid=,args="], capture_output=True, text=True, check=True).stdout
    rows = [line.split(None, 2) for line in listed.splitlines()]
    (ours,) = (int(row[0]) for row in rows if int(row[1]) == terminal.process.pid and "collector.runner" in row[2])
    return ours
