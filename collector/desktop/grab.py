"""Grabbing the screen as an interval: the pixels were on the screen somewhere in [t0, t1]. One file a back end."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from collector.desktop.pointer import PointerShape
from collector.episodes.spec import CaptureChoice
from collector.video.changes import Box
from manifests.errors import GoaltraceError


@dataclass(frozen=True)
class Grab:
    """One look at the screen."""

    t0_ns: int
    t1_ns: int
    """CLOCK_MONOTONIC ns just before and just after everything that was read."""
    pixels: NDArray[np.uint8] | None
    """The screen without its pointer: uint8 [height, width, 4], BGRX, good until the next grab but one.
    None: the same as in the grab before."""
    region: Box | None
    """Where pixels may differ from the grab before; None: anywhere."""
    x: int
    y: int
    """The pointer's place in px; -1 where there is none."""
    shape: PointerShape | None
    """How the pointer looks; None where that cannot be read."""


class Grabber(Protocol):
    """A back end. Use it in one thread only."""

    name: str
    width: int
    height: int

    def grab(self) -> Grab: ...
    def close(self) -> None: ...


def open_grabber(display: str | None, choice: CaptureChoice) -> Grabber:
    """The back end asked for; for "auto" the X server's own stamps where they work, else mss.

    Raises `GoaltraceError` with the reason when the one asked for does not work.
    """
    from collector.desktop.grab_mss import MssGrabber

    if choice == "mss" or not sys.platform.startswith("linux"):
        return MssGrabber(display)
    from collector.desktop.grab_xserver import XServerGrabber

    try:
        return XServerGrabber(display)
    except GoaltraceError:
        if choice == "xserver":
            raise
        return MssGrabber(display)
