"""Cutting a session's video into clips by copying packets: not one pixel is encoded again."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any

import av

from manifests.clip import PTS_PER_SECOND
from manifests.errors import GoaltraceError


@dataclass(frozen=True)
class _Packet:
    data: bytes
    is_keyframe: bool


class SessionVideo:
    """The packets of a session's screen.mkv, in memory (a compressed minute is a few MB)."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._container: Any = av.open(str(path))
            self._stream = self._container.streams.video[0]
            self._packets = [
                _Packet(bytes(packet), bool(packet.is_keyframe))
                for packet in self._container.demux(self._stream)
                if packet.size
            ]
        except (av.error.FFmpegError, IndexError, OSError) as error:
            raise GoaltraceError(f"{path}: not a readable video ({error})") from None
        if not self._packets or not self._packets[0].is_keyframe:
            raise GoaltraceError(f"{path}: holds no frames, or does not begin with a key frame")

    def __len__(self) -> int:
        return len(self._packets)

    @property
    def keyframes(self) -> list[int]:
        """Indices of the frames that need no other frame."""
        return [index for index, packet in enumerate(self._packets) if packet.is_keyframe]

    def cut(self, first: int, end: int, pts: Sequence[int]) -> bytes:
        """Frames [first, end) as MP4 with the given time stamps (1/90000 s); `first` must be a key frame."""
        if not self._packets[first].is_keyframe:
            raise ValueError(f"frame {first} is not a key frame")
        buffer = io.BytesIO()
        base = Fraction(1, PTS_PER_SECOND)
        with av.open(buffer, "w", format="mp4") as out:
            stream = out.add_stream_from_template(self._stream, opaque=True)
            stream.time_base = base
            for number, source in enumerate(self._packets[first:end]):
                packet = av.Packet(source.data)
                packet.stream = stream
                packet.time_base = base
                packet.pts = packet.dts = pts[number]
                following = pts[number + 1] if number + 1 < len(pts) else 2 * pts[number] - pts[number - 1]
                packet.duration = following - pts[number] if len(pts) > 1 else PTS_PER_SECOND
                packet.is_keyframe = source.is_keyframe
                out.mux(packet)
        return buffer.getvalue()

    def __enter__(self) -> SessionVideo:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._container.close()
