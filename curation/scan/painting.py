"""Painting over cells of a terminal's pictures in the video; every other pixel stays as it is, bit for bit.

The pictures are decoded, painted in their own colour planes, and encoded losslessly, with the key frames, times and
colours of the original. A masked cell shows a dot on its own background, as programs show a password.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from manifests.errors import GoaltraceError
from manifests.videofile import broken_video, opened_video, require_reach

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_INK = 24
"""The least difference of a character from its background in a colour plane, of 255."""
_BRIGHT, _DARK, _GREY = 235, 16, 128


class CellBox(NamedTuple):
    """Adjacent cells to paint over, in px, and for each whether it shows a character."""

    x: int
    y: int
    width: int
    """Of one cell."""
    height: int
    inked: tuple[bool, ...]


class NotThere(GoaltraceError):
    """The picture does not show what its text says, so the place to paint over is unknown."""


def painted(video: bytes, boxes: Mapping[int, Iterable[CellBox]]) -> bytes:
    """The video with the boxes of each picture (by its number) painted over.

    Raises `NotThere` where a picture does not show what is to be painted over, `GoaltraceError` for a video that cannot
    be decoded.
    """
    import av

    try:
        with opened_video(video) as (container, stream):
            packets = [packet for packet in container.demux(stream) if packet.size]
            buffer = io.BytesIO()
            with av.open(buffer, "w", format="mp4") as out:
                encoded = _Encoder(out, stream)
                number = -1
                for number, frame in enumerate(_frames(stream, packets)):
                    require_reach(number + 1, frame, len(video))
                    planes = frame if frame.format.name == "yuv444p" else frame.reformat(format="yuv444p")
                    encoded.add(_painted(planes, boxes.get(number, ())), packets[number])
                encoded.end()
    except broken_video() as error:
        raise GoaltraceError(f"video cannot be decoded ({error}); pack its session again") from None
    if number + 1 != len(packets) or any(wanted > number for wanted in boxes):
        raise GoaltraceError("the video does not hold the pictures that are named; pack its session again")
    return buffer.getvalue()


def _frames(stream: Any, packets: list[Any]) -> Iterable[Any]:
    for packet in [*packets, None]:
        yield from stream.codec_context.decode(packet)


class _Encoder:
    """Encodes one picture into one packet, with the time stamp and the kind of frame (key or not) that it had."""

    def __init__(self, out: Any, source: Any) -> None:
        from av.video.frame import PictureType

        self._key, self._other = PictureType.I, PictureType.NONE
        self._out, self._stream = out, out.add_stream("libx264")
        self._stream.width, self._stream.height = source.width, source.height
        self._stream.pix_fmt = "yuv444p"
        self._stream.time_base = self._stream.codec_context.time_base = source.time_base
        self._stream.codec_context.gop_size = 100_000
        self._stream.codec_context.max_b_frames = 0
        self._stream.options = {"qp": "0", "preset": "veryfast", "forced-idr": "1", "sc_threshold": "0"}
        for name in ("color_range", "colorspace", "color_primaries", "color_trc"):
            setattr(self._stream.codec_context, name, getattr(source.codec_context, name))
        self._sources: list[Any] = []
        self._written = 0

    def add(self, frame: Any, source: Any) -> None:
        self._sources.append(source)
        frame.pts, frame.time_base = source.pts, source.time_base
        frame.pict_type = self._key if source.is_keyframe else self._other
        self._write(self._stream.encode(frame))

    def end(self) -> None:
        self._write(self._stream.encode(None))

    def _write(self, packets: Iterable[Any]) -> None:
        for packet in packets:
            source = self._sources[self._written]
            packet.time_base, packet.pts, packet.dts = source.time_base, source.pts, source.pts
            packet.duration = source.duration
            self._out.mux(packet)
            self._written += 1


@lru_cache(maxsize=8)
def _dot(width: int, height: int) -> NDArray[np.bool_]:
    """The pixels of a dot in the middle of a cell."""
    import numpy as np

    y, x = np.ogrid[:height, :width]
    radius = max(1.0, width / 4)
    return np.asarray((y - (height - 1) / 2) ** 2 + (x - (width - 1) / 2) ** 2 <= radius**2)


def _painted(frame: Any, boxes: Iterable[CellBox]) -> Any:
    """The frame, yuv444p, with the boxes painted over."""
    import av
    import numpy as np

    boxes = list(boxes)
    if not boxes:
        return frame
    planes = frame.to_ndarray()  # uint8 [3, height, width]
    packed = (planes.astype(np.uint32) * np.array([1 << 16, 1 << 8, 1], np.uint32)[:, None, None]).sum(0, np.uint32)
    for box in boxes:
        count = len(box.inked)
        here = np.s_[box.y : box.y + box.height, box.x : box.x + box.width * count]
        cells = planes[(slice(None), *here)].reshape(3, box.height, count, -1)
        if (np.ptp(cells, axis=(1, 3)).max(axis=0)[list(box.inked)] < _INK).any():
            raise NotThere("a picture does not show what its text says")
        colours, counts = np.unique(packed[here], return_counts=True)
        background = int(colours[counts.argmax()])
        dots = np.tile(_dot(box.width, box.height), count)
        ink = (_DARK if background >> 16 >= 128 else _BRIGHT, _GREY, _GREY)
        for plane, shift, value in zip(planes, (16, 8, 0), ink, strict=True):
            plane[here] = np.where(dots, value, background >> shift & 255)
    made = av.VideoFrame.from_ndarray(planes, format="yuv444p")
    for name in ("color_range", "colorspace"):
        setattr(made, name, getattr(frame, name))
    return made
