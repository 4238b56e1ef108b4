"""What a key event typed: the server's keyboard, the state that the event carries, and sequences of keys.

The state of every event holds the modifiers and the group in effect before it, which is what text entries look keys
up with; so nothing has to be followed, and nothing can be missed.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from Xlib import XK, X

from collector.x11.stroke import Stroke
from collector.x11.xkb import Keymap, Xkb
from collector.x11.xkbcommon import Compose, keysym_of, keysym_text, keysym_upper, library_name

CHORD = X.ControlMask | X.Mod1Mask | X.Mod4Mask
"""Control, Alt and Super: a key pressed with one of them types no text."""
KEYPAD = range(0xFF80, 0xFFBE)
"""Keysyms of the keypad, which keep their names whatever they type."""
_AMERICAN = {
    10: "1234567890",
    24: "qwertyuiop",
    38: "asdfghjkl",
    52: "zxcvbnm",
}
"""Keycode of the first key of a row (evdev) -> what the row's keys say on an American keyboard."""


class Keyboard:
    """Turns the key events of one X display into strokes, in the order of the events."""

    def __init__(self, display: Any) -> None:
        """`display` is a connection that nobody else uses."""
        self._display = display
        self._xkb = Xkb(display)
        self._listening = False
        self._keymap: Keymap | None = self._xkb.keymap()
        self._compose = Compose()
        self._down: dict[int, Stroke] = {}

    def changed(self) -> None:
        """The server's keyboard is another now."""
        self._keymap = None

    def refresh(self) -> None:
        """Read the keyboard anew, if it has changed."""
        if self._keymap is None:
            self._keymap = self._xkb.keymap()

    def catch_up(self) -> None:
        """Ask the X server for changes of its keyboard, where the events read do not report them."""
        if not self._listening:
            self._xkb.listen()
        if self._xkb.changed() or not self._listening:
            self.changed()
        self._listening = True

    def close(self) -> None:
        self._display.close()

    def forget_accent(self) -> None:
        """A button was pressed: a text entry forgets the accent that was waiting."""
        self._compose.reset()

    def press(self, keycode: int, state: int) -> Stroke:
        """A key went down. `state` is the event's: modifiers and group before it."""
        keysym, char = self._typed(keycode, state)
        before = self._down.get(keycode)
        if before is None:
            stroke = Stroke(keysym_name(keysym), keysym, char, self._shortcut(keycode, state))
            self._down[keycode] = stroke
            return stroke
        return Stroke(before.key, before.keysym, char, before.shortcut, repeat=True)

    def release(self, keycode: int, state: int) -> Stroke:
        """A key went up; one that went down unseen is named by what it means now."""
        before = self._down.pop(keycode, None)
        if before is not None:
            return before
        keysym = self._meaning(keycode, state)
        return Stroke(keysym_name(keysym), keysym, None, self._shortcut(keycode, state))

    def _typed(self, keycode: int, state: int) -> tuple[int, str | None]:
        keysym = self._meaning(keycode, state)
        if state & CHORD:
            if not _modifier(keysym):
                self._compose.reset()
            return keysym, None
        return keysym, self._compose.type(keysym)

    def _meaning(self, keycode: int, state: int) -> int:
        self.refresh()
        assert self._keymap is not None
        return meaning(self._keymap, keycode, state & 0xFF, state >> 13 & 3)

    def _shortcut(self, keycode: int, state: int) -> str | None:
        assert self._keymap is not None
        return shortcut(self._keymap, keycode, state >> 13 & 3)


def meaning(keymap: Keymap, keycode: int, modifiers: int, group: int) -> int:
    """The keysym of a key pressed in this state; Caps Lock makes a capital also where the key does not know it."""
    keysym, used = keymap.look_up(keycode, modifiers, group)
    return keysym_upper(keysym) if modifiers & X.LockMask & ~used else keysym


def shortcut(keymap: Keymap, keycode: int, group: int) -> str | None:
    """The letter (small) or digit that a key is in shortcuts.

    By the layout in use, else by another one of the keyboard, else by the key's place on an American keyboard: so
    Control, Alt and P are found on a Cyrillic keyboard and the digits on a French one.
    """
    key = keymap.keys.get(keycode)
    if key is None or not key.rows:
        return None
    own = key.group(group)
    rows = sorted(range(len(key.rows)), key=lambda row: row != own)
    chars = [keysym_text(keysym) or "" for row in rows for keysym in key.rows[row][:2] if keysym not in KEYPAD]
    for char in chars:
        if len(char) == 1 and char.isascii() and char.isalnum():
            return char.lower()
    if any(map(str.isalpha, chars)):
        for first, row in _AMERICAN.items():
            if first <= keycode < first + len(row):
                return row[keycode - first]
    return None


def keysym_name(keysym: int) -> str:
    """ "a", "Return", "Shift_L", "KP_1"; keysyms without a name are given in hexadecimal."""
    char = None if keysym in KEYPAD else keysym_text(keysym)
    if char is not None and not char.isspace():
        return char
    return _names().get(keysym) or library_name(keysym) or f"0x{keysym:x}"


def keysym_named(name: str) -> int:
    """The keysym of a name ("Return", "dead_acute", "Cyrillic_ve"); 0: there is no such name."""
    _names()
    return int(XK.string_to_keysym(name)) or keysym_of(name)


def _modifier(keysym: int) -> bool:
    return 0xFFE1 <= keysym <= 0xFFEE or 0xFE01 <= keysym <= 0xFE13 or keysym in (0xFF7E, 0xFF7F)


@cache
def _names() -> dict[int, str]:
    for group in ("xkb", "xf86"):  # which of them are loaded must not depend on who imported what
        XK.load_keysym_group(group)
    names: dict[int, str] = {}
    for name in dir(XK):
        if name.startswith("XK_"):
            names.setdefault(getattr(XK, name), name[3:].replace("XF86_", "XF86"))
    return names
