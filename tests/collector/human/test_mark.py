"""The recording mark is on the screen as long as its recorder lives, in nobody's way, and not a moment longer."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import IO

import mss
import pytest
from Xlib import X
from Xlib import display as xdisplay

from collector.human.mark import LOOKS
from tests.collector.desktop.fingers import Fingers
from tests.waiting import PATIENCE_S, comes

pytestmark = pytest.mark.needs("xvfb")
COMMAND = [sys.executable, "-m", "collector.human.mark", "--display"]


@pytest.fixture
def mark(xserver: str) -> Iterator[tuple[subprocess.Popen[str], tuple[int, int, int, int]]]:
    process = subprocess.Popen([*COMMAND, xserver], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    yield process, tuple(json.loads(pipe(process.stdout).readline())["box"])
    process.kill()
    process.wait()


def pipe(end: IO[str] | None) -> IO[str]:
    assert end is not None
    return end


def colour(display: str, x: int, y: int) -> int:
    with mss.MSS(display=display) as screens:
        red, green, blue = screens.grab({"left": x, "top": y, "width": 1, "height": 1}).pixel(0, 0)
    return red << 16 | green << 8 | blue


def test_it_says_what_is_happening(xserver: str, mark: tuple[subprocess.Popen[str], tuple[int, int, int, int]]) -> None:
    process, (x, y, _, _) = mark
    assert comes(lambda: colour(xserver, x + 2, y + 2) == LOOKS["open"][0])
    for state in ("paused", "nonsense", "hidden", "open"):
        pipe(process.stdin).write(f"{state}\n")
        pipe(process.stdin).flush()
        expected = LOOKS["paused" if state == "nonsense" else state][0]
        assert comes(lambda expected=expected: colour(xserver, x + 2, y + 2) == expected), state  # type: ignore[misc]


def test_it_stays_above_other_windows_and_lets_clicks_through(
    xserver: str, mark: tuple[subprocess.Popen[str], tuple[int, int, int, int]]
) -> None:
    _, (x, y, width, height) = mark
    display = xdisplay.Display(xserver)
    screen = display.screen()
    cover = screen.root.create_window(
        0, 0, 640, 480, 0, screen.root_depth, background_pixel=0x00FF00, event_mask=X.ButtonPressMask,
        override_redirect=True,
    )  # fmt: skip
    cover.map()
    display.sync()
    assert comes(lambda: colour(xserver, 5, 5) == 0x00FF00)
    assert comes(lambda: colour(xserver, x + 2, y + 2) == LOOKS["open"][0]), "covered by a window opened later"
    fingers = Fingers(xserver)
    fingers.move(x + width // 2, y + height // 2)
    fingers.click()
    assert comes(lambda: display.pending_events() > 0), "the window below has the click"
    assert display.next_event().type == X.ButtonPress
    cover.destroy()
    display.sync()
    display.close()


def test_it_ends_with_its_standard_input(
    xserver: str, mark: tuple[subprocess.Popen[str], tuple[int, int, int, int]]
) -> None:
    process, (x, y, _, _) = mark
    assert comes(lambda: colour(xserver, x + 2, y + 2) == LOOKS["open"][0])
    pipe(process.stdin).close()
    assert process.wait(PATIENCE_S) == 0
    assert comes(lambda: colour(xserver, x + 2, y + 2) == 0)


def test_it_does_not_outlive_a_killed_recorder(xserver: str) -> None:
    holder = (
        "import subprocess, sys, time\n"
        f"mark = subprocess.Popen({[*COMMAND, xserver]!r}, stdin=subprocess.PIPE, stdout=subprocess.PIPE)\n"
        "print(mark.stdout.readline().decode(), mark.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    recorder = subprocess.Popen([sys.executable, "-c", holder], stdout=subprocess.PIPE, text=True)
    x, y, _, _ = json.loads(pipe(recorder.stdout).readline())["box"]
    pid = int(pipe(recorder.stdout).readline())
    assert comes(lambda: colour(xserver, x + 2, y + 2) == LOOKS["open"][0])
    recorder.send_signal(signal.SIGKILL)
    recorder.wait()
    assert comes(lambda: colour(xserver, x + 2, y + 2) == 0)
    assert comes(lambda: not running(pid))


def running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


def test_a_screen_that_cannot_show_it_is_an_error_and_no_silence() -> None:
    done = subprocess.run([*COMMAND, ":7654"], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert done.returncode == 1
    assert "cannot be shown" in json.loads(done.stdout)["error"]


def test_the_mark_for_windows_and_macos_has_the_same_manners(xserver: str) -> None:
    """Tk shows it on X as well, which is where it is tested."""
    pytest.importorskip("tkinter")
    script = "from collector.human.mark_tk import show_mark; raise SystemExit(show_mark())"
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env=os.environ | {"DISPLAY": xserver},
    )  # fmt: skip
    x, y, _, _ = json.loads(pipe(process.stdout).readline())["box"]
    for state in ("open", "paused", "hidden"):
        pipe(process.stdin).write(f"{state}\n")
        pipe(process.stdin).flush()
        expected = LOOKS[state][0]
        assert comes(lambda expected=expected: colour(xserver, x + 3, y + 3) == expected), state  # type: ignore[misc]
    pipe(process.stdin).close()
    assert process.wait(PATIENCE_S) == 0
