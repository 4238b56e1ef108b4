"""The "Key Events" cell, a Python list of pairs as text: read by a grammar of its own, never evaluated.

[('keydown', 'p'), ('keyup', 'ctrl+l'), ('keydown', '\\n')]
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

MAX_CELL = 64 * 1024
MAX_EVENTS = 2_000

_ITEM = re.compile(r"""\(\s*'(keydown|keyup)'\s*,\s*('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")\s*\)""")
_NEXT = re.compile(r"\s*(,|\])\s*")
_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U00[01][0-9a-fA-F]{5}|.)", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", "'": "'", '"': '"'}
_KEYSYM = re.compile(r"[A-Za-z0-9_]{2,40}")
_CHORD = re.compile(r"((?:[A-Za-z_]{2,10}\+)+)(.+)", re.DOTALL)
_NAMED = {
    " ": "space", "\n": "Return", "\r": "Return", "\t": "Tab", "\x1b": "Escape", "\x08": "BackSpace", "enter": "Return",
    "return": "Return", "esc": "Escape", "escape": "Escape", "backspace": "BackSpace", "tab": "Tab", "delete": "Delete",
    "ctrl": "Control_L", "control": "Control_L", "alt": "Alt_L", "shift": "Shift_L", "super": "Super_L",
    "meta": "Super_L", "win": "Super_L", "cmd": "Super_L", "up": "Up", "down": "Down", "left": "Left", "right": "Right",
    "home": "Home", "end": "End", "page_up": "Prior", "page_down": "Next", "Page_Up": "Prior", "Page_Down": "Next",
}  # fmt: skip
_MODIFIERS = {"Control_L", "Alt_L", "Shift_L", "Super_L"}


class KeyChange(NamedTuple):
    """One key going down or up."""

    down: bool
    key: str
    """X keysym name, or the character itself."""
    char: str | None
    """The text it types, where that is known."""


def key_events(cell: str) -> list[KeyChange]:
    """The keys of one cell, a chord such as "ctrl+l" taken apart; `ValueError` says what is wrong with it."""
    if len(cell) > MAX_CELL:
        raise ValueError(f"has {len(cell):,} characters, more than {MAX_CELL:,}")
    return [key for down, name in _pairs(cell) for key in _keys(down, name)]


def _pairs(cell: str) -> Iterator[tuple[bool, str]]:
    text = cell.strip()
    if text in ("", "[]"):
        return
    place, count = 1, 0
    if not text.startswith("["):
        raise ValueError("is not a list of ('keydown' or 'keyup', key)")
    while True:
        item = _ITEM.match(text, place)
        following = _NEXT.match(text, item.end()) if item else None
        count += 1
        if item is None or following is None or (following[1] == "]" and following.end() != len(text)):
            raise ValueError(f"is not a list of ('keydown' or 'keyup', key) at character {place + 1}")
        if count > MAX_EVENTS:
            raise ValueError(f"has more than {MAX_EVENTS:,} key events")
        yield item[1] == "keydown", _ESCAPE.sub(_unescape, item[2][1:-1])
        if following[1] == "]":
            return
        place = following.end()


def _unescape(match: re.Match[str]) -> str:
    code = match[1]
    if len(code) == 1:
        if code not in _ESCAPES:
            raise ValueError(f"has the unknown escape \\{code}")
        return _ESCAPES[code]
    point = int(code[1:], 16)
    if point > 0x10FFFF or 0xD800 <= point < 0xE000:
        raise ValueError(f"has \\{code}, which is no character")
    return chr(point)


def _keys(down: bool, name: str) -> list[KeyChange]:
    chord = _CHORD.fullmatch(name)
    if chord:
        modifiers = [_name(part) for part in chord[1].rstrip("+").split("+")]
        if all(modifier in _MODIFIERS for modifier in modifiers):
            keys = [KeyChange(down, key, None) for key in (*modifiers, _name(chord[2]))]
            return keys if down else keys[::-1]
    key = _name(name)
    return [KeyChange(down, key, name if len(name) == 1 and name.isprintable() else None)]


def _name(name: str) -> str:
    known = _NAMED.get(name)
    if known:
        return known
    if (len(name) == 1 and name.isprintable()) or _KEYSYM.fullmatch(name):
        return name
    raise ValueError(f"names a key {name[:40]!r}, which is none")
