"""What was typed, run and printed in a terminal, part by part: what captions are made of.

The shell's marks (OSC 133) tell prompts, command lines, outputs and results apart. A command line is what stands on
the screen after its prompt, so corrections and history are followed exactly; nothing is guessed from keys.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal
from unicodedata import east_asian_width

from collector.terminal.screen import Screen

_MARK = re.compile(r"\x1b\]133;([A-D])((?:;[^\x07\x1b]*)?)(?:\x07|\x1b\\)")
_BEGUN = re.compile(r"\x1b(?:\](?:1(?:3(?:3(?:;[A-D;][^\x07\x1b]{0,60}\x1b?|;)?)?)?)?)?\Z")
_WHOLE_SCREEN = re.compile(r"\x1b\[\?(?:47|1047|1049)h")
_RESET = "\x1bc"
_HEAD, _TAIL, _LINE = 8192, 2048, 16_384
_HEAD_LINES = 150
_WIDE, _HIGH = 500, 200  # of the scratch screen that lays out an output


@dataclass
class Output:
    """What was printed, by its beginning and its end."""

    head: str = ""
    tail: str = ""
    feeds: int = 0
    size: int = 0
    whole_screen: bool = False
    """A program drew on a screen of its own, as editors do: it has no lines."""

    def add(self, text: str) -> None:
        if len(self.head) < _HEAD:
            self.head += text[:_HEAD]
        self.tail = (self.tail + text)[-_TAIL:]
        self.feeds += text.count("\n")
        self.size += len(text)
        self.whole_screen = self.whole_screen or bool(_WHOLE_SCREEN.search(text))

    def lines(self) -> tuple[str, str, int]:
        """The first line that is not blank, the last one, and how many there are."""
        short = self.feeds <= _HEAD_LINES and len(self.head) == self.size
        rows = _rows(self.head if short else "\n".join(self.head.split("\n")[:_HEAD_LINES]))
        if short or not rows:
            return (rows[0], rows[-1], len(rows)) if rows else ("", "", 0)
        last = _rows(self.tail.partition("\n")[2] or self.tail)
        return rows[0], last[-1] if last else "", self.feeds


@dataclass
class Line:
    """A command line, and what came of it in one part of a session."""

    text: str = ""
    """As it stands at the part's end, or as it was run."""
    before: str = ""
    """What stood there when the part began."""
    state: Literal["typing", "running", "over", "given up"] = "typing"
    ran: bool = False
    """It was run in this part; else before it, or not yet."""
    told: bool = True
    """False when something of it was hidden: then its text is not to be used."""
    keys: int = 0
    slips: int = 0
    """How many times BackSpace took something back."""
    keys_inside: int = 0
    """Keys that the running program got."""
    typed_ns: int | None = None
    ran_ns: int | None = None
    over_ns: int | None = None
    status: int | None = None
    output: Output = field(default_factory=Output)

    @property
    def happened(self) -> bool:
        return bool(
            self.keys or self.keys_inside or self.ran or self.output.size or self.state in ("over", "given up")
            or self.text != self.before
        )  # fmt: skip


@dataclass
class Part:
    """What happened between two `Transcript.take`s."""

    lines: list[Line] = field(default_factory=list)
    keys: int = 0
    """Keys pressed while no prompt was there and nothing ran; all of them, where the shell sets no marks."""
    told: bool = True
    """False when something of these lines, or of the one that stands there unfinished, was hidden."""


class Transcript:
    """Follows a terminal's output and keys in order of time."""

    def __init__(self, columns: int, rows: int) -> None:
        self.marked = False
        """Whether the shell has set any mark so far."""
        self._screen = Screen(columns, max(rows, 50))
        self._columns = columns
        self._zone: Literal["none", "prompt", "line", "output"] = "none"
        self._begun = ""
        self._prompt = self._typed = ""
        self._line: Line | None = None
        self._part = Part()
        self._taking_back = False

    def resize(self, columns: int, rows: int) -> None:
        self._screen.resize(columns, max(rows, 50))
        self._columns = columns

    @property
    def at_prompt(self) -> bool:
        """The shell waits for a command and nothing is typed yet."""
        return self._zone == "prompt" or (self._zone == "line" and not self._typed)

    def key(self, key: str | None, redacted: bool = False) -> None:
        """A key was pressed; its time is that of the output around it."""
        line = self._line
        if line is None:
            self._part.keys += 1
        elif self._zone == "output":
            line.keys_inside += 1
        elif key != "Return":
            line.keys += 1
            line.slips += key == "BackSpace" and not self._taking_back
        self._taking_back = key == "BackSpace"
        if redacted and line is not None:
            line.told = False

    def output(self, t_ns: int, text: str, told: bool = True) -> None:
        """Output came; its text is not used where it is not `told`, only the marks in it."""
        text = self._begun + text
        begun = _BEGUN.search(text)
        self._begun = begun[0] if begun else ""
        text = text[: len(text) - len(self._begun)]
        position = 0
        for mark in _MARK.finditer(text):
            self._text(t_ns, text[position : mark.start()], told)
            self._mark(t_ns, mark[1], mark[2][1:])
            position = mark.end()
        self._text(t_ns, text[position:], told)

    def take(self) -> Part:
        """What happened since this was last asked."""
        part, self._part = self._part, Part()
        line = self._line
        if line is not None:
            if self._zone == "line":
                line.text = self._command() if line.told else ""
            if line.happened:
                part.lines.append(line)
            self._line = Line(line.text, line.text, line.state, told=line.told)
        part.told = all(each.told for each in (*part.lines, *([line] if line else [])))
        return part

    def _text(self, t_ns: int, text: str, told: bool) -> None:
        if not text:
            return
        if self._zone == "prompt":
            self._prompt = (self._prompt + text)[-_LINE:]
        elif self._line is not None:
            self._line.told = self._line.told and told
            if self._zone == "output":
                self._line.output.add(text)
            else:
                self._typed = (self._typed + text)[:_LINE]
                if self._line.typed_ns is None and text.strip("\r\n"):
                    self._line.typed_ns = t_ns

    def _mark(self, t_ns: int, mark: str, status: str) -> None:
        self.marked = True
        line, zone = self._line, self._zone
        if mark in "AD":
            if line is not None:
                self._end(line, t_ns, int(status) if status.isdecimal() else None)
            self._zone, self._prompt, self._typed = "prompt", "", ""
        elif mark == "B" and zone == "line":  # readline draws the prompt anew
            self._prompt, self._typed = (self._prompt + self._typed)[-_LINE:], ""
        elif mark == "B":
            self._zone, self._line, self._typed = "line", Line(), ""
        elif line is not None and zone == "line":
            line.text = self._command() if line.told else ""
            line.ran, line.ran_ns, line.state = True, t_ns, "running"
            self._zone = "output"

    def _end(self, line: Line, t_ns: int, status: int | None) -> None:
        self._line = None
        if self._zone == "output":
            line.state, line.status, line.over_ns = "over", status, t_ns
        else:
            line.text, line.state = self._command() if line.told else "", "given up"
            if not line.text and line.told:
                return  # an empty line, entered
        self._part.lines.append(line)

    def _command(self) -> str:
        """The command line: what stands after the prompt, its wrapped rows joined."""
        self._screen.feed(_RESET + self._prompt)
        prompt = self._joined()
        self._screen.feed(self._typed)
        shown = self._joined()
        first, *more = shown.removeprefix(prompt).strip().split("\n")
        return "\n".join([first, *(row.removeprefix("> ") for row in more)])

    def _joined(self) -> str:
        rows = self._screen.text().split("\n")
        return "".join(row if _width(row) >= self._columns else row + "\n" for row in rows).rstrip("\n ")


def _width(row: str) -> int:
    return len(row) if row.isascii() else sum(1 + (east_asian_width(char) in "WF") for char in row)


def _rows(text: str) -> list[str]:
    """The rows of an output, as a wide terminal shows them, that are not blank."""
    screen = Screen(_WIDE, _HIGH)
    screen.feed(text)
    return [row.strip() for row in screen.text().split("\n") if row.strip()]
