"""`goaltrace sessions check`: nothing wrong goes unsaid, nothing hostile stops it."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.recording.live import lock_log
from collector.sessions.check import check_session, is_being_recorded
from collector.sessions.problem import Problem
from manifests.consent import Consent
from manifests.files import append_jsonl, write_json
from manifests.session import Event, SessionFolder
from tests.collector.session_folders import TICK_NS, make_new, make_old, make_session
from tests.collector.sessions.spoiling import FILES, spoil
from tests.depth import examples

pytestmark = pytest.mark.needs("ffmpeg")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> SessionFolder:
    return make_session(tmp_path_factory.mktemp("check") / "whole", frames=60)


@pytest.fixture
def session(whole: SessionFolder, tmp_path: Path) -> SessionFolder:
    """A copy that was last written an hour ago."""
    copy = SessionFolder(Path(shutil.copytree(whole.path, tmp_path / "one")))
    make_old(copy)
    return copy


def damage(folder: SessionFolder) -> list[Problem]:
    return [problem for problem in check_session(folder) if problem.damage]


def change(folder: SessionFolder, **fields: object) -> None:
    folder.write_manifest(folder.read_manifest().model_copy(update=fields))


def cut(path: Path, by: int) -> None:
    os.truncate(path, path.stat().st_size - by)


def test_a_whole_session_is_fine(session: SessionFolder) -> None:
    assert check_session(session) == []
    assert check_session(session, decode=True) == []


def test_a_killed_recorder_is_told_from_one_at_work(session: SessionFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    change(session, state="recording")
    assert [problem.what for problem in damage(session)] == ["the recording did not finish"]
    make_new(session.frames_path, monkeypatch)
    assert is_being_recorded(check_session(session))
    assert damage(session) == []


def test_a_paused_recorder_holds_its_logs_and_is_not_taken_for_dead(session: SessionFolder) -> None:
    change(session, state="recording")
    with session.actions_path.open("a") as log:
        lock_log(log)
        assert is_being_recorded(check_session(session))
    assert not is_being_recorded(check_session(session))


@pytest.mark.parametrize("name", ["frames.jsonl", "actions.jsonl", "intents.jsonl"])
def test_a_last_line_cut_short_is_named(session: SessionFolder, name: str) -> None:
    cut(session.path / name, 5)
    assert (name, "the last line is cut short") in [(p.file, p.what) for p in damage(session)]


def test_a_bad_line_is_named_by_its_number(session: SessionFolder) -> None:
    lines = session.actions_path.read_bytes().splitlines(keepends=True)
    session.actions_path.write_bytes(b"".join([lines[0], b'{"seq": "x"}\n', *lines[2:]]))
    assert any("line 2" in p.what and p.file == "actions.jsonl" for p in damage(session))


def test_counts_are_compared(session: SessionFolder) -> None:
    change(session, actions=6)
    assert [p.what for p in damage(session)] == ["5 actions, but session.json says 6"]


def test_frames_beyond_the_video_are_named(session: SessionFolder) -> None:
    cut(session.screen, session.screen.stat().st_size // 2)
    assert any("the video ends before it" in p.what for p in damage(session))


def test_pictures_that_no_frame_shows_are_named(session: SessionFolder) -> None:
    lines = session.frames_path.read_bytes().splitlines(keepends=True)
    session.frames_path.write_bytes(b"".join(lines[:-3]))
    change(session, frames=57)
    assert [p.what for p in damage(session)] == ["60 pictures, 57 are shown by frames"]


def test_a_lost_picture_in_the_middle_is_seen_by_the_times(session: SessionFolder) -> None:
    frames = session.frames()
    session.frames_path.unlink()
    shifted = [f.model_copy(update={"picture": f.index, **_later(f.index, f.t0_ns, f.t1_ns)}) for f in frames]
    append_jsonl(session.frames_path, shifted)
    assert any("pictures are missing" in p.what for p in damage(session))


def _later(index: int, t0_ns: int, t1_ns: int) -> dict[str, int]:
    shift = TICK_NS if index >= 30 else 0
    return {"t0_ns": t0_ns + shift, "t1_ns": t1_ns + shift}


def test_backward_times_and_doubled_actions_are_named(session: SessionFolder) -> None:
    lines = session.frames_path.read_bytes().splitlines(keepends=True)
    record = json.loads(lines[10]) | {"t0_ns": 5, "t1_ns": 6}
    session.frames_path.write_bytes(b"".join([*lines[:10], json.dumps(record).encode() + b"\n", *lines[11:]]))
    with session.actions_path.open("ab") as log:
        log.write(session.actions_path.read_bytes().splitlines(keepends=True)[0])
    said = [p.what for p in damage(session)]
    assert any(what.startswith("frame 10: begins before") for what in said)
    assert "seq 1 follows 5" in said


def test_damage_inside_a_picture_is_found_by_decoding(session: SessionFolder) -> None:
    data = bytearray(session.screen.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 12] = bytes(12)
    session.screen.write_bytes(data)
    assert any(problem.damage for problem in check_session(session, decode=True))


def by_person(folder: SessionFolder, consent_id: str = "p-1234") -> None:
    consent = Consent(consent_id=consent_id, text_version="1", text_sha256="0", given_at="2026-01-01T00:00:00Z",
                      given_in="page")  # fmt: skip
    change(folder, actor="human:p-1234", consent_id="p-1234")
    write_json(folder.consent_path, consent)


def test_a_person_without_consent_is_damage(session: SessionFolder) -> None:
    change(session, actor="human:p-1234", consent_id="p-1234")
    assert [p.file for p in damage(session)] == ["consent.json"]
    by_person(session, "p-9999")
    assert len(damage(session)) == 2
    by_person(session)
    assert damage(session) == []


def test_what_a_pause_should_have_kept_out_is_found(session: SessionFolder) -> None:
    by_person(session)
    pause = Event(t_ns=20 * TICK_NS, kind="pause", reason="hotkey")
    append_jsonl(session.events_path, [pause])
    assert [p.file for p in damage(session)] == ["frames.jsonl", "actions.jsonl"]
    session.events_path.unlink()
    append_jsonl(session.events_path, [pause.model_copy(update={"t_ns": 10**12})])
    assert damage(session) == [], "a pause at the end may stay open"


def test_what_hiding_should_have_blanked_is_found(session: SessionFolder) -> None:
    by_person(session)
    append_jsonl(session.events_path, [Event(t_ns=70 * TICK_NS, kind="hide", reason="page")])
    assert [p.file for p in damage(session)] == ["actions.jsonl"], "key_down at 70.5 ticks kept its key"


def test_an_end_without_a_beginning_is_named(session: SessionFolder) -> None:
    append_jsonl(session.events_path, [Event(t_ns=5, kind="resume", reason="page")])
    assert [p.what for p in damage(session)] == ["line 1: resume without pause"]


def test_what_does_not_reconcile_is_a_remark_and_no_damage(session: SessionFolder) -> None:
    change(session, invalid_reasons=["key_down: 2 sent, 1 seen"])
    problems = check_session(session)
    assert [problem.damage for problem in problems] == [False]
    assert "key_down: 2 sent, 1 seen" in str(problems[0])


def test_a_problem_is_one_line_without_control_characters(session: SessionFolder) -> None:
    change(session, outcome="aborted", outcome_detail="bad\n\x1b]0;title\x07" + "x" * 5000)
    (problem,) = check_session(session)
    assert str(problem).isprintable()
    assert len(str(problem)) <= 400


@settings(max_examples=examples(150), deadline=None)
@given(data=st.data())
def test_no_damage_whatever_stops_the_check(whole: SessionFolder, data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        folder = SessionFolder(Path(shutil.copytree(whole.path, Path(scratch) / "x")))
        check_spoiled(folder, data)


def check_spoiled(folder: SessionFolder, data: st.DataObject) -> None:
    append_jsonl(folder.events_path, [Event(t_ns=9 * 10**11, kind="hide", reason="page")])
    change(folder, actor="human:p-1234", consent_id="p-1234")
    make_old(folder)
    for _ in range(data.draw(st.integers(1, 3))):
        spoil(folder.path / data.draw(st.sampled_from(FILES)), data)
    for problem in check_session(folder, decode=True):
        assert str(problem).isprintable()
