"""What a tape shows is told alike in bash, zsh and fish: command lines, outputs and exit codes."""

from __future__ import annotations

from pathlib import Path

import pytest

from collector.runner.terminal import run_episode
from collector.tapes.load import load_tape
from collector.tapes.screen import TextScreen
from collector.tapes.spec import spec_of
from collector.terminal.cast import open_cast
from collector.terminal.transcript import Line, Transcript
from manifests.session import SessionFolder, SessionManifest

pytestmark = [pytest.mark.e2e, pytest.mark.needs("bash", "zsh", "fish")]
every_shell = pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])


class Played:
    """A tape that was run on this machine: how it ended, its command lines and its last screen."""

    def __init__(self, folder: Path, shell: str, text: str) -> None:
        path = folder / "t.tape"
        path.write_text(f"Set Shell {shell}\nSet TypingSpeed 10ms\nWait\n{text}")
        session = SessionFolder(folder / "session")
        spec = spec_of(load_tape(path), path, environment="local", fps=30, max_duration_s=30)
        self.manifest: SessionManifest = run_episode(spec, session.path)
        cast, keys = open_cast(session.cast), iter(session.actions())
        transcript, screen = Transcript(cast.columns, cast.rows), TextScreen(cast.columns, cast.rows)
        self.output = ""
        for event in cast.events():
            if event.code == "i":
                transcript.key(next(keys).key)
            elif event.code == "o":
                transcript.output(event.t_ns, event.data)
                screen.add_output(event.data)
                self.output += event.data
        screen.catch_up()
        self.lines: list[Line] = transcript.take().lines
        self.screen = [row for row in screen.lines() if row]

    @property
    def told(self) -> list[tuple[str, str, int | None, str]]:
        """Of each command line: its text, what became of it, its exit code, its output's first line."""
        return [(line.text, line.state, line.status, line.output.lines()[0]) for line in self.lines]


@every_shell
def test_commands_outputs_and_exit_codes_are_told_alike(tmp_path: Path, shell: str) -> None:
    played = Played(
        tmp_path, shell,
        "Type 'echo one two'\nEnter\nWait\nType 'false'\nEnter\nWait\nEnter\nWait\n"
        "Type 'sh -c \"exit 3\"'\nEnter\nWait\nType 'cd / && pwd'\nEnter\nWait\n"
        "Type 'printf abc'\nEnter\nWait+Screen /(?m)^abc/\nSleep 200ms\n"
        "Type 'sleep 9'\nEnter\nSleep 300ms\nCtrl+C\nWait\nSleep 200ms\n"
        "Type 'echo no'\nSleep 100ms\nCtrl+C\nSleep 200ms\n"
        "Type 'echo lx'\nBackspace\nType 'ast'\nLeft 4\nType 'the '\nSleep 200ms\n"
        "Enter\nWait+Screen /(?m)^the last/\nWait",
    )  # fmt: skip
    assert played.manifest.outcome == "unverified", played.manifest.outcome_detail
    assert played.told == [
        ("echo one two", "over", 0, "one two"), ("false", "over", 1, ""), ('sh -c "exit 3"', "over", 3, ""),
        ("cd / && pwd", "over", 0, "/"), ("printf abc", "over", 0, "abc"), ("sleep 9", "over", 130, "^C"),
        ("echo no", "given up", None, ""), ("echo the last", "over", 0, "the last"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("shell", "words"),
    [("bash", ("for i in a b; do", "echo $i", "done")), ("zsh", ("for i in a b; do", "echo $i", "done")),
     ("fish", ("for i in a b", "echo $i", "end"))],
)  # fmt: skip
def test_a_command_of_several_lines_is_one(tmp_path: Path, shell: str, words: tuple[str, ...]) -> None:
    typed = "\n".join(f"Type '{word}'\nEnter\nSleep 200ms" for word in (*words, 'echo "x', 'y"'))
    (loop, text) = Played(tmp_path, shell, typed).lines
    assert [row.strip() for row in loop.text.split("\n")] == list(words) and loop.output.lines() == ("a", "b", 2)
    assert text.text == 'echo "x\ny"' and text.output.lines() == ("x", "y", 2)


@pytest.mark.parametrize(
    ("shell", "prompt"),
    [("bash", "PS1='me $ '"), ("zsh", "PS1='me $ '"), ("fish", "function fish_prompt; echo -n 'me $ '; end")],
)
def test_a_prompt_that_a_tape_sets_is_known_as_one(tmp_path: Path, shell: str, prompt: str) -> None:
    played = Played(
        tmp_path, shell, f'Type "{prompt}"\nEnter\nWait /^me [$]$/\nType "false"\nEnter\nWait+Screen /false\\nme/'
    )
    assert played.manifest.outcome == "unverified", played.manifest.outcome_detail
    assert played.told[1:] == [("false", "over", 1, "")] and played.screen[-2:] == ["me $ false", "me $"]


@every_shell
def test_a_cleared_screen_keeps_the_line_and_a_completed_one_is_told_whole(tmp_path: Path, shell: str) -> None:
    played = Played(
        tmp_path, shell,
        "Type 'echo kept'\nSleep 100ms\nCtrl+L\nSleep 200ms\nEnter\nWait\n"
        "Type 'echo /usr/bi'\nTab\nSleep 300ms\nEnter\nWait",
    )  # fmt: skip
    assert [(text.rstrip("/"), first.rstrip("/")) for text, _, _, first in played.told] == [
        ("echo kept", "kept"), ("echo /usr/bin", "/usr/bin"),
    ]  # fmt: skip


@every_shell
def test_what_is_not_yet_run_is_told_without_what_the_shell_suggests(tmp_path: Path, shell: str) -> None:
    text = "Type 'touch notes.txt'\nEnter\nWait\nType 'cat no'\nSleep 300ms"
    played = Played(tmp_path, shell, text)
    assert played.told[1:] == [("cat no", "typing", None, "")]
    assert played.screen[-1] == ("> cat notes.txt" if shell == "fish" else "> cat no"), "as it is in VHS"


@every_shell
def test_the_prompt_is_that_of_vhs_and_so_is_what_stands_behind_an_output_without_an_end(
    tmp_path: Path, shell: str
) -> None:
    played = Played(tmp_path, shell, "Type 'printf abc'\nEnter\nWait+Screen /(?m)^abc/\nSleep 200ms\nWait /^>$/")
    assert played.screen[1].removeprefix("abc") in {"bash": {""}, "zsh": {"%", "#"}, "fish": {"⏎"}}[shell]
    assert played.screen[::2] == ["> printf abc", ">"]
    color = {"bash": "38;2;90;86;224", "zsh": "38;2;91;86;224", "fish": "38;5;62"}[shell]
    assert f"\x1b[{color}m> " in played.output


@every_shell
@pytest.mark.parametrize("ending", ["Type 'exit'\nEnter", "Ctrl+D"])
def test_a_tape_may_end_with_the_shells_end(tmp_path: Path, shell: str, ending: str) -> None:
    manifest = Played(tmp_path, shell, f"{ending}\nSleep 500ms").manifest
    assert manifest.outcome == "unverified", manifest.outcome_detail


def test_a_zsh_started_in_a_tape_reads_the_files_that_the_tape_wrote(tmp_path: Path) -> None:
    played = Played(
        tmp_path, "zsh",
        "Type \"echo 'PS1=mine:' > ~/.zshrc; exec zsh\"\nEnter\nWait /^mine:$/\nType 'echo $ZDOTDIR.'\nEnter\n"
        "Wait+Screen /(?m)^[.]$/",
    )  # fmt: skip
    assert played.manifest.outcome == "unverified", played.manifest.outcome_detail


def test_a_tapes_own_precmd_runs_beside_the_marks(tmp_path: Path) -> None:
    text = "Type 'precmd() { echo code $? }'\nEnter\nWait\nType 'false'\nEnter\nWait+Screen /code 1/\nWait"
    assert Played(tmp_path, "zsh", text).told[1:] == [("false", "over", 1, "code 1")]


def test_a_prompt_that_a_program_prints_is_no_prompt(tmp_path: Path) -> None:
    text = "Type 'echo $PS1; false'\nEnter\nWait\nType 'true'\nEnter\nWait"
    assert [(line.text, line.status) for line in Played(tmp_path, "zsh", text).lines] == [
        ("echo $PS1; false", 1), ("true", 0),
    ]  # fmt: skip
