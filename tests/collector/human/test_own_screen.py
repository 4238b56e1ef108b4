"""A person records their own screen from a terminal: asked first, in control throughout, and never half refused."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from collector.human.mark import LOOKS
from collector.human.screens import belongs_to_wayland
from manifests.session import SessionFolder
from tests.collector.fingers import Fingers

GOAL = "Write a letter to the landlord"
OWN_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)  # so that Ctrl-C in it reaches the program
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


class Terminal:
    """`goaltrace record ...` in a real terminal."""

    def __init__(self, *arguments: str, **environment: str) -> None:
        self._end, end = pty.openpty()
        command = [sys.executable, "-c", OWN_TERMINAL, "goaltrace.py", "record", "--agent", "human", *arguments]
        self.process = subprocess.Popen(
            command, stdin=end, stdout=end, stderr=end, env=os.environ | environment, start_new_session=True,
            cwd=Path(__file__).parents[3],
        )  # fmt: skip
        os.close(end)
        self.shown = ""

    def type(self, text: str) -> None:
        os.write(self._end, text.encode())

    def wait_for(self, text: str, seconds: float = 20) -> None:
        until = time.monotonic() + seconds
        while text not in self.shown:
            assert self._read(until), f"{text!r} was not shown: {self.shown[-2000:]}"

    def wait(self, seconds: float = 30) -> int:
        until = time.monotonic() + seconds
        while self._read(until):
            pass
        return self.process.wait(5)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self._end)

    def _read(self, until: float) -> bool:
        """False at the end of the program or of the time."""
        ready, _, _ = select.select([self._end], [], [], max(0.0, until - time.monotonic()))
        try:
            data = os.read(self._end, 65536) if ready else b""
        except OSError:  # Linux says so when the other end of a terminal has closed
            data = b""
        self.shown += data.decode(errors="replace")
        return bool(data)


@pytest.fixture
def terminals() -> Iterator[list[Terminal]]:
    opened: list[Terminal] = []
    yield opened
    for terminal in opened:
        terminal.close()


@pytest.fixture
def recording(xserver: str, tmp_path: Path, terminals: list[Terminal]) -> Terminal:
    """A recording that was agreed to and has begun."""
    terminal = Terminal("--display", xserver, "--goal", GOAL, "--out", str(tmp_path / "out"), "--min-free", "0")
    terminals.append(terminal)
    terminal.wait_for("anything else ends here")
    assert "What is recorded" in terminal.shown
    terminal.type("yes\n")
    terminal.wait_for("throw away")
    return terminal


def session_in(out: Path) -> SessionFolder:
    (path,) = out.iterdir()
    return SessionFolder(path)


@pytest.mark.needs("xvfb", "ffmpeg")
def test_a_whole_session_with_the_hotkey(xserver: str, tmp_path: Path, recording: Terminal) -> None:
    """What is typed before and after the pause is in the log, nothing typed during it, and no key of the hotkey."""
    fingers = Fingers(xserver)
    time.sleep(0.5)
    fingers.move(100, 120)
    for char in "ab":
        fingers.tap(char)
    time.sleep(0.5)
    fingers.chord("Control_L", "Alt_L", "p")
    recording.wait_for("[paused")
    for char in "secret":
        fingers.tap(char)
    fingers.click()
    time.sleep(0.5)
    fingers.chord("Control_R", "Alt_L", "p")
    time.sleep(1.5)
    fingers.tap("c")
    recording.type("hide\n")
    recording.wait_for("[hidden")
    time.sleep(0.4)
    fingers.tap("x")
    time.sleep(0.4)
    recording.type("show\n")
    time.sleep(1.0)
    fingers.tap("d")
    time.sleep(0.5)
    recording.type("done\n")
    assert recording.wait() == 0
    folder = session_in(tmp_path / "out")
    manifest = folder.read_manifest()
    assert manifest.goal == GOAL
    assert manifest.outcome == "unverified"
    assert manifest.state == "complete"
    assert manifest.environment == "display"
    assert manifest.clock.source == "xserver"
    assert (manifest.width, manifest.height) == (640, 480)
    assert [(e.kind, e.reason) for e in folder.events()] == [
        ("pause", "hotkey"), ("resume", "hotkey"), ("hide", "terminal"), ("show", "terminal"),
    ]  # fmt: skip
    keys = [a for a in folder.actions() if a.kind.startswith("key")]
    assert "".join(a.key or "?" for a in keys if a.kind == "key_down") == "abc?d"
    pause, resume = folder.events()[:2]
    assert not [f for f in folder.frames() if f.t1_ns > pause.t_ns and f.t0_ns < resume.t_ns]
    assert any(frame.redacted for frame in folder.frames())
    consent = json.loads(folder.consent_path.read_text())
    assert consent["given_in"] == "terminal"
    assert manifest.actor == f"human:{consent['consent_id']}"
    assert any("mark" in note for note in manifest.notes)


@pytest.mark.needs("xvfb", "ffmpeg")
def test_callbacks_record_too_and_say_that_their_clock_is_less_exact(
    xserver: str, tmp_path: Path, terminals: list[Terminal]
) -> None:
    out = tmp_path / "out"
    terminal = Terminal("--display", xserver, "--goal", GOAL, "--out", str(out), "--inputs", "callback", "--json")
    terminals.append(terminal)
    terminal.wait_for("anything else ends here")
    terminal.type("yes\n")
    terminal.wait_for("throw away")
    fingers = Fingers(xserver)
    time.sleep(0.5)
    for char in "ab":
        fingers.tap(char)
    time.sleep(0.5)
    terminal.type("\x03")
    time.sleep(0.5)
    fingers.move(3, 3)
    assert terminal.wait() == 0
    folder = session_in(out)
    clock = folder.read_manifest().clock
    assert clock.source == "callback"
    assert "callback" in clock.reasons[0]
    assert [a.key for a in folder.actions() if a.kind == "key_down"] == ["a", "b"]
    assert f'"outcome": "{folder.read_manifest().outcome}"' in terminal.shown


@pytest.mark.needs("xvfb", "ffmpeg")
def test_ctrl_c_in_the_terminal_finishes_well(tmp_path: Path, recording: Terminal) -> None:
    time.sleep(1)
    recording.type("\x03")
    assert recording.wait() == 0
    assert session_in(tmp_path / "out").read_manifest().outcome == "unverified"


@pytest.mark.needs("xvfb", "ffmpeg")
def test_discard_leaves_nothing(tmp_path: Path, recording: Terminal) -> None:
    time.sleep(1)
    recording.type("nonsense\n")
    recording.wait_for("type one of")
    recording.type("discard\n")
    assert recording.wait() == 0
    assert "nothing of it is left" in recording.shown
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.needs("xvfb", "ffmpeg")
def test_a_killed_command_takes_its_recorder_and_its_mark_with_it(
    xserver: str, tmp_path: Path, recording: Terminal
) -> None:
    recording.process.kill()
    recording.process.wait()
    folder = session_in(tmp_path / "out")
    until = time.monotonic() + 15
    while folder.read_manifest().state != "complete" and time.monotonic() < until:
        time.sleep(0.2)
    assert folder.read_manifest().outcome == "aborted"
    command = f"collector.human.mark --display {xserver}"
    assert subprocess.run(["pgrep", "-f", command], check=False).returncode == 1, "the mark is still there"


@pytest.mark.needs("xvfb")
@pytest.mark.parametrize("answer", ["no\n", "\n", "y\n", "\x04", "\x03"])
def test_without_consent_nothing_is_written(
    xserver: str, tmp_path: Path, terminals: list[Terminal], answer: str
) -> None:
    terminal = Terminal("--display", xserver, "--goal", GOAL, "--out", str(tmp_path / "out"))
    terminals.append(terminal)
    terminal.wait_for("anything else ends here")
    terminal.type(answer)
    assert terminal.wait() == 2
    assert "nothing was recorded" in terminal.shown
    assert not (tmp_path / "out").exists()


def refused(*arguments: str, **environment: str) -> str:
    """The one line with which the command refuses, run without a terminal."""
    command = [sys.executable, "goaltrace.py", "record", *arguments]
    without = {k: v for k, v in os.environ.items() if k not in ("WAYLAND_DISPLAY", "XDG_SESSION_TYPE")}
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, env=without | environment, check=False,
        cwd=Path(__file__).parents[3],
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert done.stderr.count("\n") == 1
    return done.stderr


@pytest.mark.needs("xvfb")
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--goal", GOAL], "run this in a terminal"),
        (["--goal", GOAL, "--agent", "scripted"], "--agent human"),
        ([], "what are you going to do"),
        (["--goal", GOAL, "desktop-editor-note"], "what are you going to do"),
        (["--goal", "x"], "--goal: say in 5 to 1000"),
        (["terminal-vim-shopping-list"], "is a terminal's"),
        (["--goal", GOAL, "--episodes", "2"], "leave them out"),
        (["--goal", GOAL, "--hotkey", "p"], "--hotkey p"),
        (["--goal", GOAL, "--consent-id", "Ann Smith"], "--consent-id Ann Smith"),
    ],
)
def test_what_cannot_be_meant_is_one_line(xserver: str, tmp_path: Path, arguments: list[str], says: str) -> None:
    line = refused("--agent", "human", "--display", xserver, "--out", str(tmp_path / "out"), *arguments)
    assert says in line
    assert not (tmp_path / "out").exists()


def test_a_display_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    line = refused("--agent", "human", "--display", ":7654", "--goal", GOAL, "--out", str(tmp_path))
    assert "--display :7654: cannot be opened" in line


@pytest.mark.parametrize("display", ["", ":7654"])
def test_a_wayland_session_is_refused_with_the_reason_and_the_mend(tmp_path: Path, display: str) -> None:
    line = refused(
        "--agent", "human", "--env", "display", "--goal", GOAL, "--out", str(tmp_path),
        DISPLAY=display, WAYLAND_DISPLAY="wayland-0",
    )  # fmt: skip
    assert re.search("Wayland.*shows no program the pixels or keys.*X11 session.*container", line)


@pytest.mark.needs("xvfb")
def test_an_x_server_beside_a_wayland_session_is_not_taken_for_it(xserver: str, tmp_path: Path) -> None:
    wayland = {"WAYLAND_DISPLAY": "wayland-0", "XDG_SESSION_TYPE": "wayland"}
    line = refused("--agent", "human", "--display", xserver, "--goal", GOAL, "--out", str(tmp_path), **wayland)
    assert "run this in a terminal" in line, "got as far as asking for consent"


def test_xwayland_is_known_by_its_extension_its_devices_or_its_monitors() -> None:
    assert belongs_to_wayland(["RECORD", "XWAYLAND"], ["eDP-1"])
    assert belongs_to_wayland(["RECORD"], ["Virtual core pointer", "xwayland-pointer:14"])
    assert belongs_to_wayland(["RECORD"], ["Virtual core pointer", "XWAYLAND0"])
    assert not belongs_to_wayland(["RECORD", "XTEST"], ["Virtual core pointer", "Xvfb mouse", "screen"])


@pytest.mark.needs("xvfb")
def test_a_task_shows_its_goal_and_leaves_its_set_up_in_the_container(xserver: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "goaltrace.py", "record", "desktop-editor-note", "--agent", "human", "--display", xserver,
         "--out", str(tmp_path / "out"), "--dry-run"],
        capture_output=True, text=True, check=True, cwd=Path(__file__).parents[3],
    )  # fmt: skip
    assert re.match(r"desktop-editor-note-human-0000-p-[0-9a-f]{8}: \w+", done.stdout)
    assert not (tmp_path / "out").exists()


def test_nothing_of_x_is_needed_where_there_is_none() -> None:
    """Windows and macOS have no python-xlib: what a person's recording consists of there loads without it."""
    names = "desktop.callback_input", "desktop.person", "human.mark_tk", "human.own_screen", "runner"
    parts = [f"collector.{name}" for name in names]
    script = f"import sys, importlib; sys.modules['Xlib'] = None; [importlib.import_module(m) for m in {parts}]"
    subprocess.run([sys.executable, "-c", script], check=True, cwd=Path(__file__).parents[3])


@pytest.mark.needs("xvfb", "ffmpeg")
def test_a_recording_ends_with_its_mark(xserver: str, tmp_path: Path, recording: Terminal) -> None:
    """Whoever kills the mark's process must not leave a recording that nobody sees."""
    time.sleep(1)
    found = subprocess.run(
        ["pgrep", "-f", f"collector.human.mark --display {xserver}"], capture_output=True, text=True, check=True
    )
    os.kill(int(found.stdout), signal.SIGKILL)
    assert recording.wait() == 1
    manifest = session_in(tmp_path / "out").read_manifest()
    assert manifest.outcome == "aborted"
    assert "mark" in manifest.outcome_detail


@pytest.mark.needs("xvfb", "ffmpeg")
def test_the_mark_is_in_every_frame(xserver: str, tmp_path: Path, recording: Terminal) -> None:
    import av

    time.sleep(1)
    recording.type("done\n")
    assert recording.wait() == 0
    folder = session_in(tmp_path / "out")
    with av.open(str(folder.screen)) as video:
        corners = [frame.to_ndarray(format="rgb24")[3, 640 // 2 - 55] for frame in video.decode(video=0)]
    assert len(corners) > 1
    red, green, blue = (LOOKS["open"][0] >> shift & 255 for shift in (16, 8, 0))
    for corner in corners:
        assert abs(corner.astype(int) - (red, green, blue)).max() < 24
