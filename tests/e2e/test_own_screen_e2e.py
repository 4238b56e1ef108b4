"""A person records their own screen from a terminal, in control throughout."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from collector.human.mark import LOOKS
from manifests.session import SessionFolder
from tests.collector.desktop.fingers import Fingers
from tests.collector.own_terminal import Terminal

pytestmark = [pytest.mark.e2e, pytest.mark.needs("xvfb", "ffmpeg")]
GOAL = "Write a letter to the landlord"


@pytest.fixture
def recording(xserver: str, tmp_path: Path) -> Iterator[Terminal]:
    """A recording that was agreed to and has begun."""
    words = ["--display", xserver, "--goal", GOAL, "--out", str(tmp_path / "out"), "--min-free", "0"]
    with closing(Terminal(*words)) as terminal:
        terminal.wait_for("anything else ends here")
        assert "What is recorded" in terminal.shown
        terminal.type("yes\n")
        terminal.wait_for("throw away")
        yield terminal


def session_in(out: Path) -> SessionFolder:
    (path,) = out.iterdir()
    return SessionFolder(path)


def require_private(folder: Path) -> None:
    """Nobody but its owner can open anything of it."""
    modes = {path.name: path.stat().st_mode & 0o777 for path in (folder, *folder.iterdir())}
    assert modes.pop(folder.name) == 0o700
    assert len(modes) > 4 and set(modes.values()) == {0o600}, modes


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
    require_private(session_in(tmp_path / "out").path)
    for char in "secret":
        fingers.tap(char)
    fingers.click()
    time.sleep(0.5)
    fingers.chord("Control_R", "Alt_L", "p")
    recording.wait_for("[recording", times=2)
    time.sleep(1.5)
    fingers.tap("c")
    recording.type("hide\n")
    recording.wait_for("[hidden")
    time.sleep(0.4)
    fingers.tap("x")
    time.sleep(0.4)
    recording.type("show\n")
    recording.wait_for("[recording", times=3)
    time.sleep(0.5)
    fingers.tap("d")
    time.sleep(0.5)
    recording.type("done\n")
    assert recording.wait() == 0
    folder = session_in(tmp_path / "out")
    require_private(folder.path)
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


def test_callbacks_record_too_and_say_that_their_clock_is_less_exact(xserver: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    words = ["--display", xserver, "--goal", GOAL, "--out", str(out), "--inputs", "callback", "--json"]
    with closing(Terminal(*words)) as terminal:
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


def test_ctrl_c_in_the_terminal_finishes_well(tmp_path: Path, recording: Terminal) -> None:
    time.sleep(1)
    recording.type("\x03")
    assert recording.wait() == 0
    assert session_in(tmp_path / "out").read_manifest().outcome == "unverified"


def test_discard_leaves_nothing(tmp_path: Path, recording: Terminal) -> None:
    time.sleep(1)
    recording.type("nonsense\n")
    recording.wait_for("type one of")
    recording.type("discard\n")
    assert recording.wait() == 0
    assert "nothing of it is left" in recording.shown
    assert list((tmp_path / "out").iterdir()) == []


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
