"""Input through XTest from the test itself: a person at the screen, as far as the X server can see.

Not pynput's controllers: a pynput listener in the same process gets those directly, besides the X server.
"""

from __future__ import annotations

import time

from Xlib import XK, X
from Xlib import display as xdisplay
from Xlib.ext import xtest


class Fingers:
    """Keys, buttons and the pointer of one display."""

    def __init__(self, display: str) -> None:
        self.display = xdisplay.Display(display)
        self.display.change_keyboard_control(auto_repeat_mode=X.AutoRepeatModeOff)  # on a machine that stalls
        self.display.sync()

    def move(self, x: int, y: int) -> None:
        self._send(X.MotionNotify, x=x, y=y)

    def click(self, button: int = 1) -> None:
        self._send(X.ButtonPress, button)
        self._send(X.ButtonRelease, button)

    def tap(self, key: str, hold_s: float = 0.01) -> None:
        """A key by keysym name or character, with Shift where the layout asks for it."""
        keysym = ord(key) if len(key) == 1 else XK.string_to_keysym(key)
        codes = sorted(self.display.keysym_to_keycodes(keysym), key=lambda pair: pair[1])
        code, index = codes[0]
        if index == 1:
            self.down("Shift_L")
        self._send(X.KeyPress, code)
        time.sleep(hold_s)
        self._send(X.KeyRelease, code)
        if index == 1:
            self.up("Shift_L")

    def chord(self, *keys: str) -> None:
        for key in keys[:-1]:
            self.down(key)
        self.tap(keys[-1])
        for key in reversed(keys[:-1]):
            self.up(key)

    def down(self, key: str) -> None:
        self._send(X.KeyPress, self._code(key))

    def up(self, key: str) -> None:
        self._send(X.KeyRelease, self._code(key))

    def _code(self, key: str) -> int:
        return int(self.display.keysym_to_keycode(ord(key) if len(key) == 1 else XK.string_to_keysym(key)))

    def _send(self, kind: int, detail: int = 0, x: int = 0, y: int = 0) -> None:
        xtest.fake_input(self.display, kind, detail, x=x, y=y)
        self.display.sync()
        time.sleep(0.004)
