"""Recording a person on a real X server: pausing and hiding stop pixels and keys together; nothing leaks."""

from __future__ import annotations

import io
import json
import random
import time
from pathlib import Path

import numpy as np
import pytest

from collector.desktop.capture import Capture
from collector.desktop.input_log import InputLog
from collector.episodes.spec import EpisodeSpec
from collector.recording.controls import Controls
from collector.recording.session import Recording
from manifests.session import SessionFolder
from manifests.task import find_task
from tests.waiting import PATIENCE_S, comes

pytestmark = pytest.mark.needs("xvfb", "ffmpeg")


class Session:
    """A recording of a person under way, and the hands of that person."""

    def __init__(self, path: Path, display: str, hotkey: str | None = None) -> None:
        from collector.agents.desktop.hands import Hands

        instance = find_task("desktop-editor-note").instantiate(1)
        spec = EpisodeSpec.of(instance, session_id="s", agent="human", fps=15, environment="display")
        spec = spec.model_copy(update={"consent_id": "p-test", "hotkey": hotkey})
        self.recording = Recording(path, spec, clock="xserver", width=1, height=1, cursor_in_pixels=True, versions={})
        self.hands = Hands(random.Random(1))
        self.capture, self.inputs = Capture(self.recording, display, 15), InputLog(self.recording, display)
        self.capture.start()
        self.inputs.start()
        assert self.capture.started.wait(PATIENCE_S)
        time.sleep(0.2)

    def type(self, text: str) -> None:
        for char in text:
            self.hands.tap(char, 0.01)
            time.sleep(0.02)

    def send(self, do: str) -> None:
        controls = Controls(self.recording, io.StringIO(json.dumps({"do": do, "reason": "test"}) + "\n"))
        controls._read()
        time.sleep(0.1)

    def wait_for_a_frame_after(self, t_ns: int) -> None:
        assert comes(lambda: any(frame.t0_ns > t_ns for frame in self.recording.folder.frames())), "no frame"

    def end(self) -> SessionFolder:
        time.sleep(0.3)
        self.capture.stop()
        self.inputs.stop()
        assert self.capture.error is None
        self.recording.end("unverified", "", self.capture.dropped, self.inputs.problems, self.inputs.lags)
        return self.recording.folder


def typed(folder: SessionFolder) -> str:
    return "".join(a.char or "?" for a in folder.actions() if a.kind == "key_down")


def pictures(folder: SessionFolder) -> list[np.ndarray]:
    import av

    with av.open(str(folder.screen)) as video:
        return [frame.to_ndarray(format="rgb24") for frame in video.decode(video=0)]


def test_pause_leaves_no_pixels_and_no_keys(xserver: str, tmp_path: Path) -> None:
    session = Session(tmp_path / "s", xserver)
    session.type("abc")
    session.send("pause")
    session.type("secret")
    session.hands.jump_to((300, 300))
    session.hands.click()
    session.send("resume")
    time.sleep(1.1)  # a pause lasts until a GOP may begin
    session.type("def")
    folder = session.end()
    pause, resume = folder.events()
    assert (pause.kind, resume.kind, pause.reason) == ("pause", "resume", "test")
    assert typed(folder) == "abcdef"
    assert not [a for a in folder.actions() if pause.t_ns <= a.t_ns < resume.t_ns]
    assert not [f for f in folder.frames() if f.t1_ns >= pause.t_ns and f.t0_ns < resume.t_ns]
    assert folder.read_manifest().actor == "human:p-test"


def test_the_first_picture_after_a_pause_begins_a_gop(xserver: str, tmp_path: Path) -> None:
    import av

    session = Session(tmp_path / "s", xserver)
    for _ in range(3):
        time.sleep(0.45)
        session.send("pause")
        session.send("resume")
        session.wait_for_a_frame_after(session.recording.folder.events()[-1].t_ns)
    folder = session.end()
    frames = folder.frames()
    resumed = [e.t_ns for e in folder.events() if e.kind == "resume"]
    firsts = {next(f.picture for f in frames if f.t0_ns > t) for t in resumed}
    with av.open(str(folder.screen)) as video:
        keys = [bool(p.is_keyframe) for p in video.demux(video=0) if p.size]
    assert len(firsts) == 3
    assert all(keys[picture] for picture in firsts if picture is not None)


def test_hidden_input_keeps_its_time_and_loses_its_identity(xserver: str, tmp_path: Path) -> None:
    session = Session(tmp_path / "s", xserver)
    session.type("ab")
    session.send("hide")
    session.type("hunter2")
    session.hands.jump_to((200, 150))
    session.send("show")
    session.type("cd")
    folder = session.end()
    hide, show = folder.events()
    assert typed(folder) == "ab???????cd"
    inside = [a for a in folder.actions() if hide.t_ns <= a.t_ns < show.t_ns]
    assert len([a for a in inside if a.kind == "key_down"]) == 7
    for action in inside:
        assert action.redacted
        assert action.model_dump(exclude={"seq", "t_ns", "kind", "redacted"}, exclude_none=True) == {}
    shown = pictures(folder)
    blank = [f for f in folder.frames() if f.redacted]
    assert blank
    for frame in folder.frames():
        hidden = frame.t1_ns >= hide.t_ns and frame.t0_ns < show.t_ns
        assert frame.redacted == hidden
        if hidden:
            assert (frame.cursor_x, frame.cursor_y, frame.cursor) == (-1, -1, None)
            assert np.ptp(shown[frame.picture or 0].astype(int)) <= 4, "a blank frame is one flat grey"
    assert "hunter2" not in "".join(p.read_text() for p in folder.path.glob("*.json*"))


def test_the_hotkey_pauses_at_its_own_time_and_is_not_in_the_log(
    xserver: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "collector.recording.session.HOLD_NS", 3 * 10**9
    )  # hands that stall hold its keys down for longer
    session = Session(tmp_path / "s", xserver, hotkey="ctrl+alt+p")
    session.type("ab")
    session.hands.shortcut("ctrl+alt+p")
    session.type("secret")
    session.hands.shortcut("ctrl+alt+p")
    session.type("cd")
    folder = session.end()
    assert [(e.kind, e.reason) for e in folder.events()] == [("pause", "hotkey"), ("resume", "hotkey")]
    keys = [(a.kind, a.key) for a in folder.actions() if a.kind.startswith("key")]
    assert keys == [(kind, key) for key in "abcd" for kind in ("key_down", "key_up")]


def test_discard_leaves_an_empty_folder(xserver: str, tmp_path: Path) -> None:
    session = Session(tmp_path / "s", xserver)
    session.type("ab")
    session.capture.stop()
    session.inputs.stop()
    with session.recording:
        session.recording.discard()
    assert list((tmp_path / "s").iterdir()) == []


def test_a_listener_that_goes_away_ends_the_recording(tmp_path: Path, xserver: str) -> None:
    session = Session(tmp_path / "s", xserver)
    controls = Controls(session.recording, io.StringIO('not json\n{"do": "dance"}\n'))
    controls.start()
    assert controls.wait(PATIENCE_S)
    assert controls.end == "stop"
    session.end()
