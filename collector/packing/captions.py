"""What happens in a clip of a terminal, in words: short, regular and detailed. Said only as far as it is known.

Everything comes from commands, outputs and results as the terminal showed them; nothing from what the actor meant.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from collector.packing.words import Captions
from collector.terminal.transcript import Line, TranscriptPart

_NAMED = 3  # commands and lines that a short or regular caption names
_FRAME = " " + "".join(map(chr, range(0x2500, 0x25A0)))  # box drawing and block elements
_DIRECTIONS = dict.fromkeys([0x200E, 0x200F, 0xFEFF, *range(0x202A, 0x202F), *range(0x2066, 0x206A)])


@dataclass(frozen=True)
class Happened:
    """What is known of a clip."""

    part: TranscriptPart
    marked: bool
    """The shell tells where commands, outputs and results begin and end."""
    began_ns: int
    before: str
    """The screen's text at the clip's beginning, and at its end: of pictures that are not blank."""
    after: str
    between: str
    """The last of its screens that is another than those two."""
    blank: bool
    """Some pictures were left blank on purpose."""

    @property
    def told(self) -> bool:
        """Nothing of the clip was hidden, so that its screen may be quoted."""
        return self.part.told and not self.blank

    @cached_property
    def appeared(self) -> list[str]:
        """Lines of the last screen that the first does not have."""
        there = set(self.before.split("\n"))
        return _telling(row for row in self.after.split("\n") if row not in there)

    @cached_property
    def passed(self) -> list[str]:
        """Lines that came and went."""
        there = {*self.before.split("\n"), *self.after.split("\n")}
        return _telling(row for row in self.between.split("\n") if row not in there)


def _telling(rows: Iterable[str]) -> list[str]:
    """Rows that say something, without the frames drawn around them: no rules, empty boxes or bare prompts."""
    return [row.strip(_FRAME) for row in rows if any(map(str.isalnum, row))]


def terminal_captions(happened: Happened) -> Captions:
    """The three caption columns of a terminal clip."""
    lines = happened.part.lines
    if happened.marked:
        short = _several([_short(line) for line in lines])
        regular = " ".join(_regular(line) for line in lines)
        if any(map(_on_screen, lines)):
            regular += " " + _screen(happened, _NAMED)
    else:
        short = regular = ""
    return {
        "caption_short": short or _screen(happened, 1),
        "caption": regular or _screen(happened, _NAMED),
        "caption_detailed": _detailed(happened),
    }


def quoted(text: str, most: int = 100) -> str:
    """Text of the screen between quotation marks, on one line and not too long."""
    return f"“{_cut(text, most)}”"


def _cut(text: str, most: int) -> str:
    text = " ".join(text.translate(_DIRECTIONS).split())
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def _name(line: Line, most: int = 100) -> str:
    """A command line by its first line; its text only where nothing of it was hidden."""
    if not line.told:
        return "A hidden command"
    first, *more = line.text.split("\n")
    return f"`{_cut(first, most)}`" + (f" and {_count(len(more), 'more line')}" if more else "")


def _short(line: Line) -> str:
    name = _name(line, 60)
    if line.state == "over" and line.marked:
        return f"{name} {_result(line)}"
    if line.state in ("running", "over"):
        if line.ran:
            return f"{name} is run"
        return f"{name} gets {_count(line.keys_inside, 'key')}" if line.keys_inside else f"{name} goes on"
    return f"{name} is given up" if line.state == "given up" else f"{name} is typed"


def _several(said: list[str]) -> str:
    if not said:
        return ""
    more = len(said) - _NAMED
    return "; ".join(said[:_NAMED]) + (f"; and {more} more" if more > 0 else "") + "."


def _regular(line: Line) -> str:
    if line.state in ("typing", "given up"):
        begun = f" on from {quoted(line.before, 40)}" if line.before and line.told else ""
        return f"{_name(line)} is typed{begun}, {'not yet run' if line.state == 'typing' else 'and given up'}."
    typed = line.keys or line.text != line.before
    said = [f"is {'typed and ' if typed else ''}run"] if line.ran else []
    said += _printed(line, _NAMED)
    if line.marked:
        said.append(_result(line) if line.state == "over" else "still runs")
    return _sentence(_name(line), said)


def _detailed(happened: Happened) -> str:
    lines = happened.part.lines
    said = [_in_full(line, happened) for line in lines]
    if happened.part.keys:
        said.append(f"{_count(happened.part.keys, 'key')} pressed.")
    if not happened.marked or not lines or any(map(_on_screen, lines)):
        said.append(_screen(happened, 8))
    if happened.blank:
        said.append("Part of the clip is blank on purpose.")
    rows = [row for row in happened.after.split("\n") if row.strip()]
    if rows and happened.told:
        last = "".join(f", the last {quoted(row)}" for row in _telling(rows[-1:]))
        said.append(f"At the end the screen shows {_count(len(rows), 'line')}{last}.")
    return " ".join(said)


def _in_full(line: Line, happened: Happened) -> str:
    said = []
    if line.keys or line.text != line.before:
        how = [_count(line.keys, "key")] if line.keys else []
        how += [f"{_count(line.slips, 'slip')} taken back"] if line.slips else []
        begun = f" on from {quoted(line.before, 60)}" if line.before and line.told else ""
        said.append(f"is typed{begun}{_at(line.typed_ns, happened)}{' with ' if how else ''}{', '.join(how)}")
    if line.ran:
        said.append(f"is run{_at(line.ran_ns, happened)}")
    said += _printed(line, 8)
    if not line.marked and line.state != "given up":
        pass  # when it ended, and how, is not known
    elif line.state == "over":
        status = "" if line.status is None else f" with exit status {line.status}"
        said.append(f"ends{_at(line.over_ns, happened)}{status}")
    elif line.state == "running":
        said.append("still runs")
    elif line.state == "given up":
        said.append("is given up")
    return _sentence(_name(line, 300), said)


def _on_screen(line: Line) -> bool:
    """A program that is typed into, or that draws: what it prints is better told by the screen."""
    return bool(line.keys_inside or line.output.whole_screen)


def _printed(line: Line, most: int) -> list[str]:
    """What a command got and printed in this clip."""
    if _on_screen(line):
        return [f"gets {_count(line.keys_inside, 'key')}"] if line.keys_inside else []
    first, last, count = line.output.lines() if line.told else ("", "", 0)
    if not count:
        return ["prints nothing"] if line.told and line.ran and line.state == "over" else []
    if count == 1:
        return [f"prints {quoted(first)}"]
    if most <= _NAMED:
        return [f"prints {quoted(first)} and {_count(count - 1, 'more line')}"]
    return [f"prints {count} lines, from {quoted(first)} to {quoted(last)}"]


def _screen(happened: Happened, most: int) -> str:
    """What only the screen tells."""
    if not happened.after and happened.blank:
        return "The screen is blank on purpose."
    if happened.appeared and happened.told:
        return f"New on the screen: {_listed(happened.appeared, most)}."
    if happened.passed and happened.told:
        return f"For a while on the screen: {_listed(happened.passed, most)}."
    if happened.before != happened.after or happened.between:
        return "The screen changes."
    pressed = happened.part.keys or happened.part.lines
    return "Nothing changes on the screen." if pressed else "Nothing is typed or printed."


def _sentence(name: str, said: list[str]) -> str:
    return f"{name} {', '.join(said[:-1])}{' and ' if len(said) > 1 else ''}{said[-1]}." if said else ""


def _listed(rows: list[str], most: int) -> str:
    more = len(rows) - most
    return ", ".join(quoted(row, 80) for row in rows[:most]) + (f" and {_count(more, 'more line')}" if more > 0 else "")


def _result(line: Line) -> str:
    if line.status is None:
        return "ends"
    return "succeeds" if line.status == 0 else f"fails with status {line.status}"


def _at(t_ns: int | None, happened: Happened) -> str:
    return "" if t_ns is None else f" at {max(0, t_ns - happened.began_ns) / 1e9:.1f} s"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
