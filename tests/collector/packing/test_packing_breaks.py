"""Packing sessions that skip unchanged pictures, pause, sleep, hide, and were trimmed in review."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.packing.held_inputs import HeldInputs
from collector.packing.pack import pack
from collector.packing.recorded_session import why_left_out
from collector.packing.stretches import stretches
from collector.packing.windows import clip_starts
from manifests.clip import PTS_PER_SECOND
from manifests.clip_io import ClipReader
from manifests.dataset import DatasetManifest
from manifests.errors import GoaltraceError
from manifests.files import write_json
from manifests.session import Action, Event, Frame, SessionFolder
from manifests.video import decode, iter_frames
from tests.collector.session_folders import TICK_NS
from tests.collector.still_sessions import GRAB_NS, make_still_session

pytestmark = pytest.mark.needs("ffmpeg")
KEY_A = {"kind": "key_down", "key": "a", "char": "a"}


def packed(session: SessionFolder, clip_s: float = 5.0) -> tuple[list[dict[str, Any]], DatasetManifest]:
    out = session.path.parent / "set"
    manifest = pack([session], out=out, clip_s=clip_s).manifest
    return list(ClipReader(out).iter_clips()), manifest


def frames_at(clips: list[dict[str, Any]]) -> list[int]:
    """The ticks of all frames in clips."""
    return [t0 // TICK_NS for clip in clips for t0 in clip["t0_ns"]]


def recorded(session: SessionFolder) -> list[np.ndarray[Any, Any]]:
    with av.open(str(session.screen), "r") as video:
        pictures = [frame.to_ndarray(format="rgb24") for frame in video.decode(video=0)]
    return [pictures[frame.picture or 0] for frame in session.frames()]


@pytest.fixture(scope="module")
def still(tmp_path_factory: pytest.TempPathFactory) -> tuple[SessionFolder, list[dict[str, Any]]]:
    root = tmp_path_factory.mktemp("still")
    changed = {3, 4, 5, 31, 50, 77, 78, 79, 120, 140, 141}
    session = make_still_session(root / "one", range(200), changed, redacted={60, 61})
    return session, packed(session)[0]


def test_a_picture_that_several_frames_show_is_stored_once(still: tuple[SessionFolder, list[dict[str, Any]]]) -> None:
    session, clips = still
    assert frames_at(clips) == list(range(200))
    stored = [len(decode(clip["video"]["bytes"])) for clip in clips]
    assert len(clips) == 2
    assert [clip["picture"][0] for clip in clips] == [0, 0]
    assert stored == [clip["picture"][-1] + 1 for clip in clips]
    assert sum(stored) == len({frame.picture for frame in session.frames()}) < 60
    assert [t for clip in clips for t, hidden in zip(clip["t0_ns"], clip["frame_redacted"], strict=True) if hidden] == [
        60 * TICK_NS, 61 * TICK_NS
    ]  # fmt: skip


def test_frames_decode_to_exactly_the_recorded_ones(still: tuple[SessionFolder, list[dict[str, Any]]]) -> None:
    session, clips = still
    frames = [frame for clip in clips for frame in iter_frames(clip["video"]["bytes"], pictures=clip["picture"])]
    assert all(np.array_equal(a, b) for a, b in zip(frames, recorded(session), strict=True))


def test_a_player_shows_frame_i_at_its_pts(still: tuple[SessionFolder, list[dict[str, Any]]]) -> None:
    for clip in still[1]:
        with av.open(io.BytesIO(clip["video"]["bytes"]), "r") as video:
            stream = video.streams.video[0]
            assert stream.time_base is not None
            tick = float(stream.time_base * PTS_PER_SECOND)
            spans = [(p.pts * tick, (p.pts + p.duration) * tick) for p in video.demux(stream) if p.pts is not None]
        assert spans[-1][1] == clip["pts"][-1] + PTS_PER_SECOND / 15
        assert all(before[1] == after[0] for before, after in zip(spans, spans[1:], strict=False))
        for pts, picture in zip(clip["pts"], clip["picture"], strict=True):
            assert [n for n, (begin, end) in enumerate(spans) if begin <= pts < end] == [picture]


def test_a_clip_begins_where_a_key_frame_is_first_shown(still: tuple[SessionFolder, list[dict[str, Any]]]) -> None:
    assert clip_starts([0, 0, 1, 2, 2, 3], {0, 2, 3}, 0, 6) == [0, 3, 5]
    assert clip_starts([0, 0, 1, 2, 2, 3], {0, 2, 3}, 1, 5) == [3]
    assert clip_starts([0, 0, 1, 2, 2, 3], {0, 2, 3}, 4, 5) == []


@pytest.mark.parametrize("kind", ["pause", "sleep"])
def test_no_clip_spans_a_break_and_nothing_is_held_over_it(tmp_path: Path, kind: str) -> None:
    events = [(40.5, "pause"), (100.5, "resume")] if kind == "pause" else [(40.5, "sleep")]
    actions = [{"at": 30.5, **KEY_A}, {"at": 31.5, "kind": "button_down", "button": "left", "x": 1, "y": 1},
               {"at": 40.2, "kind": "scroll", "dy": 1}, {"at": 100.8, "kind": "key_down", "key": "b"},
               {"at": 120.5, "kind": "key_up", "key": "b"}]  # fmt: skip
    session = make_still_session(tmp_path / "one", [*range(41), *range(101, 160)], actions=actions, events=events)
    clips, manifest = packed(session)
    assert [(clip["t0_ns"][0] // TICK_NS, clip["t0_ns"][-1] // TICK_NS) for clip in clips] == [(0, 40), (101, 159)]
    assert [clip["start_keys"] for clip in clips] == [[], ["b"]]
    assert [clip["start_buttons"] for clip in clips] == [[], []]
    assert [[(a["kind"], a["slot"]) for a in clip["actions"]] for clip in clips] == [
        [("key_down", 30), ("button_down", 31), ("scroll", 40)], [("key_up", 19)],
    ]  # fmt: skip
    assert manifest.lineage[0].inputs[0].frames_left_out == {}


def test_after_a_pause_a_clip_waits_for_a_key_frame_and_says_how_many_frames_that_cost(tmp_path: Path) -> None:
    events = [(20.5, "pause"), (22.5, "resume"), (33.5, "pause"), (33.9, "resume")]
    ticks = [*range(21), *range(23, 34), 34, *range(37, 70)]
    clips, manifest = packed(make_still_session(tmp_path / "one", ticks, events=events))
    starts = [clip["t0_ns"][0] // TICK_NS for clip in clips]
    assert len(starts) == 3
    assert starts[0] == 0
    assert 23 <= starts[1] <= 38
    lost = [tick for tick in ticks if tick not in frames_at(clips)]
    assert manifest.lineage[0].inputs[0].frames_left_out == {"cut": len(lost)}
    assert 0 < len(lost) < 30


def test_nothing_from_outside_what_a_review_kept_is_packed(tmp_path: Path) -> None:
    secret = {"kind": "key_down", "key": "s", "char": "s"}
    press = {"kind": "button_down", "button": "left", "x": 3, "y": 4}
    shift = {"kind": "key_down", "key": "Shift_L"}
    meant = [(10.5, secret), (11.5, press), (40.5, shift), (90.5, KEY_A), (120.9, secret)]
    actions = [{"at": at, **action} for at, action in meant]
    keep = (40 * TICK_NS, 120 * TICK_NS + GRAB_NS)
    session = make_still_session(tmp_path / "one", range(200), actions=actions, keep_ns=keep)
    clips, manifest = packed(session, clip_s=2.0)
    inside = frames_at(clips)
    assert 40 <= inside[0] <= 55
    assert inside == list(range(inside[0], 121))
    assert [clip["start_keys"] for clip in clips] == [["Shift_L"]] * (len(clips) - 1) + [clips[-1]["start_keys"]]
    assert all("s" not in clip["start_keys"] and not clip["start_buttons"] for clip in clips)
    assert [a["key"] for clip in clips for a in clip["actions"]] == ["a"]
    shown = [frame for clip in clips for frame in decode(clip["video"]["bytes"])]
    wanted = [frame for frame, there in zip(recorded(session), session.frames(), strict=True)
              if inside[0] <= there.t0_ns // TICK_NS <= 120]  # fmt: skip
    assert all(np.array_equal(a, b) for a, b in zip(shown, wanted, strict=True))
    assert manifest.lineage[0].inputs[0].frames_left_out == {"trimmed": 40 + 79, "cut": inside[0] - 40}


def test_a_session_trimmed_to_nothing_is_left_out_and_named(tmp_path: Path) -> None:
    session = make_still_session(tmp_path / "in" / "one", range(40), keep_ns=(3 * TICK_NS, 4 * TICK_NS))
    with pytest.raises(GoaltraceError, match="one: no two frames in a row"):
        pack([session], out=tmp_path / "set")


def _ticks(frames: int) -> list[Frame]:
    return [Frame(index=i, t0_ns=i * 10, t1_ns=i * 10 + 2) for i in range(frames)]


@given(
    st.integers(2, 60),
    st.lists(st.tuples(st.integers(-20, 620), st.sampled_from(["pause", "resume", "sleep", "hide", "show", "stop"]))),
    st.none() | st.tuples(st.integers(-20, 620), st.integers(-20, 620)),
)
def test_stretches_hold_only_frames_recorded_without_a_break(
    frames: int, breaks: list[tuple[int, str]], keep: tuple[int, int] | None
) -> None:
    found = stretches(_ticks(frames), [Event(t_ns=t, kind=kind) for t, kind in breaks], keep)  # type: ignore[arg-type]
    for stretch in found:
        for frame in _ticks(frames)[stretch.first : stretch.stop]:
            assert stretch.begin_ns <= frame.t0_ns <= frame.t1_ns < stretch.end_ns
            assert keep is None or keep[0] <= frame.t0_ns <= frame.t1_ns <= keep[1]
        assert not any(stretch.begin_ns < t < stretch.end_ns for t, kind in breaks if kind == "sleep")
    assert all(a.end_ns <= b.begin_ns and a.stop <= b.first for a, b in zip(found, found[1:], strict=False))
    if keep is None and all(kind in ("hide", "show", "stop", "resume") for _, kind in breaks):
        assert [(s.first, s.stop) for s in found] == [(0, frames)]


def test_a_redacted_release_leaves_nothing_known_to_be_held() -> None:
    held = HeldInputs()
    held.see(Action(seq=0, t_ns=0, kind="key_down", key="Shift_L"))
    held.see(Action(seq=1, t_ns=1, kind="button_down", button="left"))
    held.see(Action(seq=2, t_ns=2, kind="key_up", redacted=True))
    assert (list(held.keys), list(held.buttons)) == ([], ["left"])


def test_a_person_recorded_without_consent_is_left_out(tmp_path: Path) -> None:
    session = make_still_session(tmp_path / "one", range(40), actor="human:amber-fox", consent_id="amber-fox")
    assert why_left_out(session) == "a person was recorded and there is no consent.json"
    consent = {"consent_id": "amber-fox", "text_version": "1", "text_sha256": "0" * 64,
               "given_at": "2026-01-02T03:04:05Z", "given_in": "page"}  # fmt: skip
    write_json(session.consent_path, consent)
    assert why_left_out(session) is None
    write_json(session.consent_path, consent | {"consent_id": "grey-owl"})
    assert why_left_out(session) == "consent.json is grey-owl's, the session says amber-fox"
    session.consent_path.write_text("{")
    assert "not valid JSON" in (why_left_out(session) or "")


@pytest.mark.parametrize("pictures", [[0, 2], [1, 1], [0, 1, 0], [0, 0, -1]])
def test_pictures_out_of_order_do_not_reconcile(tmp_path: Path, pictures: list[int]) -> None:
    session = make_still_session(tmp_path / "one", range(40))
    frames = [frame.model_copy(update={"picture": n}) for frame, n in zip(session.frames(), pictures, strict=False)]
    rest = session.frames()[len(pictures) :]
    session.frames_path.write_text("".join(f.model_dump_json(exclude_none=True) + "\n" for f in [*frames, *rest]))
    assert "does not reconcile: picture" in (why_left_out(session) or "")


def test_a_video_with_fewer_pictures_than_named_does_not_reconcile(tmp_path: Path) -> None:
    session = make_still_session(tmp_path / "in" / "one", range(40))
    last = session.frames()[-1].model_copy(update={"index": 40, "t0_ns": 10**10, "t1_ns": 10**10, "picture": 40})
    with session.frames_path.open("a") as out:
        out.write(last.model_dump_json(exclude_none=True) + "\n")
    session.write_manifest(session.read_manifest().model_copy(update={"frames": 41}))
    with pytest.raises(GoaltraceError, match="40 pictures in the video, 41 in frames"):
        pack([session], out=tmp_path / "set")
