"""Input events of a cast as actions: one a key, named as the recorder names it."""

from __future__ import annotations

from collections.abc import Iterator

from collector.importers.cast.patterns import MASK, WIDE_MASK
from collector.importers.cast.typed import keys
from collector.terminal.cast import CastEvent
from collector.terminal.keys import key_bytes, key_name
from manifests.session import Action

_NAMED = ("Tab", "BackSpace", "Escape", "Up", "Down", "Right", "Left", "Home", "End", "Delete", "Page_Up", "Page_Down")
_SEQUENCES = {key_bytes(name): name for name in _NAMED} | {
    "\r": "Return", "\n": "Return", "\b": "BackSpace", "\x1bOA": "Up", "\x1bOB": "Down", "\x1bOC": "Right",
    "\x1bOD": "Left", "\x1bOH": "Home", "\x1bOF": "End", "\x1b[1~": "Home", "\x1b[4~": "End",
}  # fmt: skip


def actions_of(event: CastEvent, first: int, masked: bool) -> Iterator[Action]:
    """The actions of one event, numbered from `first`; a masked key keeps its time and loses what it was."""
    t_ns = event.t_ns
    if event.code == "i":
        for number, (_, key) in enumerate(keys(event.data), start=first):
            if masked and key in (MASK, WIDE_MASK):
                yield Action(seq=number, t_ns=t_ns, kind="key", redacted=True)
            else:
                yield Action(seq=number, t_ns=t_ns, kind="key", key=_name(key), char=key)
    elif event.code == "r":
        columns, _, rows = event.data.partition("x")
        yield Action(seq=first, t_ns=t_ns, kind="resize", dx=int(columns), dy=int(rows), char=event.data)
    elif event.code == "m":
        yield Action(seq=first, t_ns=t_ns, kind="marker", char=event.data)


def _name(key: str) -> str | None:
    """The key's name; None for what no key sends (a terminal's answers, pasted marks)."""
    if key in _SEQUENCES:
        return _SEQUENCES[key]
    if len(key) == 1:
        return key_name(key) if key >= " " else f"ctrl+{chr(ord(key) + 64).lower()}"
    if len(key) == 2 and key[0] == "\x1b" and key[1] > " ":
        return f"alt+{key_name(key[1])}"
    return None
