"""Cutting a session's video into clips by copying packets: not one pixel is encoded again."""

from __future__ import annotations

import io
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from types import TracebackType

import av

from manifests.clip import PTS_PER_SECOND
from manifests.errors import GoaltraceError
from manifests.videofile import broken_video, opened_video

_BASE = Fraction(1, PTS_PER_SECOND)


@dataclass(frozen=True, slots=True)
class _Packet:
    data: bytes
    is_keyframe: bool


class SessionVideo:
    """The packets of a session's screen.mkv, in memory (a compressed minute is a few MB): one packet is one picture."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._open = ExitStack()
        try:
            opened = opened_video(path, options={"analyzeduration": "1"})  # its first packet says it all
            container, self._stream = self._open.enter_context(opened)
            self._packets = [
                _Packet(bytes(packet), bool(packet.is_keyframe))
                for packet in container.demux(self._stream)
                if packet.size
            ]
        except broken_video() as error:
            self._open.close()
            raise GoaltraceError(f"{path}: not a readable video ({error})") from None
        if not self._packets or not self._packets[0].is_keyframe:
            self._open.close()
            raise GoaltraceError(f"{path}: holds no frames, or does not begin with a key frame")
        context = self._stream.codec_context
        self.size = (int(context.width), int(context.height))
        """Width and height in px."""
        self.keyframes = frozenset(index for index, packet in enumerate(self._packets) if packet.is_keyframe)
        """The pictures that need no other picture."""

    def __len__(self) -> int:
        return len(self._packets)

    def cut(self, first: int, times: Sequence[int]) -> bytes:
        """Pictures from `first` on, which must be a key frame, as MP4.

        `times` (1/90000 s, increasing) says when each is shown, and last when the last one ends: n + 1 for n pictures.
        """
        if first not in self.keyframes:
            raise ValueError(f"picture {first} is not a key frame")
        if any(a >= b for a, b in pairwise(times)):
            raise GoaltraceError(f"{self._path}: does not reconcile: two pictures at one time")
        buffer = io.BytesIO()
        try:
            self._write(buffer, first, times)
        except broken_video() as error:  # a picture whose bytes no MP4 can hold
            raise GoaltraceError(f"{self._path}: its pictures cannot be copied ({error})") from None
        return buffer.getvalue()

    def _write(self, buffer: io.BytesIO, first: int, times: Sequence[int]) -> None:
        with av.open(buffer, "w", format="mp4") as out:
            stream = out.add_stream_from_template(self._stream, opaque=True)
            stream.time_base = _BASE
            for source, (begin, end) in zip(self._packets[first:], pairwise(times), strict=False):
                packet = av.Packet(source.data)
                packet.stream = stream
                packet.time_base = _BASE
                packet.pts = packet.dts = begin
                packet.duration = end - begin
                packet.is_keyframe = source.is_keyframe
                out.mux(packet)

    def __enter__(self) -> SessionVideo:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()
