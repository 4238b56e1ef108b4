"""A counter on the screen that counts the keys it gets, and presses them itself.

`python -m collector.probe.counter SECONDS SEED LOG` draws the count as black and white squares, presses keys through
XTest at uneven intervals, and appends one line a key to LOG: the count, the event's server time, and a moment by
which the new count was on the screen for certain.
"""

from __future__ import annotations

import json
import random
import select
import sys
import threading
import time
from typing import Any, TextIO

from Xlib import XK, X
from Xlib import display as xdisplay
from Xlib.ext import xtest

BITS = 16
SQUARE = 16
LEFT, TOP = 8, 8
"""Bit i of the count is the square at (LEFT + i * SQUARE, TOP), white if set; below it the same bit inverted."""


def main(seconds: float, seed: int, log: TextIO) -> int:
    display = xdisplay.Display()
    window, draw = _window(display)
    draw(0)
    display.sync()
    time.sleep(0.5)
    window.grab_keyboard(False, X.GrabModeAsync, X.GrabModeAsync, X.CurrentTime)  # no key reaches another window
    display.sync()
    presser = threading.Thread(target=_press, args=(seconds, seed), daemon=True)
    presser.start()
    count = 0
    ends = None
    while ends is None or time.monotonic() < ends:
        if not display.pending_events():
            if not presser.is_alive() and ends is None:
                ends = time.monotonic() + 1
            select.select([display.fileno()], [], [], 0.1)
            continue
        event = display.next_event()
        if event.type != X.KeyPress:
            continue
        count += 1
        draw(count)
        display.sync()
        line = {"count": count, "server_ms": int(event.time), "drawn_ns": time.monotonic_ns()}
        log.write(json.dumps(line) + "\n")
        log.flush()
    return 0


def _window(display: Any) -> tuple[Any, Any]:
    screen = display.screen()
    width, height = BITS * SQUARE, 2 * SQUARE
    window = screen.root.create_window(
        LEFT, TOP, width, height, 0, screen.root_depth, event_mask=X.KeyPressMask, override_redirect=True,
        background_pixel=screen.black_pixel,
    )  # fmt: skip
    window.map()
    pixmap = window.create_pixmap(width, height, screen.root_depth)
    black = window.create_gc(foreground=screen.black_pixel)
    white = window.create_gc(foreground=screen.white_pixel)

    def draw(count: int) -> None:
        pixmap.fill_rectangle(black, 0, 0, width, height)
        for bit in range(BITS):
            row = 0 if count >> bit & 1 else SQUARE
            pixmap.fill_rectangle(white, bit * SQUARE, row, SQUARE, SQUARE)
        window.raise_window()
        # one request, so that no frame can show half of it
        window.copy_area(black, pixmap, 0, 0, width, height, 0, 0)

    return window, draw


def _press(seconds: float, seed: int) -> None:
    display = xdisplay.Display()
    rng = random.Random(seed)
    codes = [display.keysym_to_keycode(XK.string_to_keysym(char)) for char in "abcdefghij"]
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        code = rng.choice(codes)
        for kind in (X.KeyPress, X.KeyRelease):
            xtest.fake_input(display, kind, code)
            display.sync()
            time.sleep(rng.uniform(0.01, 0.16))


if __name__ == "__main__":
    with open(sys.argv[3], "a", encoding="utf-8") as opened:
        sys.exit(main(float(sys.argv[1]), int(sys.argv[2]), opened))
