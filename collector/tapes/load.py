"""Reads a tape from a file: what Source names is put in its place here, on the host, from the tape's own folder or,
as VHS does, from the folder that the command is run in."""

from __future__ import annotations

import os
import re
from pathlib import Path

from collector.episodes.tape import Command, NothingToRun, Tape, TapeError
from collector.tapes.options import options_of
from collector.tapes.parser import parse
from manifests.errors import GoaltraceError
from manifests.files import read_bytes

MAX_TAPE_BYTES = 2**20
MAX_COMMANDS = 20_000
MAX_SCREENSHOTS = 100
_MAX_DEPTH = 8
_MAX_SOURCED = 100
_README = ("Where should we write the GIF?", "Set up a 1200x600 terminal with 46px font.")
"""Comments of the example in VHS's README, with which many a tape began."""
_NAMED_GOAL = re.compile(r"^[ \t]*#[ \t]*(?:instruction|goal|description)[ \t]*:[ \t]*(\S.*)$", re.I | re.M)


def load_tape(path: Path) -> Tape:
    """Read a tape; a `TapeError` names file, line and column of what is wrong, `NothingToRun` what shows nothing."""
    loader = _Loader(path)
    commands = loader.read(path, path.name, [])
    if not any(command.acts for command in commands):
        raise NothingToRun(f"{path}:1:1: types nothing and waits for nothing; add commands, or Source it in a tape")
    if _all_hidden(commands):
        raise NothingToRun(f"{path}:1:1: everything is hidden, so nothing would be recorded; add a Show")
    notes = [*loader.notes, *options_of(commands).notes]
    return Tape(name=path.name, goal=goal_of(loader.text, path.name), commands=commands, notes=notes)


class _Loader:
    def __init__(self, path: Path) -> None:
        self._folder = path.parent.resolve()
        here = Path.cwd()
        self._root = here if self._folder.is_relative_to(here) else self._folder
        """What Source stays in. A tape elsewhere says nothing about the folder that the user is in."""
        self._files = 0
        self.notes: list[str] = []
        self.text = ""

    def read(self, path: Path, file: str, within: list[Path]) -> list[Command]:
        text = _text(path)
        if not within:
            self.text = text
        parsed, notes = parse(text, str(path), file)
        self.notes += notes
        commands: list[Command] = []
        for command in parsed:
            if command.verb == "Source":
                commands += self._sourced(path, command, [*within, path.resolve()])
            elif command.verb != "Output" or not within:  # VHS leaves the outputs of what it reads out too
                commands.append(command)
            if len(commands) > MAX_COMMANDS:
                raise TapeError(f"{_place(path, command)}: more than {MAX_COMMANDS:,} commands; make several tapes")
        if sum(command.verb == "Screenshot" for command in commands) > MAX_SCREENSHOTS:
            raise TapeError(f"{path}:1:1: more than {MAX_SCREENSHOTS} Screenshots; make several tapes")
        return commands

    def _sourced(self, path: Path, command: Command, within: list[Path]) -> list[Command]:
        place = _place(path, command)
        named = [(folder / command.text).resolve() for folder in (path.parent, self._root)]
        inside = [target for target in named if target.is_relative_to(self._root)]
        if not inside:
            raise TapeError(
                f"{place}: Source {command.text}: is outside the tape's folder and the one you are in; move it inside"
            )
        target = next((target for target in inside if target.is_file()), inside[0])
        if target in within:
            raise TapeError(f"{place}: Source {command.text}: the tapes read each other in a circle; remove one Source")
        self._files += 1
        if len(within) >= _MAX_DEPTH or self._files > _MAX_SOURCED:
            limit = f"{_MAX_DEPTH} tapes deep" if len(within) >= _MAX_DEPTH else f"{_MAX_SOURCED} tapes"
            raise TapeError(f"{place}: Source {command.text}: more than {limit}; put them together")
        if not target.is_file():
            raise TapeError(f"{place}: Source {command.text}: no such file beside the tape or in {self._root}")
        return self.read(target, Path(os.path.relpath(target, self._folder)).as_posix(), within)


def _text(path: Path) -> str:
    if path.exists() and not path.is_file():
        raise GoaltraceError(f"{path}: not a file; give a .tape file or a folder of them")
    data = read_bytes(path, MAX_TAPE_BYTES)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - data.rfind(b"\n", 0, error.start)
        raise TapeError(f"{path}:{line}:{column}: not UTF-8 text; save the tape as UTF-8") from None
    if "\0" in text:
        before = text[: text.index("\0")]
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        raise TapeError(f"{path}:{line}:{column}: a NUL character; is this a tape?")
    return text


def _place(path: Path, command: Command) -> str:
    return f"{path}:{':'.join(command.at.rsplit(':', 2)[1:])}"


def _all_hidden(commands: list[Command]) -> bool:
    hidden = False
    for command in commands:
        if command.verb in ("Hide", "Show"):
            hidden = command.verb == "Hide"
        elif command.acts and not hidden:
            return False
    return True


def goal_of(text: str, name: str) -> str:
    """What a tape is for: its line "# INSTRUCTION: ..." (or Goal:, Description:), its first comment, or its name.

    Comments that only rule off, the summary of the language that `vhs new` puts at a tape's head, and those of VHS's
    own example do not count.
    """
    named = _NAMED_GOAL.search(text)
    if named:
        return _bounded(named[1], name)
    paragraph: list[str] = []
    summary = False
    for line in [*text.splitlines(), ""]:
        comment = line.strip()
        if comment.startswith("#"):
            words = comment.strip("#-=* \t")
            if "VHS documentation" in words:
                summary = True
            elif words and not summary and words not in _README:
                paragraph.append(words)
            continue
        summary = False
        if paragraph:
            break
    return _bounded(" ".join(paragraph), name)


def _bounded(goal: str, name: str) -> str:
    goal = " ".join("".join(c if c.isprintable() else " " for c in goal).split())[:1000].strip()
    return goal if len(goal) >= 5 else f"Run the tape {name}"[:1000]
