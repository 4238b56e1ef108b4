"""From what a terminal sends for a key to the key's name, as the recorder names it."""

from __future__ import annotations

import re

from collector.terminal.keys import key_bytes, key_name

_LETTERS = {
    "A": "Up", "B": "Down", "C": "Right", "D": "Left", "H": "Home", "F": "End",
    "P": "F1", "Q": "F2", "R": "F3", "S": "F4", "M": "Return",
}  # fmt: skip
_NUMBERS = {
    1: "Home", 2: "Insert", 3: "Delete", 4: "End", 5: "Page_Up", 6: "Page_Down", 7: "Home", 8: "End",
    **{10 + n: f"F{n}" for n in range(1, 6)}, **{11 + n: f"F{n}" for n in range(6, 11)}, 23: "F11", 24: "F12",
}  # fmt: skip
_CONTROLS = {
    "\r": "Return", "\n": "Return", "\b": "BackSpace", "\0": "ctrl+space",
    **{key_bytes(name): name for name in ("Tab", "BackSpace", "Escape")},
}  # fmt: skip
_CODES = {9: "Tab", 13: "Return", 27: "Escape", 127: "BackSpace"}
# not CSI 1;2 R: that is far more often the answer to where the cursor is
_SEQUENCE = re.compile(r"\x1b(?:O(?P<ss3>[A-DFHMP-S])|\[(?:1(?:;(?P<mods>\d{1,3}))?)?(?P<letter>[A-DFHPQS]))")
_NUMBERED = re.compile(r"\x1b\[(?P<number>\d{1,2})(?:;(?P<mods>\d{1,3}))?~")
# the keyboard protocol of kitty, and xterm's modifyOtherKeys
_CODED = re.compile(
    r"\x1b\[(?:27;(?P<other>\d{1,3});(?P<code>\d{1,7})~"
    r"|(?P<point>\d{1,7})(?::[\d:]*)?(?:;(?P<mods>\d{0,3})(?::(?P<event>\d))?)?(?:;[\d:]*)?u)"
)
_ANSWER = re.compile(
    r"\x1b(?:[]PX^_].+|\[(?:[?>=][\d;:]*(?:[cnuSRtx]|\$y)|\d+;\d+R|[\d;]*[cnt]|[IO]|\d+;\d+\$y))", re.DOTALL
)
_RELEASED = "3"


def is_answer(sent: str) -> bool:
    """True for what nobody pressed: answers to a program's questions, that the focus came or went, a key let go."""
    if _ANSWER.fullmatch(sent):
        return True
    coded = _CODED.fullmatch(sent)
    return coded is not None and coded["event"] == _RELEASED


def name_of(sent: str) -> str | None:
    """The key's name ("a", "Return", "ctrl+Left", "F5"); None for what is no key: the mouse, the marks of a paste."""
    if sent in _CONTROLS:
        return _CONTROLS[sent]
    if len(sent) == 1:
        return key_name(sent) if sent >= " " else f"ctrl+{chr(ord(sent) + 64).lower()}"
    if sent == "\x1b[Z":
        return "shift+Tab"
    if match := _SEQUENCE.fullmatch(sent):
        return _held(match["mods"], _LETTERS[match["ss3"] or match["letter"]])
    if match := _NUMBERED.fullmatch(sent):
        return _held(match["mods"], _NUMBERS.get(int(match["number"])))
    if match := _CODED.fullmatch(sent):
        return _held(match["other"] or match["mods"], _coded(int(match["code"] or match["point"])))
    if sent[0] == "\x1b" and len(sent) > 1 and (rest := name_of(sent[1:])) is not None:
        return f"alt+{rest}"
    return None


def _coded(point: int) -> str | None:
    if point in _CODES:
        return _CODES[point]
    private = 0xE000 <= point <= 0xF8FF or 0xD800 <= point <= 0xDFFF
    return key_name(chr(point)) if 32 <= point < 0x110000 and not private else None


def _held(modifiers: str | None, key: str | None) -> str | None:
    """`key` with what was held: the number is 1 + shift 1 + alt 2 + ctrl 4; the locks (64, 128) do not count."""
    bits = (int(modifiers or 1) - 1) & ~192
    if key is None or bits & ~7:
        return None
    if bits == 1 and len(key) == 1:
        return key_name(key.upper())
    return "+".join([*(name for name, bit in (("ctrl", 4), ("alt", 2), ("shift", 1)) if bits & bit), key])
