"""The frame loop: one grab a tick on an absolute schedule, one record a frame, every miss counted."""

from __future__ import annotations

import threading
import time

from collector.desktop.changes import difference
from collector.desktop.grab import MssGrabber
from collector.encoder import Encoder
from collector.recording import Recording
from manifests.session import Frame


class Capture(threading.Thread):
    """Grabs until `stop()`; ticks that could not be met are counted in `dropped` and in the next frame.

    An error ends the thread and is kept in `error`.
    """

    def __init__(self, recording: Recording, display: str, fps: float) -> None:
        super().__init__(name="capture")
        self._recording = recording
        self._display = display
        self._period_ns = round(1e9 / fps)
        self._fps = fps
        self._stopping = threading.Event()
        self.started = threading.Event()
        self.dropped = 0
        self.error: Exception | None = None

    def run(self) -> None:
        try:
            with MssGrabber(self._display) as grabber:
                path = self._recording.folder.screen
                with Encoder(path, grabber.width, grabber.height, self._fps, "bgr0") as encoder:
                    self._loop(grabber, encoder)
        except Exception as error:
            self.error = error
        finally:
            self.started.set()

    def stop(self) -> None:
        self._stopping.set()
        self.join()

    def _loop(self, grabber: MssGrabber, encoder: Encoder) -> None:
        start = time.monotonic_ns()
        tick = index = missed = 0
        before = None
        while not self._stopping.is_set():
            grab = grabber.grab()
            changed, box = difference(before, grab.pixels) if before is not None else (1.0, None)
            before = grab.pixels
            encoder.write(grab.pixels.data)
            self._recording.frames.write(
                Frame(
                    index=index,
                    t0_ns=self._recording.since_start(grab.t0_ns),
                    t1_ns=self._recording.since_start(grab.t1_ns),
                    changed=round(changed, 6),
                    box=box,
                    cursor_x=grab.cursor_x,
                    cursor_y=grab.cursor_y,
                    dropped_before=missed,
                )
            )
            self.started.set()
            index += 1
            tick, missed = self._next_tick(start, tick)
            self.dropped += missed
            self._stopping.wait(max(0.0, (start + tick * self._period_ns - time.monotonic_ns()) / 1e9))

    def _next_tick(self, start: int, tick: int) -> tuple[int, int]:
        """The next tick that can still be met (within one period), and how many were missed before it."""
        late = (time.monotonic_ns() - start) // self._period_ns
        following = max(tick + 1, late)
        return following, following - tick - 1
