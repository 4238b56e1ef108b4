"""Frames bracketed by the X server itself: its time, the image, its time again, in one flush.

The server answers one client's requests in order, so the image lies between two of its own stamps, on the clock of
the input events; how late this process is scheduled does not matter. XDamage shows when no image is needed at all.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray
from Xlib import X, error
from Xlib.ext import damage, xfixes
from Xlib.protocol import request

from collector.desktop.clock import NS_PER_MS, stamp_width_ns, unwrap_ms
from collector.desktop.grab import Grab
from collector.desktop.pointer import Shapes
from collector.video.changes import Box, union
from collector.x11 import shm
from collector.x11.connect import GetCursorImage, open_display
from manifests.errors import GoaltraceError

_LOOKS_BETWEEN_CHECKS = 30
"""After so many looks without an image one is read all the same, in case XDamage missed something."""


class XServerGrabber:
    """Needs MIT-SHM, 32 bits a pixel and the server's clock to be this machine's; `GoaltraceError` says what is not."""

    name = "xserver"

    def __init__(self, display: str | None) -> None:
        self._display = open_display(display)
        self._wire: Any = self._display.display
        screen = self._display.screen()
        self._root = screen.root
        self.width, self.height = int(screen.width_in_pixels), int(screen.height_in_pixels)
        self._require_32_bits(screen)
        opcode = shm.opcode(self._display)
        if opcode is None:
            raise GoaltraceError(f"display {display}: the X server has no MIT-SHM extension")
        self._shm = opcode
        self._segments = [self._attach(), self._attach()]
        self._window = self._root.create_window(
            -1, -1, 1, 1, 0, X.CopyFromParent, X.InputOnly, event_mask=X.PropertyChangeMask
        )
        self._atom = self._display.intern_atom("_GOALTRACE_TIME")
        self._display.xfixes_query_version()
        self._xfixes = self._wire.get_extension_major(xfixes.extname)
        self._shapes = Shapes()
        self._stamps: list[int] = []
        self._stamp_width = stamp_width_ns()
        self._check_clock(display)
        self._damage = self._watch_damage()
        self._damaged: Box | None = (0, 0, self.width, self.height)
        self._looks = 0

    def grab(self) -> Grab:
        self._collect_events()
        if self._damage is not None and self._damaged is None:
            self._looks += 1
            if self._looks <= _LOOKS_BETWEEN_CHECKS:
                grab = self._look(read=False)
                if self._damaged is None:
                    return grab
            else:
                return self._check_damage()
        return self._look(read=True)

    def close(self) -> None:
        self._display.close()
        for segment, _ in self._segments:
            segment.close()

    def _look(self, *, read: bool) -> Grab:
        """One flush: time, image if `read`, pointer, time."""
        region = self._damaged
        image = None
        before = time.monotonic_ns()
        self._stamp()
        if read:
            self._looks = 0
            self._damaged = None
            if self._damage is not None:
                self._display.damage_subtract(self._damage)
            self._segments.reverse()
            image = self._image(self._segments[0][1])
        pointer = GetCursorImage(display=self._wire, opcode=self._xfixes, defer=1)
        self._stamp()
        try:
            pointer.reply()
            if image is not None:
                image.reply()
        except error.BadMatch:
            raise GoaltraceError("the screen's size changed while recording; record again at one size") from None
        first, last = self._two_stamps()
        after = time.monotonic_ns()
        t0 = max(before, unwrap_ms(first, after))
        t1 = min(after, unwrap_ms(last, after) + self._stamp_width)
        if self._damage is None:
            region = None
        elif read and region is not None and self._damaged is not None:
            region = union(region, self._damaged)  # reported after the subtraction: in this image or not
        pixels = self._pixels() if read else None
        shape = self._shapes.find(pointer)
        return Grab(t0, t1, pixels, region, int(pointer.x), int(pointer.y), shape)

    def _check_damage(self) -> Grab:
        """Read an image although nothing was reported; if it differs, reports are not to be trusted here."""
        before = self._pixels()
        grab = self._look(read=True)
        if self._damaged is None and not np.array_equal(before, self._pixels()):
            self._damage = None
        return Grab(grab.t0_ns, grab.t1_ns, grab.pixels, None, grab.x, grab.y, grab.shape)

    def _pixels(self) -> NDArray[np.uint8]:
        return self._segments[0][0].bytes.reshape(self.height, self.width, 4)

    def _image(self, segment: int) -> Any:
        return shm.GetImage(
            display=self._wire, defer=1, opcode=self._shm, drawable=self._root.id, x=0, y=0, width=self.width,
            height=self.height, plane_mask=shm.ALL_PLANES, format=shm.Z_PIXMAP, segment=segment, offset=0,
        )  # fmt: skip

    def _stamp(self) -> None:
        """Ask for the server's time: a change of a property, however empty, is reported with it."""
        request.ChangeProperty(
            display=self._wire, onerror=None, mode=X.PropModeAppend, window=self._window.id,
            property=self._atom, type=self._atom, data=(8, b""),
        )  # fmt: skip

    def _two_stamps(self) -> tuple[int, int]:
        while len(self._stamps) < 2:
            self._note(self._display.next_event())
        first, last = self._stamps
        self._stamps.clear()
        return first, last

    def _collect_events(self) -> None:
        for _ in range(self._display.pending_events()):
            self._note(self._display.next_event())

    def _note(self, event: Any) -> None:
        if event.type == X.PropertyNotify:
            self._stamps.append(int(event.time))
        elif isinstance(event, damage.DamageNotify):
            area = event.area
            box = (int(area.x), int(area.y), int(area.width), int(area.height))
            self._damaged = box if self._damaged is None else union(self._damaged, box)

    def _watch_damage(self) -> int | None:
        if not self._display.has_extension("DAMAGE"):
            return None
        self._display.damage_query_version()
        return int(self._root.damage_create(damage.DamageReportBoundingBox))

    def _attach(self) -> tuple[shm.Segment, int]:
        segment = shm.Segment(self.width * self.height * 4)
        identity = self._wire.allocate_resource_id()
        refused = error.CatchError()
        shm.Attach(
            display=self._wire, onerror=refused, opcode=self._shm, segment=identity, shmid=segment.id, read_only=0
        )
        self._display.sync()
        segment.forget_on_exit()
        if refused.get_error() is not None:
            raise GoaltraceError("the X server cannot share memory with this process (another machine or container?)")
        return segment, identity

    def _require_32_bits(self, screen: Any) -> None:
        formats = [f for f in self._wire.info.pixmap_formats if f.depth == screen.root_depth]
        visuals = [v for d in screen.allowed_depths for v in d.visuals if v.visual_id == screen.root_visual]
        bgrx = any(v.red_mask == 0xFF0000 and v.green_mask == 0xFF00 and v.blue_mask == 0xFF for v in visuals)
        if self._wire.info.image_byte_order != X.LSBFirst or not bgrx or formats[0].bits_per_pixel != 32:
            raise GoaltraceError(f"the screen's depth of {screen.root_depth} is not 32 bits a pixel in BGRX order")

    def _check_clock(self, display: str | None) -> None:
        for _ in range(5):
            before = time.monotonic_ns()
            self._stamp()
            self._stamp()
            stamps = self._two_stamps()
            after = time.monotonic_ns()
            for stamp in stamps:
                if not before - 2 * NS_PER_MS <= unwrap_ms(stamp, after) <= after:
                    raise GoaltraceError(f"display {display}: the X server's clock is not this machine's")
