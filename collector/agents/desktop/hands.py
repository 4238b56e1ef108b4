"""An agent's hands: mouse and keyboard through XTest, so that the X server sees what a person would cause.

Keys are sent by their number, since pynput sends a character as a synthetic event, which the X server does not count
as input, and knows two columns of the keyboard. Every event sent is counted, to be reconciled with what was seen.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterable, Sequence

from pynput.mouse import Button
from pynput.mouse import Controller as Mouse
from Xlib import X
from Xlib import display as xdisplay
from Xlib.ext import xtest

from collector.agents.desktop.key_finder import KeyFinder, Tap
from collector.agents.desktop.motor import Point, movement
from collector.x11.xkb import Keymap, Xkb
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
        self._display = xdisplay.Display()
        # a machine that stalls while a key is down must not type it again and again
        self._display.change_keyboard_control(auto_repeat_mode=X.AutoRepeatModeOff)
        self._display.sync()
        screen = self._display.screen()
        self.width, self.height = int(screen.width_in_pixels), int(screen.height_in_pixels)
        self._sent: Counter[str] = Counter()
        self._xkb = Xkb(self._display)
        self._xkb.listen()
        self._keymap: Keymap | None = None
        self._finders: dict[tuple[int, int], KeyFinder] = {}

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

    def require(self, text: str) -> None:
        """Raise `GoaltraceError` if this keyboard lacks a character of `text`, before any of it is typed."""
        for char in dict.fromkeys(text):
            self._find(char)

    def tap(self, key: str, hold_s: float = 0.07) -> None:
        """One key: a character or an X keysym name, with the modifiers, the accent or the layout that it takes."""
        finder, taps = self._find(key)
        self._tap(finder, taps, hold_s)

    def shortcut(self, combination: str) -> None:
        """A key or a combination such as "ctrl+s", "ctrl+shift+n", "F2"."""
        *modifiers, key = combination.split("+") if combination != "+" else ["+"]
        if modifiers and not key:
            modifiers, key = modifiers[:-1], "+"  # "ctrl++"
        held: list[Tap] = []
        for name in modifiers:
            if name.lower() not in MODIFIERS:
                raise GoaltraceError(f"key {combination!r}: {name!r} is not one of {', '.join(MODIFIERS)}")
            held += self._find(MODIFIERS[name.lower()])[1]
        finder, taps = self._find(ALIASES.get(key.lower(), key), shortcut=bool(held))
        for modifier in held:
            self._key(modifier.keycode, down=True)
            time.sleep(self._rng.uniform(0.03, 0.07))
        self._tap(finder, taps, 0.07)
        for modifier in reversed(held):
            self._key(modifier.keycode, down=False)

    def _follow(self, path: Iterable[tuple[float, Point]]) -> None:
        start = time.monotonic()
        last = self.position
        for at_s, point in path:
            time.sleep(max(0.0, start + at_s - time.monotonic()))
            if point != last:
                self.jump_to(point)
                last = point

    def _tap(self, finder: KeyFinder, taps: Sequence[Tap], hold_s: float) -> None:
        if finder.group != self._xkb.state()[1]:
            self._xkb.lock_group(finder.group)  # as the layout's switch on the panel does
        for tap in taps:
            for keycode in tap.held:
                self._key(keycode, down=True)
            self._key(tap.keycode, down=True)
            time.sleep(hold_s)
            self._key(tap.keycode, down=False)
            for keycode in reversed(tap.held):
                self._key(keycode, down=False)

    def _key(self, keycode: int, *, down: bool) -> None:
        xtest.fake_input(self._display, X.KeyPress if down else X.KeyRelease, keycode)
        self._display.sync()
        self._sent["key_down" if down else "key_up"] += 1

    def _find(self, key: str, *, shortcut: bool = False) -> tuple[KeyFinder, Sequence[Tap]]:
        """How to press a key or type a character: in the layout in use, else in another one of the keyboard."""
        locked, current = self._xkb.state()
        for group in sorted(range(self._groups()), key=lambda group: group != current):
            finder = self._finders.setdefault((locked, group), KeyFinder(self._read(), locked, group))
            taps = finder.find_shortcut(key) if shortcut else finder.find(key)
            if taps:
                return finder, taps
        raise GoaltraceError(
            f"key {key!r}: not on the keyboard of this display, neither as a key nor by a dead key; use another text "
            "or layout (setxkbmap)"
        )

    def _read(self) -> Keymap:
        """The keyboard as it is now."""
        if self._xkb.changed() or self._keymap is None:
            self._keymap = self._xkb.keymap()
            self._finders.clear()
        return self._keymap

    def _groups(self) -> int:
        return max(len(key.rows) for key in self._read().keys.values())
