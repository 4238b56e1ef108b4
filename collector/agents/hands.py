"""Hands on mouse and keyboard through XTest, so that the X server sees what a person would cause.

pynput sends a character key as a synthetic event, which the X server does not count as input; giving it
keysyms (`from_vk`) makes it use XTest. Every event sent is counted, to be reconciled with what was seen.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterable

from pynput.keyboard import Controller as Keyboard
from pynput.keyboard import KeyCode
from pynput.mouse import Button
from pynput.mouse import Controller as Mouse
from Xlib import XK, X
from Xlib import display as xdisplay

from collector.agents.motor import Point, movement
from manifests.errors import GoaltraceError

MODIFIERS = {"ctrl": "Control_L", "shift": "Shift_L", "alt": "Alt_L", "super": "Super_L"}
ALIASES = {
    "enter": "Return",
    "esc": "Escape",
    "backspace": "BackSpace",
    "space": "space",
    "tab": "Tab",
    "del": "Delete",
}
_BUTTONS = {"left": Button.left, "middle": Button.middle, "right": Button.right}


class Hands:
    """Moves, clicks, scrolls and types on the X display named by $DISPLAY, timed like a person."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._mouse = Mouse()
        self._keyboard = Keyboard()
        self._display = xdisplay.Display()
        # a machine that stalls while a key is down must not type it again and again
        self._display.change_keyboard_control(auto_repeat_mode=X.AutoRepeatModeOff)
        self._display.sync()
        screen = self._display.screen()
        self.width, self.height = int(screen.width_in_pixels), int(screen.height_in_pixels)
        self._sent: Counter[str] = Counter()

    def take_sent(self) -> dict[str, int]:
        """Events sent since the last call, by kind."""
        sent, self._sent = self._sent, Counter()
        return dict(sent)

    @property
    def position(self) -> Point:
        x, y = self._mouse.position
        return int(x), int(y)

    def jump_to(self, point: Point) -> None:
        """Put the pointer somewhere at once, as no person can; the random arm does."""
        x, y = min(max(point[0], 0), self.width - 1), min(max(point[1], 0), self.height - 1)
        if (x, y) != self.position:
            self._mouse.position = (x, y)
            self._sent["move"] += 1

    def move_to(self, point: Point, target_px: float) -> None:
        """Move as a person does to a target `target_px` wide."""
        self._follow(movement(self.position, point, target_px, self._rng))

    def click(self, button: str = "left", count: int = 1) -> None:
        for number in range(count):
            if number:
                time.sleep(self._rng.uniform(0.07, 0.13))
            self.press(button)
            time.sleep(self._rng.uniform(0.05, 0.11))
            self.release(button)

    def press(self, button: str) -> None:
        self._mouse.press(_BUTTONS[button])
        self._sent["button_down"] += 1

    def release(self, button: str) -> None:
        self._mouse.release(_BUTTONS[button])
        self._sent["button_up"] += 1

    def drag(self, start: Point, end: Point, target_px: float) -> None:
        self.move_to(start, target_px)
        self.press("left")
        time.sleep(self._rng.uniform(0.1, 0.2))
        self.move_to(end, target_px)
        time.sleep(self._rng.uniform(0.1, 0.2))
        self.release("left")

    def scroll(self, clicks: int) -> None:
        """Turn the wheel; positive is up."""
        for _ in range(abs(clicks)):
            self._mouse.scroll(0, 1 if clicks > 0 else -1)
            self._sent["scroll"] += 1
            time.sleep(self._rng.uniform(0.06, 0.16))

    def tap(self, key: str, hold_s: float = 0.07) -> None:
        """One key: a character or an X keysym name; shift is held where the layout asks for it."""
        keysym, shift = self._find(key)
        if shift:
            self._key("Shift_L", down=True)
        self._keysym(keysym, down=True)
        time.sleep(hold_s)
        self._keysym(keysym, down=False)
        if shift:
            self._key("Shift_L", down=False)

    def shortcut(self, combination: str) -> None:
        """A key or a combination such as "ctrl+s", "ctrl+shift+n", "F2"."""
        *modifiers, key = combination.split("+") if combination != "+" else ["+"]
        held = []
        for name in modifiers:
            if name.lower() not in MODIFIERS:
                raise GoaltraceError(f"key {combination!r}: {name!r} is not one of {', '.join(MODIFIERS)}")
            held.append(MODIFIERS[name.lower()])
        for name in held:
            self._key(name, down=True)
            time.sleep(self._rng.uniform(0.03, 0.07))
        self.tap(ALIASES.get(key.lower(), key))
        for name in reversed(held):
            self._key(name, down=False)

    def _follow(self, path: Iterable[tuple[float, Point]]) -> None:
        start = time.monotonic()
        last = self.position
        for at_s, point in path:
            time.sleep(max(0.0, start + at_s - time.monotonic()))
            if point != last:
                self.jump_to(point)
                last = point

    def _key(self, name: str, *, down: bool) -> None:
        self._keysym(self._find(name)[0], down=down)

    def _keysym(self, keysym: int, *, down: bool) -> None:
        key = KeyCode.from_vk(keysym)
        if down:
            self._keyboard.press(key)
        else:
            self._keyboard.release(key)
        self._sent["key_down" if down else "key_up"] += 1

    def _find(self, key: str) -> tuple[int, bool]:
        """(keysym to send, shift needed) for a character or keysym name on the current layout."""
        named = {"\n": "Return", "\t": "Tab", " ": "space"}.get(key, key)
        keysym = ord(named) if len(named) == 1 and ord(named) < 256 else XK.string_to_keysym(named)
        for keycode, index in sorted(self._display.keysym_to_keycodes(keysym), key=lambda pair: pair[1]):
            if index in (0, 1):
                return int(self._display.keycode_to_keysym(keycode, 0)), index == 1
        raise GoaltraceError(f"key {key!r}: not on the keyboard of this display; use another text or layout")
