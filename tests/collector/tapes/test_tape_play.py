"""Tapes run in a real shell on a real pty: exact keys, exact times, and nothing of what is hidden."""

from __future__ import annotations

import json
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from collector.packing.recorded_session import read_recorded_session
from collector.packing.stretches import stretches
from collector.runner.terminal import run_episode
from collector.sessions.check import check_session
from collector.tapes.load import load_tape
from collector.tapes.screen import TextScreen
from collector.tapes.screenshots import draw_screenshots
from collector.tapes.spec import spec_of
from collector.terminal.cast import open_cast
from collector.terminal.render import render_session
from goaltrace import main
from manifests.errors import GoaltraceError
from manifests.session import SessionFolder, SessionManifest

pytestmark = pytest.mark.needs("ffmpeg", "bash")


def play(folder: Path, text: str, max_duration_s: float = 20) -> tuple[SessionFolder, SessionManifest]:
    path = folder / "t.tape"
    path.write_text(text)
    spec = spec_of(load_tape(path), path, environment="local", fps=30, max_duration_s=max_duration_s)
    session = SessionFolder(folder / "session")
    return session, run_episode(spec, session.path)


def typed(session: SessionFolder) -> str:
    return "".join(action.char or "" for action in session.actions())


def output(session: SessionFolder) -> str:
    return "".join(event.data for event in open_cast(session.cast).events() if event.code == "o")


def test_a_tape_becomes_a_session_like_any_other(tmp_path: Path) -> None:
    session, manifest = play(
        tmp_path, "# Print a sum.\nSet TypingSpeed 20ms\nType 'echo $((2+3))'\nEnter\nWait /^>$/\nSleep 300ms"
    )
    render_session(session, 30)
    assert (manifest.actor, manifest.arm, manifest.family, manifest.goal) == ("tape", "tape", "tape", "Print a sum.")
    assert (manifest.outcome, manifest.invalid_reasons) == ("unverified", [])
    assert typed(session) == "echo $((2+3))\r" and "C\x075\r\n" in output(session)
    events = list(open_cast(session.cast).events())
    assert "".join(event.data for event in events if event.code == "i") == typed(session)
    assert check_session(session) == []
    assert [intent.verb for intent in session.intents()] == ["type", "key", "wait", "sleep"]
    recorded = read_recorded_session(session)
    assert len(recorded.frames) > 10 and (recorded.manifest.columns, recorded.manifest.rows) == (77, 16)


def test_typing_keeps_the_tapes_times(tmp_path: Path) -> None:
    session, _ = play(
        tmp_path, "Set TypingSpeed 30ms\nType 'abcdef'\nType@100ms 'gh'\nLeft@10ms 5\nSleep 200ms\nCtrl+c"
    )
    actions = session.actions()
    assert [a.key for a in actions] == [*"abcdefgh", *["Left"] * 5, "ctrl+c"]
    gaps = [(b.t_ns - a.t_ns) / 1e6 for a, b in pairwise(actions)]
    wanted = [30] * 6 + [100] * 2 + [10] * 4 + [210]
    assert all(want <= gap for gap, want in zip(gaps, wanted, strict=True)), gaps
    assert float(np.median(np.array(gaps) - wanted)) < 10


def test_what_is_hidden_is_not_recorded_but_the_screen_it_leaves_is(tmp_path: Path) -> None:
    session, manifest = play(
        tmp_path,
        "Set TypingSpeed 5ms\nHide\nType 'secret=42; clear; echo ready'\nEnter\nWait+Screen /^ready\\n>/\n"
        "Show\nSleep 400ms\n"
        "Type 'echo $secret'\nEnter\n"
        "Wait+Screen /\\n42\\n>/\nSleep 300ms\nHide\nType 'echo no$((1+1))more'\nEnter\nWait+Screen /no2more\\n>/",
    )
    render_session(session, 30)
    assert typed(session) == "echo $secret\r" and manifest.invalid_reasons == []
    pauses = [(event.kind, event.reason) for event in session.events()]
    assert pauses == [("pause", "Hide"), ("resume", "Show"), ("pause", "Hide")]
    (_, shown, hidden) = (event.t_ns for event in session.events())
    assert session.events()[0].t_ns == 0
    frames = session.frames()
    assert all(shown <= frame.t0_ns < hidden for frame in frames) and len(frames) > 15
    assert [frame.index for frame in frames] == list(range(len(frames)))
    assert "no2more" not in output(session) and "ready" in output(session)
    assert frames[0].changed > 0, "the first frame shows what the hidden commands left"
    assert sum(s.stop - s.first for s in stretches(frames, session.events(), None)) == len(frames)
    assert check_session(session) == []


def test_wait_sees_line_and_screen_and_says_what_it_missed(tmp_path: Path) -> None:
    _, manifest = play(
        tmp_path,
        "Set TypingSpeed 5ms\nSet WaitTimeout 9s\n"
        "Wait\nType 'sleep 0.3; echo one; echo two'\nEnter\nWait+Screen /(?m)^one\\ntwo\\n>$/\nWait /^>$/\n"
        "Wait+Screen@300ms /^two/\nType 'x'",
    )  # fmt: skip
    assert manifest.outcome == "aborted"
    assert manifest.outcome_detail == (
        "t.tape:8:1: Wait: /^two/ was not on the screen within 0.3 s; "
        "it showed '> sleep 0.3; echo one; echo two\\none\\ntwo\\n>'"
    )


def test_wait_finds_what_comes_and_goes_on_at_once(tmp_path: Path) -> None:
    session, manifest = play(
        tmp_path,
        "Wait\nType 'sleep 0.4; echo do\"\"ne'\nEnter\nWait+Screen@9s /(?m)^done$/\nWait@9s\nType 'true'\nEnter",
    )
    assert manifest.outcome == "unverified", manifest.outcome_detail
    said = next(e.t_ns for e in open_cast(session.cast).events() if e.code == "o" and "done\r\n" in e.data)
    waits = [intent for intent in session.intents() if intent.verb == "wait"]
    assert waits[1].t_end_ns >= said, "it waited"
    assert all(wait.t_end_ns < max(wait.t_ns, said) + 5e9 for wait in waits[1:]), "and no longer than it had to"


def test_a_hostile_pattern_ends_the_tape(tmp_path: Path) -> None:
    _, manifest = play(tmp_path, f"Set TypingSpeed 1ms\nType '{'a' * 50}'\nSleep 100ms\nWait /(a+)+b$/")
    assert manifest.outcome == "aborted" and "took more than" in manifest.outcome_detail


def test_copy_paste_env_and_keys(tmp_path: Path) -> None:
    session, manifest = play(
        tmp_path,
        "Env WORD 'from env'\nCopy 'echo pasted'\nPaste\nEnter\nWait+Screen /\\npasted\\n>/\n"
        "Type 'echo $WORD'\nEnter\nWait+Screen /\\nfrom env\\n>/\n"
        "Type 'echo abX'\nBackspace\nCtrl+A\nType 'true; '\nEnter\nWait+Screen /\\nab\\n>/\n"
        "Up 2\nEnd\nType '-again'\nEnter\nWait+Screen /-again\\nfrom env-again\\n>/",
    )
    assert manifest.outcome == "unverified"
    said = output(session)
    assert all(f"C\x07{line}\r\n" in said for line in ("pasted", "from env", "ab", "from env-again"))


def test_a_prompt_that_env_asks_for_is_shown_and_known_as_one(tmp_path: Path) -> None:
    tape = """Env PS1 "it's \\$ "\nWait /it's [$#]$/\nType 'echo hi'\nEnter\nWait+Screen /\\nhi\\nit's/\nSleep 100ms"""
    session, _ = play(tmp_path, tape)
    assert session.read_manifest().outcome == "unverified"
    assert output(session).count("\x1b]133;B\x07") == 2


def test_a_screenshot_is_a_picture_of_that_moment_inside_the_session(tmp_path: Path) -> None:
    session, _ = play(
        tmp_path,
        "Wait\nScreenshot ../../early.png\nType 'echo hello'\nEnter\nWait+Screen /\\nhello\\n>/\n"
        "Screenshot sub/late.png\nHide\nScreenshot shown.png\nType 'clear'\nEnter\nWait+Screen /^>\\s*$/\nShow\n"
        "Sleep 100ms",
    )
    before = set(tmp_path.rglob("*"))
    names = draw_screenshots(session)
    assert names == ["screenshot-early.png", "screenshot-late.png", "screenshot-shown.png"]
    assert set(tmp_path.rglob("*")) - before == {session.path / name for name in names}
    early, late, shown = (np.asarray(Image.open(session.path / name)) for name in names)
    manifest = session.read_manifest()
    assert early.shape == late.shape == (manifest.height, manifest.width, 3)
    assert (late != early).any() and (shown == early).all(), "after the clear the screen is as at first"


def test_a_screenshot_does_not_follow_a_link_that_a_tape_left(tmp_path: Path) -> None:
    session, _ = play(tmp_path, "Wait\nScreenshot a.png\nSleep 50ms")
    victim = tmp_path / "victim"
    victim.write_text("mine")
    (session.path / "screenshot-a.png").symlink_to(victim)
    draw_screenshots(session)
    assert victim.read_text() == "mine" and not (session.path / "screenshot-a.png").is_symlink()


def test_a_tape_may_end_with_exit_but_not_type_after_it(tmp_path: Path) -> None:
    for name in "abc":
        (tmp_path / name).mkdir()
    for name, ending in (("a", "Type 'exit'\nEnter"), ("c", "Ctrl+D")):
        _, manifest = play(tmp_path / name, f"{ending}\nSleep 9s")  # which ends with the shell
        assert manifest.outcome == "unverified", manifest.outcome_detail
        assert [event.data for event in open_cast(tmp_path / name / "session" / "terminal.cast").events()][-1] == "0"
    _, manifest = play(tmp_path / "b", "Type 'exit'\nEnter\nSleep 9s\nType 'ls'\nEnter")
    assert (manifest.outcome, manifest.outcome_detail) == ("aborted", "t.tape:4:1: the shell ended")


def test_a_shell_whose_terminal_closes_before_it_ends_has_ended_by_itself(tmp_path: Path) -> None:
    _, manifest = play(tmp_path, "Type 'exec sleep 0.4 <&- >&- 2>&-'\nEnter\nSleep 9s")
    assert manifest.outcome == "unverified", manifest.outcome_detail


def test_the_last_output_is_kept_however_late_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add_output = TextScreen.add_output

    def late(screen: TextScreen, text: str) -> None:
        add_output(screen, text)
        if "first" in text:
            time.sleep(1.5)

    monkeypatch.setattr(TextScreen, "add_output", late)
    session, _ = play(tmp_path, "Type 'echo fi\"\"rst; sleep 0.2; echo last; exit'\nEnter\nSleep 9s")
    assert "last\r\n" in output(session)


@pytest.mark.parametrize("seconds", [1e-6, 1], ids=["before the first prompt", "after it"])
def test_time_is_bounded(tmp_path: Path, seconds: float) -> None:
    _, manifest = play(tmp_path, "Wait@60s /never/", max_duration_s=seconds)
    assert manifest.outcome == "aborted" and "time is up" in manifest.outcome_detail


def test_a_program_that_reads_nothing_does_not_hold_the_recorder_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("collector.shell.pty._FULL_S", 0.5)
    _, manifest = play(
        tmp_path,
        "Set TypingSpeed 0\nType 'stty raw -echo; echo ra\"\"w; sleep 60'\nEnter\nWait+Screen /raw/\n"
        "Delete 10000\nDelete 10000",
    )
    assert manifest.outcome == "aborted" and "takes no more keys" in manifest.outcome_detail


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Enter\nRequire no-such-program", r"t\.tape:2:1: Require no-such-program: not found"),
        ("Set Shell fish\nEnv PATH '/usr/lib/nothing'\nEnter", "Set Shell fish: not found"),
    ],
)
def test_what_is_missing_is_said_before_anything_is_recorded(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(GoaltraceError, match=said):
        play(tmp_path, text)
    assert not (tmp_path / "session").exists()


def test_the_command_runs_the_good_names_the_bad_and_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tapes, out = tmp_path / "tapes", tmp_path / "out"
    (tapes / "sub").mkdir(parents=True)
    (tapes / "good.tape").write_text("Source settings.tape\nType 'echo hi'\nEnter\nScreenshot x/y.png\nSleep 100ms")
    (tapes / "sub" / "bad.tape").write_text("Enter\n  Bogus")
    (tapes / "settings.tape").write_text("Set TypingSpeed 1ms")
    (tapes / "start.tape").write_text("Hide\nType 'clear'\nEnter\nShow")
    arguments = ["import", "tape", str(tapes), "--out", str(out), "--env", "local", "--json"]
    assert main([*arguments, "--dry-run"]) == 1 and not out.exists()
    capsys.readouterr()
    assert main(arguments) == 1
    rows = {Path(row["tape"]).name: row for row in json.loads(capsys.readouterr().out)["tapes"]}
    assert {name: row["state"] for name, row in rows.items()} == {
        "good.tape": "recorded", "bad.tape": "failed", "settings.tape": "shows nothing",
        "start.tape": "shows nothing",
    }  # fmt: skip
    assert rows["bad.tape"]["reason"].startswith(f"{tapes}/sub/bad.tape:2:3: ")
    session = Path(rows["good.tape"]["session"])
    assert (session / "screenshot-y.png").is_file() and (session / "screen.mkv").is_file()
    written = (session / "terminal.cast").stat().st_mtime_ns
    assert main(arguments) == 1
    rows = {Path(row["tape"]).name: row for row in json.loads(capsys.readouterr().out)["tapes"]}
    assert rows["good.tape"]["state"] == "there already"
    assert (session / "terminal.cast").stat().st_mtime_ns == written


def test_a_tape_that_stops_is_a_failed_one_and_is_run_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "t.tape").write_text("Wait@200ms /never/")
    arguments = ["import", "tape", str(tmp_path / "t.tape"), "--out", str(tmp_path / "out"), "--env", "local"]
    for _ in range(2):
        assert main(arguments) == 1
        assert "t.tape:1:1: Wait: /never/ was not on the cursor's line" in capsys.readouterr().err
    assert len(list((tmp_path / "out" / "aborted").iterdir())) == 1


def test_an_out_that_cannot_be_is_said_once_before_any_tape_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.tape").write_text("Enter")
    arguments = ["import", "tape", str(tmp_path), "--env", "local", "--out", str(tmp_path / "a.tape" / "sessions")]
    assert main(arguments) == 2
    said = capsys.readouterr()
    assert said.out == "" and said.err.count("\n") == 1 and "a.tape: is a file" in said.err
