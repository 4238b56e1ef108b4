"""`goaltrace sessions recover`: wherever the recorder was killed, what is whole is kept and nothing is lost."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import av
import numpy as np
import pymupdf_fonts
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from collector.packing.pack import pack
from collector.packing.recorded_session import why_left_out
from collector.recording.session import reconcile
from collector.sessions.check import check_session
from collector.sessions.plan import DOUBT
from collector.sessions.recover import Recovery, recover_session
from collector.terminal.cast import CastWriter
from collector.terminal.themes import THEMES
from collector.video.encoder import Encoder
from manifests.consent import Consent
from manifests.files import append_jsonl, write_json
from manifests.session import Action, Frame, Intent, SessionFolder, TerminalLook, find_sessions
from manifests.video import decode
from tests.collector.session_folders import TICK_NS, make_new, make_old, make_session
from tests.collector.sessions.spoiling import FILES, spoil
from tests.depth import examples

pytestmark = pytest.mark.needs("ffmpeg")
FRAMES = 75


def make_still(path: Path, **changes: object) -> SessionFolder:
    """A session whose screen changes every fourth tick: frames share pictures. Its recorder was killed."""
    folder = make_session(path, frames=FRAMES)
    folder.frames_path.unlink()
    frames = []
    with Encoder(folder.screen, 64, 48) as encoder:
        for i in range(FRAMES):
            image = np.zeros((48, 64, 3), np.uint8)
            image[:, : i // 4] = (i // 4 * 3, 200, 60)
            t0 = i * TICK_NS + 250_000_000
            picture = encoder.show(image.tobytes(), t0 + 2_000_000, changed=i % 4 == 0)
            frames.append(Frame(index=i, t0_ns=t0, t1_ns=t0 + 2_000_000, picture=picture))
    assert frames[-1].picture is not None
    assert frames[-1].picture < FRAMES // 2
    append_jsonl(folder.frames_path, frames)
    kill(folder, **changes)
    return folder


def kill(folder: SessionFolder, **changes: object) -> None:
    """session.json as it is while recording."""
    unfinished = {"state": "recording", "outcome": "unverified", "frames": 0, "actions": 0, "duration_ns": 0}
    folder.write_manifest(folder.read_manifest().model_copy(update=unfinished | changes))
    make_old(folder)


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> SessionFolder:
    return make_still(tmp_path_factory.mktemp("recover") / "killed")


@pytest.fixture
def session(killed: SessionFolder, tmp_path: Path) -> SessionFolder:
    return SessionFolder(Path(shutil.copytree(killed.path, tmp_path / "one")))


def pictures(path: Path) -> list[NDArray[np.uint8]]:
    with av.open(str(path), "r") as video:
        return [frame.to_ndarray(format="rgb24") for frame in video.decode(video=0)]


def stamps(path: Path) -> list[tuple[int, bytes]]:
    with av.open(str(path), "r") as video:
        return [
            (int(packet.pts), bytes(packet))
            for packet in video.demux(video=0)
            if packet.size and packet.pts is not None
        ]


def contents(folder: SessionFolder) -> dict[str, bytes]:
    return {str(p.relative_to(folder.path)): p.read_bytes() for p in folder.path.rglob("*") if p.is_file()}


def test_a_session_that_is_fine_is_not_touched(tmp_path: Path) -> None:
    folder = make_session(tmp_path / "one", frames=30)
    before = contents(folder)
    assert recover_session(folder).status == "fine"
    assert contents(folder) == before


def test_a_session_being_recorded_is_not_touched(session: SessionFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    make_new(session.frames_path, monkeypatch)
    before = contents(session)
    assert recover_session(session).status == "recording"
    assert contents(session) == before


@settings(max_examples=examples(40), deadline=None)
@given(st.floats(0, 1), st.floats(0.2, 1), st.floats(0.3, 1))
@example(1.0, 1.0, 1.0)
@example(0.0, 1.0, 1.0)
@example(0.5, 1.0, 0.3)
def test_wherever_files_end_what_is_left_is_whole(
    killed: SessionFolder, video_part: float, frames_part: float, actions_part: float
) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        folder = SessionFolder(Path(shutil.copytree(killed.path, Path(scratch) / "x")))
        for path, part in (
            (folder.screen, video_part),
            (folder.frames_path, frames_part),
            (folder.actions_path, actions_part),
        ):
            os.truncate(path, int(path.stat().st_size * part))
        make_old(folder)
        before = contents(folder)
        recovery = recover_session(folder)
        if recovery.status == "lost":
            assert contents(folder) == before
            assert "no " in recovery.detail
            return
        check_recovered(killed, folder, recovery, before)


def check_recovered(killed: SessionFolder, folder: SessionFolder, recovery: Recovery, before: dict[str, bytes]) -> None:
    assert recovery.status == "recovered"
    assert [problem for problem in check_session(folder, decode=True) if problem.damage] == []
    manifest, frames, actions = folder.read_manifest(), folder.frames(), folder.actions()
    assert (manifest.state, manifest.outcome) == ("complete", "aborted")
    assert (manifest.frames, manifest.actions) == (len(frames), len(actions)) == (recovery.frames, recovery.actions)
    assert frames == killed.frames()[: len(frames)]
    assert actions == killed.actions()[: len(actions)]
    assert all(action.t_ns <= frames[-1].t1_ns == manifest.duration_ns for action in actions)
    assert frames[-1].picture is not None
    count = frames[-1].picture + 1
    assert stamps(folder.screen) == stamps(killed.screen)[:count], "packets and time stamps are copied"
    assert np.array_equal(np.stack(pictures(folder.screen)), np.stack(pictures(killed.screen)[:count]))
    after = contents(folder)
    for name, content in before.items():
        aside = f"damaged/{'session.before.json' if name == 'session.json' else name}"
        assert content in (after.get(name), after.get(aside)), f"{name} was lost"
    assert recover_session(folder).status == "fine"
    assert contents(folder) == after, "a second run does nothing"


def test_every_picture_that_can_be_read_is_kept(session: SessionFolder) -> None:
    """Not one whole picture is thrown away with the half one."""
    whole = stamps(session.screen)
    data = session.screen.read_bytes()
    place = data.index(whole[-2][1]) + len(whole[-2][1]) - 1
    session.screen.write_bytes(data[:place])
    make_old(session)
    recover_session(session)
    assert len(stamps(session.screen)) == len(whole) - 2


def test_a_recovered_session_is_no_session_twice(session: SessionFolder) -> None:
    recover_session(session)
    assert [folder.path for folder in find_sessions([session.path.parent])] == [session.path]


def test_a_dry_run_says_the_same_and_changes_nothing(session: SessionFolder) -> None:
    os.truncate(session.screen, session.screen.stat().st_size // 2)
    make_old(session)
    before = contents(session)
    said = recover_session(session, dry_run=True)
    assert contents(session) == before
    done = recover_session(session)
    assert said.status == "recoverable"
    assert (said.detail, said.frames, said.actions_lost) == (done.detail, done.frames, done.actions_lost)
    assert done.detail.startswith("recovered: the recorder was killed after 5.2 s; ")


def test_an_agent_that_was_killed_says_what_is_not_known(session: SessionFolder) -> None:
    recover_session(session)
    reasons = session.read_manifest().invalid_reasons
    assert reasons[0] == DOUBT
    assert "scroll: 1 sent, 0 seen" in reasons
    assert why_left_out(session) is not None


def test_an_agents_session_is_kept_up_to_where_it_reconciles(session: SessionFolder, tmp_path: Path) -> None:
    session.intents_path.unlink()
    append_jsonl(
        session.intents_path,
        [
            Intent(seq=0, t_ns=0, t_end_ns=30 * TICK_NS, verb="click", sent={"button_down": 1, "button_up": 1}),
            Intent(seq=1, t_ns=69 * TICK_NS, t_end_ns=72 * TICK_NS, verb="key", sent={"key_down": 1, "key_up": 1}),
        ],
    )
    make_old(session)
    recover_session(session)
    recovery = recover_session(session, keep=True)
    assert (recovery.status, recovery.outcome, recovery.invalid_reasons) == ("recovered", "unverified", [])
    assert session.frames()[-1].t1_ns <= 30 * TICK_NS
    assert [action.kind for action in session.actions()] == ["button_down", "button_up"]
    assert not reconcile(session.actions(), session.intents())
    assert why_left_out(session) is None
    assert recover_session(session, keep=True).status == "fine"
    pack([session], out=tmp_path / "set")


def test_an_agents_session_that_never_reconciles_stays_out(session: SessionFolder) -> None:
    session.intents_path.unlink()
    append_jsonl(session.intents_path, [Intent(seq=0, t_ns=0, t_end_ns=TICK_NS, verb="key", sent={"key_down": 9})])
    make_old(session)
    assert recover_session(session, keep=True).outcome == "aborted"
    after = contents(session)
    recover_session(session, keep=True)
    assert contents(session) == after


def test_a_persons_session_is_kept_but_for_its_last_second(session: SessionFolder, tmp_path: Path) -> None:
    session.intents_path.unlink()
    given = Consent(consent_id="p-1234", text_version="1", text_sha256="0", given_at="2026-01-01T00:00:00Z",
                    given_in="page")  # fmt: skip
    write_json(session.consent_path, given)
    kill(session, actor="human:p-1234", consent_id="p-1234")
    last = session.frames()[-1].t1_ns
    recovery = recover_session(session, keep=True)
    assert (recovery.outcome, recovery.invalid_reasons) == ("unverified", [])
    assert last - 1.2e9 < session.frames()[-1].t1_ns <= last - 1e9
    pack([session], out=tmp_path / "set")


def test_a_session_damaged_later_keeps_its_outcome_and_says_so(tmp_path: Path) -> None:
    folder = make_session(tmp_path / "one", frames=60)
    os.truncate(folder.screen, folder.screen.stat().st_size // 2)
    recover_session(folder)
    manifest = folder.read_manifest()
    assert manifest.outcome == "success"
    assert any(reason.startswith("damaged after it was recorded") for reason in manifest.invalid_reasons)
    assert [problem for problem in check_session(folder) if problem.damage] == []


def test_a_bad_line_in_the_middle_is_named_for_good(session: SessionFolder) -> None:
    lines = session.actions_path.read_bytes().splitlines(keepends=True)
    session.actions_path.write_bytes(b"".join([lines[0], b"nonsense\n", *lines[2:]]))
    make_old(session)
    recovery = recover_session(session, keep=True)
    assert recovery.outcome == "aborted"
    assert "actions.jsonl: line 2 was damaged, 4 lines are lost" in recovery.invalid_reasons
    assert recovery.actions_lost == 4


@pytest.mark.parametrize("step", [1, 2, 3, 4])
def test_a_recovery_that_is_itself_killed_is_done_again(
    killed: SessionFolder, session: SessionFolder, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    os.truncate(session.screen, session.screen.stat().st_size // 2)
    os.truncate(session.actions_path, session.actions_path.stat().st_size - 5)
    make_old(session)
    before = contents(session)
    replace, moves = Path.replace, []

    def dying(self: Path, target: Path) -> Path:
        moves.append(target)
        if len(moves) == step:
            raise KeyboardInterrupt
        return replace(self, target)

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(Path, "replace", dying)
        recover_session(session)
        raise KeyboardInterrupt  # fewer files to replace: all is done
    make_old(session)
    recover_session(session)
    manifest = session.read_manifest()
    recovery = Recovery(session.path, "recovered", frames=manifest.frames, actions=manifest.actions)
    check_recovered(killed, session, recovery, before)


def test_without_session_json_nothing_is_guessed(session: SessionFolder) -> None:
    session.manifest_path.write_bytes(b"{")
    before = contents(session)
    recovery = recover_session(session)
    assert recovery.status == "lost"
    assert "restore it from a copy" in recovery.detail
    assert contents(session) == before


def make_terminal(path: Path) -> SessionFolder:
    """Two seconds of typing; the frames were not drawn yet when the recorder was killed."""
    folder = make_session(path, frames=2)
    for old in (folder.screen, folder.frames_path, folder.actions_path, folder.intents_path):
        old.unlink()
    folder.frames_path.touch()
    now = 0
    cast = CastWriter(folder.cast, 80, 24, lambda: now, timestamp=0, env={})
    for i in range(20):
        now = i * 100_000_000
        cast.event("i", "a")
        cast.event("o", "a")
    cast.close()
    append_jsonl(
        folder.actions_path,
        [Action(seq=i, t_ns=i * 100_000_000, kind="key", key="a", char="a") for i in range(20)],
    )
    append_jsonl(folder.intents_path, [Intent(seq=0, t_ns=0, t_end_ns=1_500_000_000, verb="type", sent={"key": 16})])
    kill(folder, kind="terminal", columns=80, rows=24)
    return folder


@pytest.mark.parametrize("cut", [0, 3])
def test_a_terminal_is_drawn_from_its_cast(tmp_path: Path, cut: int) -> None:
    folder = make_terminal(tmp_path / "one")
    os.truncate(folder.cast, folder.cast.stat().st_size - cut)
    make_old(folder)
    said = recover_session(folder, dry_run=True)
    done = recover_session(folder)
    assert (done.status, said.frames) == ("recovered", done.frames)
    assert [problem for problem in check_session(folder, decode=True) if problem.damage] == []
    manifest = folder.read_manifest()
    assert (manifest.state, manifest.outcome, manifest.frames) == ("complete", "aborted", 29)
    assert manifest.width > 64
    after = contents(folder)
    assert recover_session(folder).status == "fine"
    assert contents(folder) == after
    kept = recover_session(folder, keep=True)
    assert (kept.outcome, kept.invalid_reasons, len(folder.actions())) == ("unverified", [], 16)
    assert folder.frames()[-1].t1_ns <= 1_500_000_000
    assert [problem for problem in check_session(folder) if problem.damage] == []


@pytest.mark.parametrize("font_is_there", [True, False])
def test_a_terminal_is_drawn_as_it_was(tmp_path: Path, font_is_there: bool) -> None:
    folder = make_terminal(tmp_path / "one")
    font = tmp_path / "font.ttf"
    font.write_bytes(pymupdf_fonts.myfont("ubuntm"))
    look = TerminalLook(theme="solarized-light", cell=(10, 20), fonts=[str(font)])
    kill(folder, kind="terminal", columns=80, rows=24, look=look)
    if not font_is_there:
        font.unlink()
    assert recover_session(folder).status == "recovered"
    manifest = folder.read_manifest()
    notes = [note for note in manifest.notes if "usual look" in note]
    if font_is_there:
        assert (manifest.look, manifest.width, manifest.height, notes) == (look, 800, 480, [])
        corner = decode(folder.screen.read_bytes())[-1][-1, -1].astype(int)
        assert np.abs(corner - THEMES["solarized-light"].bg).max() < 8
    else:
        assert (manifest.look, manifest.width) == (TerminalLook(), 640)
        assert notes == [f"drawn with the usual look: --font {font}: no such file; put it back, or give another"]


@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_whatever_the_damage_to_a_cast_recovery_ends_well(data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        folder = make_terminal(Path(scratch) / "x")
        spoil(folder.cast, data)
        make_old(folder)
        for problem in check_session(folder):
            assert str(problem).isprintable()
        recovery = recover_session(folder)
        assert recovery.status in ("recovered", "lost")
        if recovery.status == "recovered":
            assert [problem for problem in check_session(folder, decode=True) if problem.damage] == []


def test_a_damaged_header_leaves_pictures_that_decode_or_none(killed: SessionFolder, tmp_path: Path) -> None:
    """Its bytes stand before the first picture. Some flips decode where they are, but not in a copy."""
    for place in range(570, 600, 2):
        folder = SessionFolder(Path(shutil.copytree(killed.path, tmp_path / f"{place}")))
        content = bytearray(folder.screen.read_bytes())
        content[place] ^= 64
        folder.screen.write_bytes(content)
        make_old(folder)
        if recover_session(folder, decode=True).status == "recovered":
            assert not any(problem.recoverable for problem in check_session(folder, decode=True)), place


@settings(max_examples=examples(120), deadline=None)
@given(data=st.data())
def test_whatever_the_damage_recovery_ends_well(killed: SessionFolder, data: st.DataObject) -> None:
    """It says why not, and changes nothing; or what it leaves is whole, and all that was there is there still."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = SessionFolder(Path(shutil.copytree(killed.path, Path(scratch) / "x")))
        for _ in range(data.draw(st.integers(1, 3))):
            spoil(folder.path / data.draw(st.sampled_from(FILES)), data)
        make_old(folder)
        before = contents(folder)
        recovery = recover_session(folder, keep=data.draw(st.booleans()), decode=True)
        after = contents(folder)
        if recovery.status in ("lost", "fine"):
            assert after == before
            return
        assert not any(problem.recoverable for problem in check_session(folder, decode=True))
        assert set(before.values()) - {b""} <= set(after.values())
        assert recover_session(folder, decode=True).status in ("fine", "lost")
        assert contents(folder) == after
