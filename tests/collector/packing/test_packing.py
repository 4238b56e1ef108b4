"""Packing: bytes are copied, times are kept, nothing is lost between clips, bad sessions are named."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.packing.pack import pack
from collector.packing.windows import clip_windows
from manifests.clip_io import ClipReader
from manifests.errors import GoaltraceError
from manifests.files import append_jsonl
from manifests.session import Action, SessionFolder
from manifests.video import decode
from tests.collector.session_folders import make_session

pytestmark = pytest.mark.needs("ffmpeg")


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> tuple[SessionFolder, ClipReader]:
    root = tmp_path_factory.mktemp("packing")
    session = make_session(root / "one")
    pack([session], out=root / "set")
    return session, ClipReader(root / "set")


def test_clips_decode_to_exactly_the_recorded_frames(packed: tuple[SessionFolder, ClipReader]) -> None:
    session, reader = packed
    with av.open(str(session.screen), "r") as video:
        recorded = [frame.to_ndarray(format="rgb24") for frame in video.decode(video=0)]
    clips = [decode(clip["video"]["bytes"]) for clip in reader.iter_clips()]
    assert [len(clip) for clip in clips] == [75, 85]
    assert np.array_equal(np.concatenate(clips), np.stack(recorded))


def test_video_time_stamps_are_the_frames_own_times(packed: tuple[SessionFolder, ClipReader]) -> None:
    _, reader = packed
    clip = reader.read(reader.clip_ids()[1])
    import io

    with av.open(io.BytesIO(clip["video"]["bytes"]), "r") as video:
        stamps = [frame.pts for frame in video.decode(video=0)]
    assert stamps == clip["pts"]
    assert [round((t - clip["t1_ns"][0]) * 9e-5) for t in clip["t1_ns"]] == clip["pts"]


def test_every_action_is_in_exactly_one_clip(packed: tuple[SessionFolder, ClipReader]) -> None:
    session, reader = packed
    times = [action["t_ns"] for clip in reader.iter_clips() for action in clip["actions"]]
    assert times == [action.t_ns for action in session.actions()]


def test_slots_count_from_the_clips_own_first_frame(packed: tuple[SessionFolder, ClipReader]) -> None:
    clips = list(packed[1].iter_clips())
    assert [(a["kind"], a["slot"]) for a in clips[0]["actions"]] == [
        ("button_down", 20),
        ("button_up", 20),
        ("key_down", 70),
    ]
    assert [(a["kind"], a["slot"]) for a in clips[1]["actions"]] == [("key_up", 5), ("scroll", 84)]


def test_a_key_held_across_a_cut_is_in_the_next_clips_start_state(packed: tuple[SessionFolder, ClipReader]) -> None:
    clips = list(packed[1].iter_clips())
    assert [clip["start_keys"] for clip in clips] == [[], ["a"]]
    assert [clip["start_buttons"] for clip in clips] == [[], []]


def test_the_caption_is_what_was_worked_on(packed: tuple[SessionFolder, ClipReader]) -> None:
    assert [clip["caption"] for clip in packed[1].iter_clips()] == ["Press it", "Press the button"]


def _lose_an_action(folder: SessionFolder) -> None:
    lines = folder.actions_path.read_text().splitlines(keepends=True)
    folder.actions_path.write_text("".join(lines[:-1]))


def _lose_frames(folder: SessionFolder) -> None:
    data = folder.screen.read_bytes()
    folder.screen.write_bytes(data[: len(data) // 2])


def _cut_video(folder: SessionFolder) -> None:
    folder.screen.write_bytes(folder.screen.read_bytes()[:40])


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda f: f.manifest_path.write_text("{"), "not valid JSON"),
        (lambda f: f.manifest_path.unlink(), "session.json is missing"),
        (lambda f: f.frames_path.unlink(), "missing"),
        (_lose_an_action, "does not reconcile"),
        (_lose_frames, "does not reconcile"),
        (_cut_video, "not a readable video"),
        (lambda f: append_jsonl(f.actions_path, [Action(seq=9, t_ns=1, kind="move")]), "does not reconcile"),
        (
            lambda f: f.write_manifest(
                f.read_manifest().model_copy(update={"invalid_reasons": ["key_up: 1 sent, 0 seen"]})
            ),
            "1 sent, 0 seen",
        ),
        (lambda f: f.write_manifest(f.read_manifest().model_copy(update={"outcome": "aborted"})), "aborted"),
        (lambda f: f.write_manifest(f.read_manifest().model_copy(update={"state": "recording"})), "did not finish"),
    ],
)
def test_a_session_that_does_not_reconcile_is_left_out_with_its_reason(
    tmp_path: Path, damage: object, reason: str
) -> None:
    good, bad = make_session(tmp_path / "good", frames=30), make_session(tmp_path / "bad", frames=160)
    damage(bad)  # type: ignore[operator]
    manifest = pack([good, bad], out=tmp_path / "set").manifest
    assert [left.name for left in manifest.left_out] == ["bad"]
    assert reason in manifest.left_out[0].reason
    assert manifest.counts.sessions == 1


def test_the_same_session_is_packed_once(tmp_path: Path) -> None:
    session = make_session(tmp_path / "one", frames=30)
    manifest = pack([session, session], out=tmp_path / "set").manifest
    assert manifest.counts.clips == 1
    assert "already" in manifest.left_out[0].reason


def test_nothing_is_written_when_no_session_can_be_packed(tmp_path: Path) -> None:
    session = make_session(tmp_path / "in" / "one", frames=30, outcome="aborted", outcome_detail="stopped")
    with pytest.raises(GoaltraceError, match="none of 1 sessions"):
        pack([session], out=tmp_path / "set")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in"]


@given(st.integers(1, 3000), st.integers(1, 30), st.floats(1, 20))
def test_windows_cover_every_frame_once_and_start_on_key_frames(frames: int, gop: int, clip_s: float) -> None:
    keyframes = list(range(0, frames, gop))
    windows = clip_windows(keyframes, frames, 15.0, clip_s)
    assert [start for start, _ in windows] == [0, *(end for _, end in windows[:-1])]
    assert windows[-1][1] == frames
    assert all(start in keyframes for start, _ in windows)
    if frames >= clip_s * 15 + 1:
        assert all(end - start >= round(clip_s * 15) for start, end in windows)
