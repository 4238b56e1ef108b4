"""Captions of a terminal's clip, short, regular and detailed: what happens in it, as far as that is known.

Everything comes from commands, outputs and results as the terminal showed them; nothing from what the actor meant.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from collector.packing.text_columns import Captions
from collector.terminal.transcript import Line, TranscriptPart

_NAMED = 3  # commands and lines that a short or regular caption names
_FRAME = " " + "".join(map(chr, range(0x2500, 0x25A0)))  # box drawing and block elements
_DIRECTIONS = dict.fromkeys([0x200E, 0x200F, 0xFEFF, *range(0x202A, 0x202F), *range(0x2066, 0x206A)])


@dataclass(frozen=True)
class ClipFacts:
    """What is known of a terminal's clip, from which its captions are made."""

    part: TranscriptPart
    marked: bool
    """The shell marks where commands, outputs and results begin and end."""
    began_ns: int
    before: str
    """The screen's text at the clip's beginning, and at its end: of pictures that are not blank."""
    after: str
    between: str
    """The last of its screens that is another than those two."""
    blank: bool
    """Some pictures were left blank on purpose."""

    @property
    def quotable(self) -> bool:
        """Whether the screen may be quoted, because nothing of the clip was hidden."""
        return self.part.quotable and not self.blank

    @cached_property
    def appeared(self) -> list[str]:
        """Lines of the last screen that the first does not have."""
        there = set(self.before.split("\n"))
        return _with_text(row for row in self.after.split("\n") if row not in there)

    @cached_property
    def passed(self) -> list[str]:
        """Lines that came and went."""
        there = {*self.before.split("\n"), *self.after.split("\n")}
        return _with_text(row for row in self.between.split("\n") if row not in there)


def _with_text(rows: Iterable[str]) -> list[str]:
    """Rows with letters or digits, without the frames drawn around them: no rules, empty boxes or bare prompts."""
    return [row.strip(_FRAME) for row in rows if any(map(str.isalnum, row))]


def terminal_captions(facts: ClipFacts) -> Captions:
    """The three caption columns of a terminal clip."""
    lines = facts.part.lines
    if facts.marked:
        short = _several([_short(line) for line in lines])
        regular = " ".join(_regular(line) for line in lines)
        if any(map(_on_screen, lines)):
            regular += " " + _screen(facts, _NAMED)
    else:
        short = regular = ""
    return {
        "caption_short": short or _screen(facts, 1),
        "caption": regular or _screen(facts, _NAMED),
        "caption_detailed": _detailed(facts),
    }


def quoted(text: str, most: int = 100) -> str:
    """Text of the screen between quotation marks, on one line and not too long."""
    return f"“{_cut(text, most)}”"


def _cut(text: str, most: int) -> str:
    text = " ".join(text.translate(_DIRECTIONS).split())
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def _name(line: Line, most: int = 100) -> str:
    """A command line by its first line; its text only where nothing of it was hidden."""
    if not line.quotable:
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


def _several(phrases: list[str]) -> str:
    if not phrases:
        return ""
    more = len(phrases) - _NAMED
    return "; ".join(phrases[:_NAMED]) + (f"; and {more} more" if more > 0 else "") + "."


def _regular(line: Line) -> str:
    if line.state in ("typing", "given up"):
        begun = f" on from {quoted(line.before, 40)}" if line.before and line.quotable else ""
        return f"{_name(line)} is typed{begun}, {'not yet run' if line.state == 'typing' else 'and given up'}."
    typed = line.keys or line.text != line.before
    phrases = [f"is {'typed and ' if typed else ''}run"] if line.ran else []
    phrases += _printed(line, _NAMED)
    if line.marked:
        phrases.append(_result(line) if line.state == "over" else "still runs")
    return _sentence(_name(line), phrases)


def _detailed(facts: ClipFacts) -> str:
    lines = facts.part.lines
    phrases = [_in_full(line, facts) for line in lines]
    if facts.part.keys:
        phrases.append(f"{_count(facts.part.keys, 'key')} pressed.")
    if not facts.marked or not lines or any(map(_on_screen, lines)):
        phrases.append(_screen(facts, 8))
    if facts.blank:
        phrases.append("Part of the clip is blank on purpose.")
    rows = [row for row in facts.after.split("\n") if row.strip()]
    if rows and facts.quotable:
        last = "".join(f", the last {quoted(row)}" for row in _with_text(rows[-1:]))
        phrases.append(f"At the end the screen shows {_count(len(rows), 'line')}{last}.")
    return " ".join(phrases)


def _in_full(line: Line, facts: ClipFacts) -> str:
    phrases = []
    if line.keys or line.text != line.before:
        how = [_count(line.keys, "key")] if line.keys else []
        how += [f"{_count(line.slips, 'slip')} taken back"] if line.slips else []
        begun = f" on from {quoted(line.before, 60)}" if line.before and line.quotable else ""
        phrases.append(f"is typed{begun}{_at(line.typed_ns, facts)}{' with ' if how else ''}{', '.join(how)}")
    if line.ran:
        phrases.append(f"is run{_at(line.ran_ns, facts)}")
    phrases += _printed(line, 8)
    if not line.marked and line.state != "given up":
        pass  # when it ended, and how, is not known
    elif line.state == "over":
        status = "" if line.status is None else f" with exit status {line.status}"
        phrases.append(f"ends{_at(line.over_ns, facts)}{status}")
    elif line.state == "running":
        phrases.append("still runs")
    elif line.state == "given up":
        phrases.append("is given up")
    return _sentence(_name(line, 300), phrases)


def _on_screen(line: Line) -> bool:
    """A program that is typed into, or that draws: what it prints is better described by the screen."""
    return bool(line.keys_inside or line.output.whole_screen)


def _printed(line: Line, most: int) -> list[str]:
    """What a command got and printed in this clip."""
    if _on_screen(line):
        return [f"gets {_count(line.keys_inside, 'key')}"] if line.keys_inside else []
    first, last, count = line.output.lines() if line.quotable else ("", "", 0)
    if not count:
        return ["prints nothing"] if line.quotable and line.ran and line.state == "over" else []
    if count == 1:
        return [f"prints {quoted(first)}"]
    if most <= _NAMED:
        return [f"prints {quoted(first)} and {_count(count - 1, 'more line')}"]
    return [f"prints {count} lines, from {quoted(first)} to {quoted(last)}"]


def _screen(facts: ClipFacts, most: int) -> str:
    """What is known from the screen alone."""
    if not facts.after and facts.blank:
        return "The screen is blank on purpose."
    if facts.appeared and facts.quotable:
        return f"New on the screen: {_listed(facts.appeared, most)}."
    if facts.passed and facts.quotable:
        return f"For a while on the screen: {_listed(facts.passed, most)}."
    if facts.before != facts.after or facts.between:
        return "The screen changes."
    pressed = facts.part.keys or facts.part.lines
    return "Nothing changes on the screen." if pressed else "Nothing is typed or printed."


def _sentence(name: str, phrases: list[str]) -> str:
    return f"{name} {', '.join(phrases[:-1])}{' and ' if len(phrases) > 1 else ''}{phrases[-1]}." if phrases else ""


def _listed(rows: list[str], most: int) -> str:
    more = len(rows) - most
    return ", ".join(quoted(row, 80) for row in rows[:most]) + (f" and {_count(more, 'more line')}" if more > 0 else "")


def _result(line: Line) -> str:
    if line.status is None:
        return "ends"
    return "succeeds" if line.status == 0 else f"fails with status {line.status}"


def _at(t_ns: int | None, facts: ClipFacts) -> str:
    return "" if t_ns is None else f" at {max(0, t_ns - facts.began_ns) / 1e9:.1f} s"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
