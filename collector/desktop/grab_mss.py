"""Frames by mss, on any system; their bracket is this process's clock, read before and after."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any

import mss
import numpy as np
from mss.exception import ScreenShotError

from collector.desktop.grab import Grab
from manifests.errors import GoaltraceError


class MssGrabber:
    """Pixels by mss; on X, the pointer's place and shape by XFixes inside the same bracket.

    mss can draw the pointer itself, but asks for it in a request of its own: the place drawn would
    not be the place logged.
    """

    name = "mss"

    def __init__(self, display: str | None) -> None:
        try:
            self._mss = _open(display)
        except ScreenShotError as error:
            raise GoaltraceError(f"display {display}: no frame can be taken ({error})") from None
        self._pointer = _XPointer(display) if sys.platform.startswith("linux") else _CallbackPointer()
        self._area = self._mss.monitors[0]
        self.width, self.height = int(self._area["width"]), int(self._area["height"])

    def grab(self) -> Grab:
        t0 = time.monotonic_ns()
        shot = self._mss.grab(self._area)
        x, y, shape = self._pointer.look()
        t1 = time.monotonic_ns()
        pixels = np.frombuffer(shot.raw, np.uint8).reshape(shot.height, shot.width, 4)
        if pixels.shape[:2] != (self.height, self.width):
            raise GoaltraceError("the screen's size changed while recording; record again at one size")
        return Grab(t0, t1, pixels, None, x, y, shape)

    def close(self) -> None:
        self._mss.close()
        self._pointer.close()


class _XPointer:
    def __init__(self, display: str | None) -> None:
        from Xlib.ext import xfixes

        from collector.desktop.pointer import Shapes
        from collector.x11.connect import open_display

        self._display = open_display(display)
        self._display.xfixes_query_version()
        self._xfixes = self._display.display.get_extension_major(xfixes.extname)
        self._shapes = Shapes()

    def look(self) -> tuple[int, int, Any]:
        from collector.x11.connect import GetCursorImage

        reply = GetCursorImage(display=self._display.display, opcode=self._xfixes)
        return int(reply.x), int(reply.y), self._shapes.find(reply)

    def close(self) -> None:
        self._display.close()


class _CallbackPointer:
    """Windows and macOS: the pointer's place; its picture cannot be read by pynput."""

    def __init__(self) -> None:
        from pynput.mouse import Controller

        self._mouse = Controller()

    def look(self) -> tuple[int, int, None]:
        x, y = self._mouse.position
        return int(x), int(y), None

    def close(self) -> None:
        pass


def _open(display: str | None) -> mss.MSS:
    """mss over shared memory; where it cannot, its slower plain back end.

    Xtigervnc lists its depth twice, and only the second entry has the root window's visual; mss 10.2 looks
    at the first alone. Reading the list from its end keeps shared memory (0.4 instead of 5 ms a grab).
    """
    if not sys.platform.startswith("linux"):
        return mss.MSS()
    xcb: Any = import_module("mss.linux.xcb")
    depths = xcb.screen_allowed_depths
    for order in (1, -1):
        xcb.screen_allowed_depths = partial(_in_order, depths, order)
        try:
            return mss.MSS(display=display)
        except ScreenShotError:
            continue
        finally:
            xcb.screen_allowed_depths = depths
    return mss.MSS(display=display, backend="xlib")


def _in_order(depths: Callable[[Any], Any], order: int, screen: Any) -> Any:
    return depths(screen)[::order]
