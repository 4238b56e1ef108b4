"""Finds how a keyboard types a character: which key, with which modifiers, after which accent.

It reads the X server's own keyboard, so that agents can type whatever a person at that keyboard could.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

from Xlib import XK, X

from collector.x11.keyboard import KEYPAD, keysym_named, meaning, shortcut
from collector.x11.xkb import Keymap
from collector.x11.xkbcommon import Compose, keysym_text

_CHOOSERS = (0xFFE1, 0xFE03, 0xFE11)
"""Shift, level 3 (AltGr) and level 5, by the keysyms of their keys."""
_LEVEL_MODIFIERS = X.Mod1Mask | X.Mod2Mask | X.Mod3Mask | X.Mod4Mask | X.Mod5Mask
_DEAD = range(0xFE50, 0xFE94)
_MULTI_KEY = 0xFF20
_LONGEST = 3
_NAMED = {"\n": "Return", "\t": "Tab", " ": "space"}


@dataclass(frozen=True)
class Tap:
    """One key to press and release."""

    keycode: int
    held: tuple[int, ...] = ()
    """Keycodes of modifiers to hold meanwhile."""


class KeyFinder:
    """Finds the keys of one layout of a keyboard, while the modifiers `locked` are locked."""

    def __init__(self, keymap: Keymap, locked: int, group: int) -> None:
        self._keymap = keymap
        self._locked = locked
        self.group = group
        self._sequences: dict[str, tuple[Tap, ...]] = {}
        self._waiting: list[tuple[tuple[int, ...], tuple[Tap, ...]]] | None = None

    def find(self, key: str) -> tuple[Tap, ...] | None:
        """The taps that type a character, or that press a key by its keysym's name; None: not on this layout."""
        key = _NAMED.get(key, key)
        if len(key) == 1:
            tap = self._texts.get(key)
            return (tap,) if tap else self._composed(key)
        keysym = keysym_named(key)
        tap = self._keysyms.get(keysym) or self._texts.get(keysym_text(keysym) or "")
        return (tap,) if tap else None

    def find_shortcut(self, key: str) -> tuple[Tap, ...] | None:
        """The key of a shortcut: a letter's is the one that programs take for it, also on another alphabet's layout."""
        if len(key) == 1 and key.isascii() and key.isalpha():
            for keycode in sorted(self._keymap.keys):
                if shortcut(self._keymap, keycode, self.group) == key.lower():
                    return (Tap(keycode),)
        return self.find(key)

    @cached_property
    def _levels(self) -> list[tuple[int, Tap]]:
        """(keysym, how) of everything a key means here, the easiest first."""
        choosers = list(self._choosers())
        ways = [way for count in range(len(choosers) + 1) for way in combinations(choosers, count)]
        found = []
        for way in ways:
            modifiers = self._locked
            for _, bits in way:
                modifiers |= bits
            held = tuple(keycode for keycode, _ in way)
            for keycode in sorted(self._keymap.keys):
                keysym = meaning(self._keymap, keycode, modifiers, self.group)
                if keysym:
                    found.append((keysym, Tap(keycode, held)))
        return found

    @cached_property
    def _keysyms(self) -> dict[int, Tap]:
        first: dict[int, Tap] = {}
        for keysym, tap in self._levels:
            first.setdefault(keysym, tap)
        return first

    @cached_property
    def _texts(self) -> dict[str, Tap]:
        """Character -> its key; one of the keypad only where there is no other."""
        first: dict[str, Tap] = {}
        for keysym, tap in sorted(self._levels, key=lambda found: found[0] in KEYPAD):
            text = keysym_text(keysym)
            if text:
                first.setdefault(text, tap)
        return first

    def _choosers(self) -> Iterator[tuple[int, int]]:
        """(keycode, modifier bits) of the keys that choose a level."""
        for keysym in _CHOOSERS:
            codes = [code for code in sorted(self._keymap.keys) if self._first(code) == keysym]
            bits = X.ShiftMask if keysym == XK.XK_Shift_L and codes else 0
            for code in () if bits else codes:
                bits |= self._keymap.modifiers.get(code, 0) & _LEVEL_MODIFIERS
            if bits:
                # a code that stands for the modifier and is on no keyboard is in the map; AltGr itself is not
                yield (
                    min(codes, key=lambda code: (keysym != XK.XK_Shift_L and code in self._keymap.modifiers, code)),
                    bits,
                )

    def _first(self, keycode: int) -> int:
        rows = self._keymap.keys[keycode].rows
        return rows[0][0] if rows and rows[0] else 0

    def _composed(self, char: str) -> tuple[Tap, ...] | None:
        """The shortest sequence of a dead key (or Compose) and others that makes `char`."""
        compose = Compose()
        if self._waiting is None:
            starts = [(keysym, tap) for keysym, tap in self._keysyms.items() if keysym in _DEAD or keysym == _MULTI_KEY]
            self._waiting = [((keysym,), (tap,)) for keysym, tap in starts if compose.match([keysym]) is None]
        while char not in self._sequences and self._waiting:
            longer: list[tuple[tuple[int, ...], tuple[Tap, ...]]] = []
            for keysyms, taps in self._waiting:
                for keysym, tap in self._plain:
                    made = compose.match([*keysyms, keysym])
                    if made is None and len(keysyms) + 1 < _LONGEST:
                        longer.append(((*keysyms, keysym), (*taps, tap)))
                    elif made:
                        self._sequences.setdefault(made, (*taps, tap))
            self._waiting = longer
        return self._sequences.get(char)

    @cached_property
    def _plain(self) -> Sequence[tuple[int, Tap]]:
        return [item for item in self._keysyms.items() if item[0] in _DEAD or keysym_text(item[0])]
