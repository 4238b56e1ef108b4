"""Grabbing the screen as an interval: the pixels were on the screen somewhere in [t0, t1]."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from types import TracebackType
from typing import Any

import mss
import numpy as np
from mss.exception import ScreenShotError
from numpy.typing import NDArray
from Xlib import display as xdisplay


@dataclass(frozen=True)
class Grab:
    """One screen: `pixels` is uint8 [height, width, 4] in BGRX order with the pointer drawn in."""

    t0_ns: int
    t1_ns: int
    """CLOCK_MONOTONIC ns just before and just after everything that was read."""
    pixels: NDArray[np.uint8]
    cursor_x: int
    cursor_y: int


class MssGrabber:
    """Pixels by mss (XShmGetImage), pointer position and shape by XFixes, both inside one bracket.

    mss can draw the pointer itself, but asks for it in a request of its own: the position drawn would
    not be the position logged. Use it in one thread only.
    """

    def __init__(self, display: str) -> None:
        self._mss = _open(display)
        self._display = xdisplay.Display(display)
        self._display.xfixes_query_version()
        self._root = self._display.screen().root
        self._area = self._mss.monitors[0]
        self.width, self.height = int(self._area["width"]), int(self._area["height"])

    def grab(self) -> Grab:
        t0 = time.monotonic_ns()
        shot = self._mss.grab(self._area)
        cursor = self._display.xfixes_get_cursor_image(self._root)
        t1 = time.monotonic_ns()
        pixels = np.frombuffer(bytearray(shot.raw), np.uint8).reshape(self.height, self.width, 4)
        shape = np.array(cursor.cursor_image, dtype=np.uint32).reshape(cursor.height, cursor.width)
        draw_pointer(pixels, shape, cursor.x - cursor.xhot, cursor.y - cursor.yhot)
        return Grab(t0, t1, pixels, int(cursor.x), int(cursor.y))

    def __enter__(self) -> MssGrabber:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._mss.close()
        self._display.close()


def _open(display: str) -> mss.MSS:
    """mss over shared memory; where it cannot, its slower plain back end.

    Xtigervnc lists its depth twice, and only the second entry has the root window's visual; mss 10.2 looks
    at the first alone. Reading the list from its end keeps shared memory (0.4 instead of 5 ms a grab).
    """
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


def draw_pointer(pixels: NDArray[np.uint8], shape: NDArray[np.uint32], left: int, top: int) -> None:
    """Blend a pointer (uint32 ARGB, premultiplied, as XFixes gives it) into BGRX `pixels` at (left, top), in place."""
    height, width = pixels.shape[:2]
    x0, y0 = max(left, 0), max(top, 0)
    x1, y1 = min(left + shape.shape[1], width), min(top + shape.shape[0], height)
    if x0 >= x1 or y0 >= y1:
        return
    part = np.ascontiguousarray(shape[y0 - top : y1 - top, x0 - left : x1 - left])
    bgra = part.view(np.uint8).reshape(*part.shape, 4).astype(np.uint16)  # little endian: B G R A
    below = pixels[y0:y1, x0:x1, :3]
    below[:] = np.minimum(bgra[..., :3] + below * (255 - bgra[..., 3:]) // 255, 255)
