"""Pictures in, screen.mkv out, in this process: for screens that are drawn and not recorded.

The same video as `encoder.py` makes. A recorder's ffmpeg is a process of its own, which survives it; a drawing can
simply be drawn again, and starting a process would cost more than encoding a short terminal session does.
"""

from __future__ import annotations

import errno
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from collector.video.encoder import GOP_MS, X264
from manifests.errors import GoaltraceError
from manifests.files import DiskFull

_BT709, _LIMITED = 1, 1  # ISO/IEC 23091-2; the range as FFmpeg numbers it
_BAND = 16  # rows that are converted at once: what they need stays in the processor's cache
Box = tuple[int, int, int, int]
"""Left, top, width and height in px."""


class Film:
    """Encodes pictures of one size into Matroska, each with the time (ms) from which it is shown.

    Used as a context manager: leaving it finishes the file; after an exception the file is not to be used.
    """

    def __init__(self, path: Path, width: int, height: int, fps: float) -> None:
        import av

        self.path = path
        self.pictures = 0
        self._planes: NDArray[np.uint8] = np.empty((3, height, width), np.uint8)
        self._last_ms = self._key_ms = -GOP_MS
        rate = Fraction(fps).limit_denominator(1001)
        try:
            self._out: Any = av.open(str(path), "w", format="matroska")
            self._stream: Any = self._out.add_stream("libx264", rate=rate, options=_options(rate))
        except (av.error.FFmpegError, OSError) as error:
            raise self._failure(error) from None
        context = self._stream.codec_context
        context.width, context.height, context.pix_fmt = width, height, "yuv444p"
        context.time_base = Fraction(1, 1000)
        context.thread_count = 1
        context.color_primaries = context.color_trc = context.colorspace = _BT709
        context.color_range = _LIMITED

    def key_due(self, t_ns: int) -> bool:
        """True if a picture at `t_ns` would begin a GOP."""
        return self._milliseconds(t_ns) - self._key_ms >= GOP_MS

    def show(self, pixels: NDArray[np.uint32], t_ns: int, differs: Box | None = None) -> int:
        """What is shown from `t_ns` on: uint32 [height, width], 0xXXRRGGBB. Returns the index of its picture.

        `differs` holds all that differs from the picture before; None: it may be anything. Raises `GoaltraceError`
        when the disk is full.
        """
        import av

        t_ms = self._milliseconds(t_ns)
        left, top, width, height = differs if differs and self.pictures else (0, 0, *pixels.shape[::-1])
        for y in range(top, top + height, _BAND):
            part = slice(y, min(y + _BAND, top + height)), slice(left, left + width)
            _convert(pixels[part], self._planes[:, *part])
        picture: Any = av.VideoFrame.from_ndarray(self._planes, format="yuv444p")
        picture.colorspace, picture.color_range = _BT709, _LIMITED
        picture.pts, picture.time_base = t_ms, Fraction(1, 1000)
        if t_ms - self._key_ms >= GOP_MS:
            picture.pict_type = av.video.frame.PictureType.I
            self._key_ms = t_ms
        self._last_ms = t_ms
        self._write(picture)
        self.pictures += 1
        return self.pictures - 1

    def __enter__(self) -> Film:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        import av

        try:
            if kind is None:
                self._write(None)
            self._out.close()
        except (av.error.FFmpegError, OSError) as failure:
            if kind is None:
                raise self._failure(failure) from None

    def _write(self, picture: Any) -> None:
        import av

        try:
            for packet in self._stream.encode(picture):
                self._out.mux(packet)
        except (av.error.FFmpegError, OSError) as error:
            raise self._failure(error) from None

    def _milliseconds(self, t_ns: int) -> int:
        return max(round(t_ns / 1e6), self._last_ms + 1)

    def _failure(self, error: Exception) -> GoaltraceError:
        if getattr(error, "errno", None) == errno.ENOSPC:
            return DiskFull(f"{self.path}: no space left on its disk; free some or choose another --out")
        return GoaltraceError(f"{self.path}: the video cannot be written ({error})")


def _convert(pixels: NDArray[np.uint32], planes: NDArray[np.uint8]) -> None:
    """RGB as Y, Cb and Cr of limited range (ITU-R BT.709-6, 3.2 to 3.5), rounded, in 16 bits after the point."""
    red, green, blue = ((pixels >> shift & 255).view(np.int32) for shift in (16, 8, 0))
    for plane, (r, g, b, offset) in zip(planes, _TO_YUV, strict=True):
        total = red * r
        total += green * g
        total += blue * b
        total += offset
        total >>= 16
        plane[:] = total


def _to_yuv() -> list[list[np.int32]]:
    """For Y, Cb and Cr: what red, green and blue count, and what is added to them, in 1/65536."""
    luma = np.array([0.2126, 0.7152, 0.0722])
    rows = np.array(
        [luma * 219, (np.array([0, 0, 1]) - luma) / 1.8556 * 224, (np.array([1, 0, 0]) - luma) / 1.5748 * 224]
    )
    scaled = np.column_stack([rows / 255, [16.5, 128.5, 128.5]]) * 65536
    return [list(row) for row in np.round(scaled).astype(np.int32)]


_TO_YUV = _to_yuv()


def _options(rate: Fraction) -> dict[str, str]:
    """x264's settings as `collector.video.encoder` has them; key frames come only where they are asked for."""
    chosen = {name: str(X264[name]) for name in ("preset", "tune", "crf", "bf", "sc_threshold", "flags")}
    return chosen | {
        "g": "10000", "forced-idr": "1", "x264-params": f"fps={rate.numerator}/{rate.denominator}",
    }  # fmt: skip
