"""The pointer's picture: read from XFixes, kept once a session, drawn by us into each frame."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from collector.video.changes import Box
from manifests.session import Cursor


@dataclass(frozen=True)
class PointerShape:
    """How a pointer looks. `argb` is uint32 [height, width], premultiplied, as XFixes gives it."""

    id: str
    hot_x: int
    hot_y: int
    argb: NDArray[np.uint32]

    @classmethod
    def of(cls, reply: Any) -> PointerShape:
        """From the answer to `GetCursorImage`."""
        count = reply.height * reply.width
        argb = np.frombuffer(reply.cursor_image, np.uint32, count).reshape(reply.height, reply.width)
        hot = f"{argb.shape}{reply.xhot},{reply.yhot}".encode()
        identity = hashlib.sha256(hot + argb.tobytes()).hexdigest()[:12]
        return cls(identity, int(reply.xhot), int(reply.yhot), argb)

    def box(self, x: int, y: int) -> Box:
        """x, y, width, height in px of the picture when the pointer is at (x, y)."""
        return x - self.hot_x, y - self.hot_y, self.argb.shape[1], self.argb.shape[0]

    def record(self) -> Cursor:
        height, width = self.argb.shape
        data = base64.b64encode(self.argb.astype("<u4").tobytes()).decode()
        return Cursor(id=self.id, width=width, height=height, hot_x=self.hot_x, hot_y=self.hot_y, argb=data)


class Shapes:
    """The shapes seen so far: a pointer's picture is converted once, however many frames it is in."""

    def __init__(self) -> None:
        self._known: dict[int, PointerShape] = {}

    def find(self, reply: Any) -> PointerShape:
        serial = int(reply.cursor_serial)
        if serial not in self._known:
            if len(self._known) > 1000:  # animated pointers get a new serial for each picture
                self._known.clear()
            self._known[serial] = PointerShape.of(reply)
        return self._known[serial]


def draw_pointer(pixels: NDArray[np.uint8], shape: NDArray[np.uint32], left: int, top: int) -> None:
    """Blend a pointer (uint32 ARGB, premultiplied) into BGRX `pixels` at (left, top), in place."""
    height, width = pixels.shape[:2]
    x0, y0 = max(left, 0), max(top, 0)
    x1, y1 = min(left + shape.shape[1], width), min(top + shape.shape[0], height)
    if x0 >= x1 or y0 >= y1:
        return
    part = np.ascontiguousarray(shape[y0 - top : y1 - top, x0 - left : x1 - left])
    bgra = part.view(np.uint8).reshape(*part.shape, 4).astype(np.uint16)  # little endian: B G R A
    below = pixels[y0:y1, x0:x1, :3]
    below[:] = np.minimum(bgra[..., :3] + below * (255 - bgra[..., 3:]) // 255, 255)
