"""A keyboard of a layout, a text entry that it types into, and the log of what was typed: for tests of either."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from Xlib import X
from Xlib import display as xdisplay
from Xlib.ext import xtest

from collector.x11.xkb import Xkb
from tests.conftest import SYSTEM_PYTHON

SHIFT, ALT_GR, CAPS, NUM, SUPER, CONTROL = 50, 108, 66, 77, 133, 37
MAIN = [*range(10, 22), *range(24, 36), *range(38, 50), 51, *range(52, 62), 65, 94]
KEYPAD = [63, 106, *range(79, 92)]
_ENTRY = Path(__file__).with_name("text_entry.py")


@contextmanager
def layout(display: str, *arguments: str) -> Iterator[None]:
    """The keyboard of `setxkbmap ARGUMENTS` for as long as this lasts."""
    set_layout(display, *arguments)
    yield
    subprocess.run(["setxkbmap", "-display", display, "us", "-option", ""], check=True)


def set_layout(display: str, *arguments: str) -> None:
    subprocess.run(["setxkbmap", "-display", display, *arguments], check=True)


class Typist:
    """Presses keys by their numbers: what they mean is the server's business."""

    def __init__(self, display: str) -> None:
        self.display = xdisplay.Display(display)
        self.display.change_keyboard_control(auto_repeat_mode=X.AutoRepeatModeOff)
        self.xkb = Xkb(self.display)
        self.tap(SHIFT)  # the server takes the keyboard of the device that is used: let it be this one

    def tap(self, keycode: int, *held: int) -> None:
        for modifier in held:
            self.send(X.KeyPress, modifier)
        self.send(X.KeyPress, keycode)
        self.send(X.KeyRelease, keycode)
        for modifier in reversed(held):
            self.send(X.KeyRelease, modifier)

    def send(self, kind: int, keycode: int) -> None:
        xtest.fake_input(self.display, kind, keycode)
        self.display.sync()

    def switch(self, group: int) -> None:
        self.xkb.lock_group(group)
        self.display.sync()


class Entry:
    """A GTK text entry on the screen, with the focus."""

    def __init__(self, display: str) -> None:
        environment = {**os.environ, "DISPLAY": display, "GTK_IM_MODULE": "gtk-im-context-simple", "GDK_BACKEND": "x11"}
        self._process = subprocess.Popen(
            [SYSTEM_PYTHON, str(_ENTRY)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            text=True, env={**environment, "NO_AT_BRIDGE": "1"},
        )  # fmt: skip
        assert self._read() == "ready"
        self._before = 0

    def after(self, keycode: int) -> str:
        """What it received since this was asked last, when it has seen the key's release."""
        while True:
            code, text = self._read()
            if code == keycode:
                new, self._before = text[self._before :], len(text)
                return str(new)

    def _read(self) -> tuple[int, str] | str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the text entry has ended"
        return json.loads(line)  # type: ignore[no-any-return]

    def __enter__(self) -> Entry:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()


def settle(seconds: float = 0.2) -> None:
    time.sleep(seconds)


def all_ways(groups: int) -> Iterator[tuple[int, int | None, Sequence[int]]]:
    """(group, lock, modifiers held): everything that chooses a meaning of a key."""
    for group in range(groups):
        for held in ((), (SHIFT,), (ALT_GR,), (ALT_GR, SHIFT)):
            yield group, None, held
        for lock in (CAPS, NUM):
            for held in ((), (SHIFT,), (ALT_GR,)):
                yield group, lock, held
