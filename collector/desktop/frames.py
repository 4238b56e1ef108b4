"""Frames on their way to disk: held back where a person is recorded, gated, compared, encoded, logged."""

from __future__ import annotations

import queue
import threading
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from collector.desktop.pointer import PointerShape
from collector.recording.session import Recording
from collector.video.changes import Box, difference_within
from collector.video.encoder import Encoder
from manifests.session import Frame

_BLANK = 0x60  # a grey that no one mistakes for a dark screen


@dataclass(frozen=True)
class Shot:
    """What one tick saw. Times are ns since the session's start."""

    t0_ns: int
    t1_ns: int
    lateness_ns: int
    pixels: NDArray[np.uint8] | None
    """uint8 [height, width, 4], BGRX, with the pointer; None: the same as in the shot before."""
    region: Box | None
    """Where the pixels may differ from the shot before; None: anywhere."""
    x: int
    y: int
    shape: PointerShape | None
    dropped_before: int


class FrameWriter(threading.Thread):
    """Writes shots as frames until `finish()`. An error ends it and is kept in `error`."""

    def __init__(self, recording: Recording, shots: queue.Queue[Shot | None], width: int, height: int) -> None:
        super().__init__(name="frame-writer")
        self._recording = recording
        self._shots = shots
        self._size = (width, height)
        self._shown: NDArray[np.uint8] | None = None
        """The pixels of the last frame written."""
        self._seen: NDArray[np.uint8] | None = None
        """The pixels of the last shot, written or not."""
        self._paused = False
        self._until_ns = 0
        """Up to when shots have been looked at."""
        self._blank = False
        self._whole = True
        self._known: set[str] = set()
        self._dropped = 0
        self.error: Exception | None = None

    def finish(self) -> None:
        """Write what is held back, and finish the video."""
        if self.is_alive():
            self._shots.put(None)
        self.join()

    def run(self) -> None:
        try:
            with Encoder(self._recording.folder.screen, *self._size, "bgr0", self._recording.spec.fps) as encoder:
                while (shot := self._shots.get()) is not None:
                    self._recording.hold_until(shot.t1_ns)
                    self._frame(shot, encoder)
                    self._recording.release()
        except Exception as error:
            self.error = error
            self._drain()

    def _drain(self) -> None:
        """Nobody may wait for room in the queue of a writer that has ended."""
        try:
            while True:
                self._shots.get_nowait()
        except queue.Empty:
            pass

    def _frame(self, shot: Shot, encoder: Encoder) -> None:
        if shot.pixels is not None:
            self._seen = shot.pixels
        assert self._seen is not None
        self._dropped += shot.dropped_before
        gate = self._recording.gate
        view = gate.view(shot.t0_ns, shot.t1_ns)
        paused = gate.view(self._until_ns, shot.t1_ns) == "paused"  # a pause may lie between two shots
        if view == "paused" or ((paused or self._paused) and not encoder.key_due(shot.t1_ns)):
            # after a pause a clip must be able to begin, so a pause lasts until a GOP may
            self._paused, self._dropped, self._whole = True, 0, True
            self._recording.timing.paused()
            self._until_ns = shot.t1_ns
            return
        changed, box = self._compare(shot, blank=view == "hidden")
        assert self._shown is not None
        frame = Frame(
            index=self._recording.frames.count,
            t0_ns=shot.t0_ns,
            t1_ns=shot.t1_ns,
            changed=round(changed, 6),
            box=box,
            cursor_x=-1 if self._blank else shot.x,
            cursor_y=-1 if self._blank else shot.y,
            cursor=None if self._blank or shot.shape is None else self._cursor(shot.shape),
            picture=encoder.show(self._shown.data, shot.t1_ns, changed > 0),
            redacted=self._blank,
            dropped_before=self._dropped,
        )
        self._recording.frames.write(frame)
        self._recording.timing.frame(shot.t1_ns, frame.dropped_before)
        self._recording.measured(shot.t1_ns - shot.t0_ns, shot.lateness_ns)
        self._paused, self._dropped, self._until_ns = False, 0, shot.t1_ns

    def _compare(self, shot: Shot, *, blank: bool) -> tuple[float, Box | None]:
        """What changed since the last frame that was written, which becomes this one."""
        assert self._seen is not None
        before, turned = self._shown, blank != self._blank
        self._blank = blank
        if before is None:
            self._shown = np.full_like(self._seen, _BLANK) if blank else self._seen
            self._whole = False
            return 1.0, None
        if blank:
            if not turned:
                return 0.0, None
            self._shown = np.full_like(self._seen, _BLANK)
            self._whole = True
            return difference_within(before, self._shown, None)
        if shot.pixels is None and not (turned or self._whole):
            return 0.0, None
        region = None if turned or self._whole else shot.region
        self._shown, self._whole = self._seen, False
        return difference_within(before, self._shown, region)

    def _cursor(self, shape: PointerShape) -> str:
        if shape.id not in self._known:
            self._known.add(shape.id)
            self._recording.cursors.write(shape.record())
        return shape.id
