"""The frame loop: one grab of the screen a tick, on an absolute schedule; what follows it is done in another thread."""

from __future__ import annotations

import queue
import threading
import time

import numpy as np

from collector.desktop.frames import FrameWriter, Shot
from collector.desktop.grab import Grab, Grabber, open_grabber
from collector.desktop.pointer import draw_pointer
from collector.recording.session import Recording
from collector.recording.watch import Sleep
from collector.video.changes import Box, union

_QUEUE = 8
"""Shots that may wait for the encoder (3 MB each at 1024x768) before ticks are dropped."""


class Capture(threading.Thread):
    """Looks until `stop()`; a tick that cannot be met is counted in `dropped` and in the next frame.

    An error ends the thread and is kept in `error`.
    """

    def __init__(self, recording: Recording, display: str | None, fps: float) -> None:
        super().__init__(name="capture")
        self._recording = recording
        self._display = display
        self._period_ns = round(1e9 / fps)
        held = recording.gate.hold_ns // self._period_ns + 1
        self._shots: queue.Queue[Shot | None] = queue.Queue(_QUEUE + held)
        self._stopping = threading.Event()
        self.started = threading.Event()
        """Set when the first frame has been taken, or could not be."""
        self.dropped = 0
        self._error: Exception | None = None
        self._writer: FrameWriter | None = None

    @property
    def error(self) -> Exception | None:
        return self._error or (self._writer.error if self._writer else None)

    def run(self) -> None:
        try:
            grabber = open_grabber(self._display, self._recording.spec.capture)
            try:
                self._recording.opened(grabber.name, grabber.width, grabber.height)
                self._writer = FrameWriter(self._recording, self._shots, grabber.width, grabber.height)
                self._writer.start()
                self._loop(grabber, self._writer)
            finally:
                grabber.close()
        except Exception as error:
            self._error = error
        finally:
            self.started.set()

    def stop(self) -> None:
        """End after the present tick, and wait until every frame is written."""
        self._stopping.set()
        self.join()
        if self._writer is not None:
            self._writer.finish()

    def _loop(self, grabber: Grabber, writer: FrameWriter) -> None:
        composer, sleep = _Composer(), Sleep()
        start = time.monotonic_ns()
        tick = missed = 0
        while not self._stopping.is_set() and writer.error is None:
            if self._recording.gate.paused:
                self._stopping.wait(self._period_ns / 1e9)
                tick, missed = (time.monotonic_ns() - start) // self._period_ns + 1, 0
                continue
            due = start + tick * self._period_ns
            slept = sleep.event(self._recording.now_ns())
            if slept is not None:  # between the frame before and this one, so that no clip holds both
                self._recording.events.write(slept)
            shot = composer.shot(grabber.grab(), due, missed, self._recording)
            try:
                self._shots.put_nowait(shot)
                missed = 0
            except queue.Full:
                composer.forget()
                missed += 1
                self.dropped += 1
            self.started.set()
            following = max(tick + 1, (time.monotonic_ns() - start) // self._period_ns)
            missed += following - tick - 1
            self.dropped += following - tick - 1
            tick = following
            self._stopping.wait(max(0.0, (start + tick * self._period_ns - time.monotonic_ns()) / 1e9))


class _Composer:
    """Puts the pointer into the pixels, and remembers what may have changed since the last shot that was taken."""

    def __init__(self) -> None:
        self._clean: np.ndarray | None = None
        self._last: Grab | None = None
        self._lost: Box | None = None
        self._all = True
        """True if the next shot must be compared as a whole."""

    def shot(self, grab: Grab, due_ns: int, missed: int, recording: Recording) -> Shot:
        """The next shot; its pixels are None if the screen is the one of the shot before."""
        region, whole = grab.region, grab.pixels is not None and grab.region is None
        if grab.pixels is not None:
            self._clean = grab.pixels
        last = self._last
        if last is not None and (grab.shape is not last.shape or (grab.x, grab.y) != (last.x, last.y)):
            for one in (last, grab):
                if one.shape is not None:
                    box = one.shape.box(one.x, one.y)
                    region = box if region is None else union(region, box)
        if self._lost is not None:
            region = self._lost if region is None else union(region, self._lost)
        whole = whole or self._all or last is None
        pixels = None
        if whole or region is not None:
            assert self._clean is not None
            pixels = self._clean.copy()
            if grab.shape is not None:
                left, top, _, _ = grab.shape.box(grab.x, grab.y)
                draw_pointer(pixels, grab.shape.argb, left, top)
        self._last, self._pending = grab, (region, whole)
        self._lost, self._all = None, False
        return Shot(
            t0_ns=recording.since_start(grab.t0_ns),
            t1_ns=recording.since_start(grab.t1_ns),
            lateness_ns=grab.t0_ns - due_ns,
            pixels=pixels,
            region=None if whole else region,
            x=grab.x,
            y=grab.y,
            shape=grab.shape,
            dropped_before=missed,
        )

    def forget(self) -> None:
        """The last shot was not taken: what changed in it counts for the next one."""
        region, whole = self._pending
        self._lost, self._all = region, whole
