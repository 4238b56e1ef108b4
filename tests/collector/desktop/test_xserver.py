"""Frames and actions on one clock, against a real X server."""

from __future__ import annotations

import random
import string
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from collector.episodes.spec import EpisodeSpec
from collector.recording.session import Recording
from manifests.session import Action, SessionManifest
from manifests.task import find_task
from tests.waiting import PATIENCE_S

pytestmark = pytest.mark.needs("xvfb", "ffmpeg")
MS = 1_000_000


def open_recording(path: Path) -> Recording:
    spec = EpisodeSpec.of(
        find_task("desktop-editor-note").instantiate(1),
        session_id="s",
        agent="scripted",
        fps=15,
        environment="docker",
    )
    return Recording(path, spec, clock="xserver", width=640, height=480, cursor_in_pixels=True, versions={})


@pytest.fixture(scope="module")
def recorded(xserver: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Recording, dict[str, int]]:
    """Five seconds, or 75 frames, of moves, clicks, scrolls and keys, with what the hands say they sent."""
    from collector.agents.desktop.hands import Hands
    from collector.desktop.capture import Capture
    from collector.desktop.input_log import InputLog

    rng = random.Random(1)
    hands = Hands(rng)
    recording = open_recording(tmp_path_factory.mktemp("x") / "session")
    inputs, capture = InputLog(recording, xserver), Capture(recording, xserver, 15)
    inputs.start()
    capture.start()
    assert capture.started.wait(PATIENCE_S)
    end = time.monotonic() + PATIENCE_S
    while recording.frames.count < 75 and time.monotonic() < end:
        hands.move_to((rng.randrange(640), rng.randrange(480)), 30)
        hands.click(rng.choice(["left", "right", "middle"]))
        hands.tap(rng.choice(string.ascii_letters + string.punctuation), 0.02)
        hands.scroll(rng.choice([-1, 1]))
    hands.shortcut("ctrl+shift+n")
    sent = hands.take_sent()
    time.sleep(0.3)
    capture.stop()
    inputs.stop()
    assert capture.error is None
    recording.end("unverified", "", dropped=capture.dropped, invalid=inputs.problems)
    return recording, sent


def test_every_event_that_was_sent_was_seen(recorded: tuple[Recording, dict[str, int]]) -> None:
    recording, sent = recorded
    seen = Counter(action.kind for action in recording.folder.actions())
    assert dict(seen) == sent


def test_the_pointer_in_a_frame_is_where_the_log_places_it(recorded: tuple[Recording, dict[str, int]]) -> None:
    """A frame shows the last move before its grab, or one inside it; server times are whole ms, so 1 ms wide."""
    recording, _ = recorded
    moves = [action for action in recording.folder.actions() if action.kind == "move"]
    frames = recording.folder.frames()
    assert len(frames) > 60
    for frame in frames:
        before = [m for m in moves if m.t_ns + MS <= frame.t0_ns][-1:]
        possible = before + [m for m in moves if frame.t0_ns - MS < m.t_ns <= frame.t1_ns]
        if before:
            assert (frame.cursor_x, frame.cursor_y) in {(m.x, m.y) for m in possible}, f"frame {frame.index}"


def test_frames_are_brackets_on_a_steady_schedule(recorded: tuple[Recording, dict[str, int]]) -> None:
    frames, lateness = recorded[0].folder.frames(), recorded[0].manifest.lateness_ms
    assert all(frame.t0_ns < frame.t1_ns for frame in frames)
    assert all(a.t1_ns <= b.t0_ns for a, b in zip(frames, frames[1:], strict=False))
    ticks = sum(frame.dropped_before + 1 for frame in frames[1:])
    span = frames[-1].t0_ns - frames[0].t0_ns
    assert lateness is not None
    assert abs(span - ticks * 1e9 / 15) <= (lateness.max + 0.1) * MS, "dropped ticks are counted, none is silent"


def test_characters_are_logged_as_typed(xserver: str, tmp_path: Path) -> None:
    from collector.agents.desktop.hands import Hands
    from collector.desktop.input_log import InputLog

    text = "aZ9 ~/file_1.txt {x} \"q\" 'r' $HOME & <b> | \\n #!?"
    recording = open_recording(tmp_path / "session")
    inputs = InputLog(recording, xserver)
    inputs.start()
    hands = Hands(random.Random(2))
    for char in text:
        hands.tap(char, 0.005)
    inputs.stop()
    recording.end("unverified", "")
    typed = [a.char for a in recording.folder.actions() if a.kind == "key_down" and a.char]
    assert "".join(typed) == text


def tapped(xserver: str, tmp_path: Path, hold_s: float) -> tuple[list[Action], list[str]]:
    """What is logged of one key that is pressed as soon as the log has begun, and what the log complains of."""
    from collector.agents.desktop.hands import Hands
    from collector.desktop.input_log import InputLog

    recording, hands = open_recording(tmp_path / "session"), Hands(random.Random(3))
    inputs = InputLog(recording, xserver)
    inputs.start()
    hands.tap("a", hold_s)
    inputs.stop()
    recording.end("unverified", "")
    return recording.folder.actions(), inputs.problems


def test_nothing_is_missed_however_late_the_reader_begins(
    xserver: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from collector.desktop.input_log import InputLog

    read = InputLog._read
    monkeypatch.setattr(InputLog, "_read", lambda inputs: (time.sleep(0.5), read(inputs)))
    actions, problems = tapped(xserver, tmp_path, 0.005)
    assert [action.key for action in actions] == ["a", "a"] and problems == []


def test_a_key_that_stays_down_on_a_machine_that_stalls_is_typed_once(xserver: str, tmp_path: Path) -> None:
    from Xlib import X
    from Xlib import display as xdisplay

    with closing(xdisplay.Display(xserver)) as display:
        display.change_keyboard_control(auto_repeat_mode=X.AutoRepeatModeOn)  # as every server has it at first
        display.sync()
    actions, _ = tapped(xserver, tmp_path, 1.2)
    assert [action.kind for action in actions] == ["key_down", "key_up"]


def test_a_key_that_the_layout_lacks_is_one_line(xserver: str) -> None:
    from collector.agents.desktop.hands import Hands
    from manifests.errors import GoaltraceError

    with pytest.raises(GoaltraceError, match="not on the keyboard"):
        Hands(random.Random(1)).tap("漢")


def test_a_session_whose_counts_differ_says_so(tmp_path: Path) -> None:
    from manifests.session import Intent

    recording = open_recording(tmp_path / "session")
    recording.intents.write(Intent(seq=0, t_ns=0, t_end_ns=1, verb="type", sent={"key_down": 2, "move": 9}))
    recording.end("success", "")
    assert recording.manifest.invalid_reasons == ["key_down: 2 sent, 0 seen"]


def test_what_several_threads_tell_of_a_recording_is_all_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Mark, password watch and capture each write notes, at one and the same time perhaps."""
    recording, copy = open_recording(tmp_path / "session"), SessionManifest.model_copy

    def late(manifest: SessionManifest, **changes: Any) -> SessionManifest:
        time.sleep(0.05)
        return copy(manifest, **changes)

    monkeypatch.setattr(SessionManifest, "model_copy", late)
    with ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(recording.note, str(number)) for number in range(3)]
        jobs.append(pool.submit(recording.opened, "shm", 640, 480))
    assert [job.result() for job in jobs] == [None] * 4
    manifest = recording.folder.read_manifest()
    assert (sorted(manifest.notes), manifest.capture) == (["0", "1", "2"], "shm")


def test_a_recorder_that_breaks_leaves_a_session_that_says_why(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), open_recording(tmp_path / "session") as recording:
        raise RuntimeError("the screen went away")
    manifest = recording.folder.read_manifest()
    assert (manifest.state, manifest.outcome) == ("complete", "aborted")
    assert "the screen went away" in manifest.outcome_detail
