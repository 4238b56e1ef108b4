"""What was typed, run and printed in a terminal, part by part: what captions are made of.

The shell's marks (OSC 133) separate prompts, command lines, outputs and results. A command line is what stands on
the screen after its prompt, so corrections and history are followed exactly; nothing is guessed from keys.

Most shells set no such marks, but bash (5.1 on), zsh, IPython and others take pasted text in brackets (DEC mode 2004)
just while a line is edited. So there a prompt is what stands before the first pause, and results are not known.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

from collector.terminal.command_line import SGR, CommandLine
from collector.terminal.screen import Screen

_MARK = re.compile(
    r"\x1b\]133;([A-D])((?:;[^\x07\x1b]*)?)(?:\x07|\x1b\\)"
    r"|\x1b\[\?(?:(?P<edits>2004)|47|1047|1049)(?P<on>[hl])"
)
_BEGUN = re.compile(r"\x1b(?:\](?:1(?:3(?:3(?:;[A-D;][^\x07\x1b]{0,60}\x1b?|;)?)?)?)?|\[(?:\?[0-9]{0,4})?)?\Z")
_UNSEEN = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b.|\s")
_UNENDED = re.compile(rf"{SGR}[%#⏎]?{SGR}(?<! ) {{8,}}+\r⏎? \r(?:\x1b\[K)?")
"""What zsh and fish print behind an output whose last line has no end: it fills the row, so the prompt has its own."""
_GIVEN_UP = re.compile(rf"\^C{SGR}\r\n(?={_UNENDED.pattern})")
"""What fish prints at Ctrl+C; its next prompt follows, without brackets."""
_CLEARED = re.compile(r"\x1b\[2J[^\n]*\Z")
_MORE = re.compile(r"[a-z]*>|\.\.\.>?|->|\+")
"""Prompts, less blanks, for the further lines of a command: of bash, zsh, Python, SQLite, MySQL, R."""
_BACK = {"Left", "Home", "Escape", "ctrl+Left", "alt+Left", "ctrl+a", "ctrl+b", "alt+b"}
"""Keys that move the cursor to what stands there already."""
_PAUSE_NS = 30_000_000
_WHOLE_SCREEN = re.compile(r"\x1b\[\?(?:47|1047|1049)h")
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

    def drop(self, size: int) -> None:
        """Take the last `size` characters back, as far as they are here: they were a prompt's."""
        size = min(size, self.size)
        if len(self.head) == self.size:
            self.head = self.head[: self.size - size]
        self.tail = self.tail[: max(0, len(self.tail) - size)]
        self.size -= size

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
    quotable: bool = True
    """Whether its text may be used, because nothing of it was hidden."""
    marked: bool = True
    """The shell's own marks say where it ends, and how; else its result is not known."""
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
            self.keys or self.keys_inside or self.ran or self.output.size
            or (self.state in ("over", "given up") and self.marked)
            or self.text != self.before
        )  # fmt: skip


@dataclass
class TranscriptPart:
    """What happened between two `Transcript.take`s."""

    lines: list[Line] = field(default_factory=list)
    keys: int = 0
    """Keys pressed while no prompt was there and nothing ran; all of them, where the shell sets no marks."""
    quotable: bool = True
    """Whether nothing of these lines, nor of the one that stands there unfinished, was hidden."""


class Transcript:
    """Follows a terminal's output and keys in order of time."""

    def __init__(self, columns: int, rows: int) -> None:
        self.marked = False
        """Whether the shell has marked so far where command lines begin and end."""
        self._by_shell = False
        """It did so with marks of its own."""
        self._unended_prompts = False
        """Of fish 4: a mark where each begins and none where it ends; then its brackets decide."""
        self._alternate = False
        self._last_ns = 0
        self._row = ""
        """Output since zsh's mark, or else the last line's end, and as it was when the last line began to be edited:
        some shells print their prompt before."""
        self._before = ""
        self._ended: Line | None = None
        self._ended_prompt = self._above = ""
        """The prompt of that line without blanks, and the lines above of a command that goes on."""
        self._reader = CommandLine(columns, rows)
        self._zone: Literal["none", "prompt", "line", "output"] = "none"
        self._begun = ""
        self._prompt = self._typed = ""
        self._line: Line | None = None
        self._part = TranscriptPart()
        self._taking_back = False
        self._right: str | None = None
        """The prompt's part at its right, behind the shell's mark; None until it is known."""
        self._at_end: bool | None = None
        """Whether the cursor is at the end of what was typed, as far as the keys show it."""

    def resize(self, columns: int, rows: int) -> None:
        self._reader.resize(columns, rows)

    @property
    def at_prompt(self) -> bool:
        """The shell waits for a command and nothing is typed yet."""
        return self._zone == "prompt" or (self._zone == "line" and not self._typed and not self._above)

    def key(self, key: str | None, redacted: bool = False) -> None:
        """A key was pressed; its time is that of the output around it."""
        self._edited()
        line = self._line
        if line is None:
            self._part.keys += 1
        elif self._zone == "output":
            line.keys_inside += 1
        elif key != "Return":
            line.keys += 1
            line.slips += key == "BackSpace" and not self._taking_back
            self._at_end = key not in _BACK and self._at_end is not False
        self._taking_back = key == "BackSpace"
        if redacted and line is not None:
            line.quotable = False

    def output(self, t_ns: int, text: str, quotable: bool = True) -> None:
        """Output came; its text is not used where it is not `quotable`, only the marks in it."""
        if t_ns - self._last_ns > _PAUSE_NS:
            self._edited()
        self._last_ns = t_ns
        text = self._begun + text
        begun = _BEGUN.search(text)
        self._begun = begun[0] if begun else ""
        text = text[: len(text) - len(self._begun)]
        position = 0
        for mark in _MARK.finditer(text):
            if mark["on"] and not mark["edits"]:
                self._alternate = mark["on"] == "h"
                if self._alternate:
                    self._not_ended()
                continue
            ends_prompt = self._unended_prompts and self._zone == "prompt" and mark["on"] == "h"
            if mark["edits"] and ((self._by_shell and not ends_prompt) or self._alternate):
                continue
            self._text(t_ns, text[position : mark.start()], quotable)
            if mark["edits"] and self._by_shell:
                self._begin_line()
            elif mark["edits"]:
                self._edits(t_ns, mark["on"] == "h")
            else:
                self._mark(t_ns, mark[1], mark[2][1:].partition(";")[0])
            position = mark.end()
        self._text(t_ns, text[position:], quotable)

    def take(self) -> TranscriptPart:
        """What happened since this was last asked."""
        self._edited()  # so that a prompt does not count as output
        part, self._part = self._part, TranscriptPart()
        part.lines = [line for line in part.lines if line.happened]
        line = self._line
        if line is not None:
            if self._zone == "line":
                line.text = self._command(unfinished=True) if line.quotable else ""
            if line.happened:
                part.lines.append(line)
            self._line = Line(line.text, line.text, line.state, quotable=line.quotable, marked=line.marked)
        part.quotable = all(each.quotable for each in (*part.lines, *([line] if line else [])))
        return part

    def _text(self, t_ns: int, text: str, quotable: bool) -> None:
        if not text:
            return
        if not self._by_shell:
            self._row = _last_row(self._row + text)
        if self._zone == "prompt":
            self._prompt = (self._prompt + text)[-_LINE:]
        elif self._line is not None and self._zone == "output":
            self._line.quotable = self._line.quotable and quotable
            self._line.output.add(text)
        elif self._line is not None:
            self._typed = (self._typed + text)[:_LINE]
            if not self._by_shell and (given_up := _GIVEN_UP.search(self._typed)):
                self._give_up(self._line, given_up)
            elif _UNSEEN.sub("", text):  # zsh and fish get ready for a line when nothing of it is there yet
                self._line.quotable = self._line.quotable and quotable
                self._line.typed_ns = t_ns if self._line.typed_ns is None else self._line.typed_ns

    def _give_up(self, line: Line, found: re.Match[str]) -> None:
        self._typed, rest = found.string[: found.start()], found.string[found.end() :]
        line.text, line.state = self._command() if line.quotable else "", "given up"
        self._part.lines.append(line)
        self._line, self._zone, self._before, self._prompt = None, "prompt", "", _UNENDED.sub("", rest)

    def _edits(self, t_ns: int, begins: bool) -> None:
        """A line begins to be edited, or has been entered."""
        self.marked = True
        if begins and self._zone == "line" and not self._command():  # fish, entered an empty line after Ctrl+C
            self._line, self._zone = None, "none"
        if begins and self._zone != "line":
            self._ended, self._line = self._line, None
            if self._ended is not None:
                self._ended.state, self._ended.over_ns = "over", t_ns
                self._part.lines.append(self._ended)
            self._zone, self._prompt, self._typed, self._before = "prompt", "", "", self._row
        elif not begins and self._zone != "output":
            self._edited()
            self._row = ""
            line = self._line
            if line is None or self._zone != "line":
                self._zone, self._line = "none", None
                return
            line.text = self._command() if line.quotable else ""
            line.ran, line.ran_ns, line.state, self._zone = True, t_ns, "running", "output"
            if line.text.endswith("^C") or (line.quotable and not line.text):
                self._line, self._zone, line.ran, line.state = None, "none", False, "given up"
                line.text = line.text.removesuffix("^C")
                if line.text:
                    self._part.lines.append(line)

    def _edited(self) -> None:
        """After a pause, or with a key: the prompt stands, and what comes now is typed."""
        if self._by_shell and self._zone == "line" and self._right is None:
            self._right = self._reader.right_of(self._prompt, self._typed)
        if self._zone != "prompt" or self._by_shell:
            return
        if not _UNSEEN.sub("", self._prompt):
            unended = _UNENDED.search(self._before)
            begins, ends = unended.span() if unended else (0, 0)
            if not _UNSEEN.sub("", self._before[ends:]):
                return
            self._prompt = self._before[ends:] + self._prompt
            if self._ended is not None:
                self._ended.output.drop(len(self._before) - begins)
        self._zone, self._typed = "line", ""
        self._line = self._gone_on() or Line(marked=False)

    def _gone_on(self) -> Line | None:
        """The line that ended last, if the prompt asks for more of it."""
        prompt, ended, self._above = _UNSEEN.sub("", self._prompt), self._ended, ""
        wanted = _MORE.fullmatch(prompt) and prompt != self._ended_prompt
        if not wanted or ended not in self._part.lines or _UNSEEN.sub("", ended.output.head):
            self._ended_prompt = prompt
            return None
        self._part.lines.remove(ended)
        self._above = ended.text + "\n"
        ended.state, ended.ran, ended.ran_ns, ended.over_ns = "typing", False, None, None
        return ended

    def _not_ended(self) -> None:
        """No line is edited: the brackets were those of a program with a screen of its own, as nano sets them first."""
        if self._zone == "prompt" and not self._by_shell and self._ended in self._part.lines:
            self._part.lines.remove(self._ended)
            self._line, self._zone = self._ended, "output"
            self._line.state, self._line.over_ns = "running", None

    def _mark(self, t_ns: int, mark: str, status: str) -> None:
        self.marked = True
        by_fish = mark == "A" and status.startswith(("special_key=", "click_events="))
        self._unended_prompts = mark != "B" and (self._unended_prompts or (by_fish and not self._by_shell))
        # Some shells leave B out, and then brackets decide.
        self._by_shell = self._by_shell or mark == "B" or self._unended_prompts
        line, zone = self._line, self._zone
        if by_fish and zone == "line":
            anew = not self._unended_prompts or _CLEARED.search(self._typed) or self._command()
            if anew:  # else an empty line was entered
                return
        if mark in "AD":
            if line is not None:
                self._end(line, t_ns, int(status) if status.isdecimal() else None)
            self._zone, self._prompt, self._typed = "prompt", "", ""
        elif mark == "B" and zone == "line":  # readline draws the prompt anew
            self._prompt, self._typed = (self._prompt + self._typed)[-_LINE:], ""
        elif mark == "B" and zone != "output":  # there, somebody printed the prompt's text
            self._begin_line()
        elif line is not None and zone == "line":
            line.text = self._command() if line.quotable else ""
            line.ran, line.ran_ns, line.state = True, t_ns, "running"
            self._zone = "output"

    def _begin_line(self) -> None:
        self._zone, self._line, self._typed, self._right, self._at_end = "line", Line(), "", None, None

    def _end(self, line: Line, t_ns: int, status: int | None) -> None:
        self._line = None
        line.marked = True
        if self._zone == "output":
            line.state, line.status, line.over_ns = "over", status, t_ns
        else:
            line.text = self._command(unfinished=True).removesuffix("^C") if line.quotable else ""
            line.state = "given up"
            if not line.text and line.quotable:
                return  # an empty line, entered
        self._part.lines.append(line)

    def _command(self, unfinished: bool = False) -> str:
        """The command line, as far as it is there."""
        if not self._by_shell:
            return self._above + self._reader.in_first_row(self._prompt, self._typed)
        to_cursor = unfinished and self._at_end is True
        return self._reader.behind_mark(self._prompt, self._typed, self._right or "", to_cursor=to_cursor)


def _last_row(text: str) -> str:
    """What may be a prompt at the end of an output: after zsh's mark it may have many rows."""
    marks = list(_UNENDED.finditer(text))
    return text[marks[-1].start() :][-_TAIL:] if marks else text.rpartition("\n")[2][-_TAIL:]


def _rows(text: str) -> list[str]:
    """The rows of an output, as a wide terminal shows them, that are not blank."""
    screen = Screen(_WIDE, _HIGH)
    screen.feed(_UNENDED.sub("\r\n", text))
    return [row.strip() for row in screen.text().split("\n") if row.strip()]
