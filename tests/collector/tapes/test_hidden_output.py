"""What a tape hides is in no file of its session, in no clip and no export, and the screen is right all the same."""

from __future__ import annotations

from pathlib import Path

import pytest

import goaltrace
from collector.runner.terminal import run_episode
from collector.shell.pty import Shell
from collector.tapes.hidden_output import HiddenOutput
from collector.tapes.load import load_tape
from collector.tapes.spec import spec_of
from collector.terminal.canvas import Canvas
from collector.terminal.render import render_session
from collector.terminal.screen import Screen
from manifests.clip_io import ClipReader
from manifests.session import SessionFolder
from tests.places import everything_in

SECRET = "zq7secretzq7"
HIDDEN = f"Hide\nType 'export TOKEN={SECRET}'\nEnter\n"
ENDS = {
    "cleared": "Type 'clear'\nEnter\nShow\n",
    "not cleared": "Wait\nShow\n",
    "at once": "Show\n",
    "half typed": f"Type 'echo {SECRET}'\nShow\nCtrl+c\nSleep 300ms\n",
    "behind a slow command": f"Type 'sleep 1; clear'\nEnter\nType '# {SECRET}'\nEnter\nShow\n",
    "in a program": f"Type 'cat > /dev/null'\nEnter\nType 'pass={SECRET}'\nEnter\nCtrl+d\nShow\n",
    "set as a title": f"""Type `printf '\\033]0;{SECRET}\\007'`\nEnter\nShow\n""",
    "to the end": "",
}


def play(folder: Path, text: str) -> SessionFolder:
    path = folder / "t.tape"
    path.write_text("Set TypingSpeed 5ms\nSet WaitTimeout 5s\n" + text)
    spec = spec_of(load_tape(path), path, environment="local", fps=15, max_duration_s=30)
    path.unlink()
    session = SessionFolder(folder / "session")
    run_episode(spec, session.path)
    return session


AT_THE_PROMPT = ("not cleared", "half typed")
"""Where shells differ."""


@pytest.mark.needs("ffmpeg", "bash")
@pytest.mark.parametrize(
    ("shell", "end"),
    [*(("bash", end) for end in ENDS), *((shell, end) for shell in ("zsh", "fish") for end in AT_THE_PROMPT)],
)
def test_what_is_hidden_is_in_no_file_no_clip_and_no_export(tmp_path: Path, end: str, shell: str) -> None:
    if shell != "bash":
        from tests.conftest import require

        require(shell)
    before = "Type 'echo before'\nEnter\nSleep 500ms\n"
    after = (
        "" if end == "to the end" else "Sleep 300ms\nType 'echo after'\nEnter\nWait+Screen /after\\n/\nSleep 600ms\n"
    )
    session = play(tmp_path, f"Set Shell {shell}\n{before}{HIDDEN}{ENDS[end]}{after}")
    assert session.read_manifest().outcome == "unverified", session.read_manifest().outcome_detail
    render_session(session, 15)
    assert goaltrace.main(["pack", str(session.path), "--out", str(tmp_path / "set"), "--clip-seconds", "1"]) == 0
    for version in ("v2", "v3"):
        out = str(tmp_path / f"{version}.cast")
        assert goaltrace.main(["export", "cast", str(session.path), "--out", out, "--format", version]) == 0
    assert goaltrace.main(["view", str(session.path), "--out", str(tmp_path / "page.html")]) == 0
    for name, content in everything_in(tmp_path).items():
        assert SECRET.encode() not in content, name
    texts = " ".join(str(row["screen_text"]) for row in ClipReader(tmp_path / "set").iter_clips())
    assert "before" in texts and ("after" in texts) == (end != "to the end"), "what is not hidden is there"


@pytest.mark.needs("bash")
def test_a_wait_that_fails_while_hidden_does_not_tell_what_it_saw(tmp_path: Path) -> None:
    session = play(tmp_path, f"Type 'ls'\n{HIDDEN}Wait+Screen@500ms /no {SECRET}/\nShow\n")
    assert session.read_manifest().outcome == "aborted"
    assert "what it showed is hidden" in session.read_manifest().outcome_detail
    assert not [name for name, content in everything_in(tmp_path).items() if SECRET.encode() in content]


@pytest.mark.needs("bash")
def test_a_remark_on_the_tape_quotes_nothing_of_it(tmp_path: Path) -> None:
    session = play(tmp_path, f"Type 'ls'\nHide\nType 'x'\n{SECRET}\nCtrl+c\nShow\nSleep 200ms\n")
    assert any("is no command" in note for note in session.read_manifest().notes)
    assert not [name for name, content in everything_in(tmp_path).items() if SECRET.encode() in content]


@pytest.mark.needs("bash")
def test_a_show_before_anything_was_read_ends_the_tape(tmp_path: Path) -> None:
    session = play(
        tmp_path, f"Type 'ls'\nEnter\nHide\nType 'sleep 20'\nEnter\nType '{SECRET}'\nEnter\nShow\nSleep 1s\n"
    )
    manifest = session.read_manifest()
    assert manifest.outcome == "aborted" and "put a Wait before it" in manifest.outcome_detail
    assert not [name for name, content in everything_in(tmp_path).items() if SECRET.encode() in content]


def look(screen: Screen) -> bytes:
    canvas = Canvas(20, 8)
    canvas.update(screen)
    return screen.text().encode() + canvas.pixels.tobytes()


SCREENS = {
    "colours": ("one\r\n", "\x1b[1;31mred\x1b[0m and \x1b[44mblue", "!"),
    "scrolled": ("\r\n".join(map(str, range(12))), "\r\n".join(f"line {n}" for n in range(9)), "\r\nend"),
    "wide": ("日本", "語\r\n한글 x", "字"),
    "wrapped": ("x" * 17, "y" * 30, "z"),
    "erased": ("abc\r\ndef\x1b[H", "\x1b[2Kxy\x1b[B\x1b[1P", "q"),
    "another screen": ("shell$ vim", "\x1b[?1049h\x1b[2J\x1b[3;3Hinside", "\x1b[?1049l after"),
    "half a sequence": ("a", "b\x1b[3", "1mc"),
    "a region": ("1\r\n2\r\n3\r\n4\r\n", "\x1b[2;3r\x1b[3;1Hnew\r\nnewer", "\x1b[r\x1b[5;1Hx"),
}


@pytest.mark.parametrize("name", SCREENS)
def test_the_recorded_screen_is_the_real_one(name: str) -> None:
    """As libghostty, which frames are drawn with, has it: characters and colours."""
    before, held, after = SCREENS[name]
    output = HiddenOutput(20, 8)
    real, recorded = Screen(20, 8), Screen(20, 8)
    for text in (before, held, after):
        real.feed(text)
    for text in (output.filter_output(before), output.replacement(held, []), output.filter_output(after)):
        recorded.feed(text)
    assert look(recorded) == look(real)


def test_only_what_is_on_the_screen_comes_back() -> None:
    output = HiddenOutput(20, 4)
    output.filter_output("$ ")
    said = output.replacement(f"cat {SECRET}\r\n\x1b]0;{SECRET}\x07\x1b[2J\x1b[Hready", [])
    assert SECRET not in said and "ready" in said


@pytest.mark.needs("bash")
def test_show_waits_while_the_shell_is_at_work_in_silence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine keys are read long before they are answered: quiet alone does not say that all is shown."""
    asked: list[bool] = []

    def busy(shell: Shell) -> bool:
        if not shell._recording.gate.paused:
            return False
        asked.append(len(asked) < 2)
        return asked[-1]

    monkeypatch.setattr(Shell, "busy", busy)
    assert play(tmp_path, f"{HIDDEN}Show\nType 'ls'\nEnter\n").read_manifest().outcome == "unverified"
    assert asked[:3] == [True, True, False]
