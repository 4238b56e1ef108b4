"""Runs a tape in a shell: exact times, no human model. Runs in the terminal's container as it does on the host."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from collector.episodes.endings import EpisodeOver
from collector.episodes.tape import Command, Tape
from collector.recording.session import Recording
from collector.shell.pty import Shell
from collector.shell.typist import Typist
from collector.tapes.hidden_output import HiddenOutput
from collector.tapes.options import options_of
from collector.tapes.patterns import LIMIT_S, TooSlow, compile_pattern, search
from collector.tapes.screen import TextScreen

SCREENSHOT = "screenshot "
"""What the cast's marker of a Screenshot begins with; its file's name follows."""
_LOOK_S = 0.02
_MAX_NOTES = 20
_QUIET_NS = 100_000_000
_ON_AND_ON_NS = 1_000_000_000
_ECHO_S = 0.5
# What VHS types with keys of their own.
_SPECIAL = {"\b": "BackSpace", "\x1b": "Escape", "←": "Left", "↑": "Up", "→": "Right", "↓": "Down"}


class TapePlayer:
    """One run of a tape. Made before the shell starts, so that a tape that begins with Hide hides that too."""

    def __init__(self, tape: Tape, recording: Recording) -> None:
        self._commands = tape.commands
        self._recording = recording
        options = options_of(tape.commands)
        self._typing_s, self._wait_s, self._wait_pattern = options.typing_s, options.wait_s, options.wait_pattern
        self._screen = TextScreen(options.columns, options.rows)
        self.on_output = self._screen.add_output
        """To be called with all of the shell's output."""
        self.theme = options.theme
        self._hidden_output = HiddenOutput(options.columns, options.rows)
        self.filter_output = self._hidden_output.filter_output
        """Returns what is recorded of output that is not hidden."""
        self._typed: list[str] = []
        """What was typed while hidden."""
        self._clipboard = ""
        self._screenshots: list[str] = []
        """Asked for while hidden: taken when something is shown again."""
        for note in tape.notes[:_MAX_NOTES]:
            recording.note(note)
        if len(tape.notes) > _MAX_NOTES:
            recording.note(f"and {len(tape.notes) - _MAX_NOTES} more remarks on the tape")
        first = next((c for c in tape.commands if c.verb not in ("Set", "Output", "Require", "Env")), None)
        if first is not None and first.verb == "Hide":
            recording.gate.pause(0, "Hide")

    def run(self, shell: Shell, typist: Typist) -> None:
        """Do every command. A tape may end with the shell's exit.

        Raises `EpisodeOver` when time is up, a Wait is in vain or the shell is gone too early.
        """
        self._shell, self._typist = shell, typist
        for command in self._commands:
            try:
                self._do(command)
            except EpisodeOver as error:
                raise EpisodeOver(f"{command.at}: {error}") from None
        if self._screenshots:
            self._recording.note("Screenshot: nothing was shown after it, so none was taken")

    def _do(self, command: Command) -> None:
        match command.verb:
            case "Hide":
                self._settle(_ECHO_S)  # what was typed before is still to be seen
                self._shell.hide("Hide")
            case "Show":
                if self._hidden and not self._settle(self._wait_s):
                    problem = f"what was typed while hidden was not read within {self._wait_s:g} s"
                    raise EpisodeOver(f"Show: {problem}; put a Wait before it")
                self._shell.show("Show")
                self._take_screenshots()
            case "Copy":
                self._clipboard = command.text
            case "Screenshot":
                self._screenshots.append(picture_name(command.text))
                if not self._hidden:
                    self._take_screenshots()
            case "Set":
                if command.name == "TypingSpeed":
                    self._typing_s = float(command.text)
            case _ if command.acts:
                self._act(command)

    def replace_hidden(self, held: str) -> str:
        """What is recorded in place of the output `held`, which was hidden."""
        typed, self._typed = self._typed, []
        return self._hidden_output.replacement(held, typed)

    def _settle(self, limit_s: float) -> bool:
        """Wait until all that was typed is read and answered; False if it is not read by then.

        A program that prints, or works, on and on is waited for a second at most.
        """
        until, read_ns = self._recording.now_ns() + round(limit_s * 1e9), None
        while (now := self._recording.now_ns()) < until and self._shell.alive:
            quiet_ns = self._shell.quiet_ns()
            read_ns = None if not quiet_ns else now if read_ns is None else read_ns
            if read_ns is not None and (
                now - read_ns > _ON_AND_ON_NS or (quiet_ns > _QUIET_NS and not self._shell.busy())
            ):
                return True
            self._sleep(_LOOK_S)
        return not self._shell.alive or bool(self._shell.quiet_ns())

    def _act(self, command: Command) -> None:
        if self._hidden:  # nothing is recorded, intents neither
            if command.verb in ("Type", "Paste"):
                self._typed.append(self._clipboard if command.verb == "Paste" else command.text)
            self._press_and_wait(command)
            return
        with self._typist.intent(command.verb.lower(), None):
            self._press_and_wait(command)

    def _press_and_wait(self, command: Command) -> None:
        each = self._typing_s if command.seconds is None else command.seconds
        match command.verb:
            case "Type":
                for char in command.text:
                    self._typist.press(_SPECIAL.get(char, char))
                    self._sleep(each)
            case "Paste":
                for char in self._clipboard:
                    self._typist.press(_SPECIAL.get(char, char))
            case "Key":
                for _ in range(command.times):
                    self._typist.press(command.text)
                    if "+" not in command.text:
                        self._sleep(each)
            case "Scroll":
                self._sleep(each * command.times)
            case "Sleep":
                self._sleep(each)
            case "Wait":
                self._wait(command)

    def _sleep(self, seconds: float) -> None:
        """Let time pass; a shell that has exited meanwhile is missed by the next key, if there is one."""
        try:
            self._typist.sleep(seconds)
        except EpisodeOver:
            if not self._shell.exited or self._shell.failure is not None:
                raise

    def _wait(self, command: Command) -> None:
        text = command.text if command.name.endswith("/") else self._wait_pattern
        limit_s = self._wait_s if command.seconds is None else command.seconds
        scope = command.name.rstrip("/")
        pattern, screen = compile_pattern(text), self._screen
        until = self._recording.now_ns() + round(limit_s * 1e9)
        screen.catch_up()
        while not self._matches(command, pattern, scope):
            while not screen.catch_up():
                if self._recording.now_ns() >= until:
                    seen = screen.line() if scope == "Line" else "\n".join(screen.lines()).strip()
                    where = "the cursor's line" if scope == "Line" else "the screen"
                    problem = f"/{text}/ was not on {where} within {limit_s:g} s; it showed {seen[-80:]!r}"
                    if self._hidden:
                        problem = f"its pattern was not on {where} within {limit_s:g} s; what it showed is hidden"
                    raise EpisodeOver(f"Wait: {problem}")
                self._typist.sleep(_LOOK_S)

    def _matches(self, command: Command, pattern: re.Pattern[str], scope: str) -> bool:
        try:
            return search(pattern, self._screen.line() if scope == "Line" else "\n".join(self._screen.lines()))
        except TooSlow:
            raise EpisodeOver(f"Wait: the pattern took more than {LIMIT_S} s to search; make it simpler") from None

    @property
    def _hidden(self) -> bool:
        return self._recording.gate.paused

    def _take_screenshots(self) -> None:
        for name in self._screenshots:
            self._shell.mark(SCREENSHOT + name)
        self._screenshots.clear()


def picture_name(path: str) -> str:
    """The file in the session folder for a Screenshot's path: its last part, without anything that could lead out."""
    stem = re.sub(r"[^A-Za-z0-9_-]+", "-", PurePosixPath(path.replace("\\", "/")).name.removesuffix(".png")).strip("-")
    return f"screenshot-{stem[:80] or 'picture'}.png"
