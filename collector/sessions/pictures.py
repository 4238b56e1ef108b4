"""The pictures of a screen.mkv that may be cut short: how many, whether they decode, a copy of the first ones."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import av

from manifests.errors import GoaltraceError
from manifests.files import is_plain
from manifests.videofile import broken_video, opened_video, require_reach

_BROKEN = broken_video()


@dataclass(frozen=True)
class Picture:
    """One encoded picture."""

    t_ms: float
    key: bool


@dataclass(frozen=True)
class Pictures:
    """Every picture up to the first that cannot be read."""

    width: int
    height: int
    codec: str
    pictures: list[Picture]
    reason: str = ""
    """Why reading ended before the file did."""

    def __len__(self) -> int:
        return len(self.pictures)


def read_pictures(path: Path) -> Pictures:
    """Times and key frames, without decoding; `GoaltraceError` when not even a video stream can be found."""
    with _opened(path) as (container, stream):
        context = stream.codec_context
        seen: list[Picture] = []
        reason = ""
        try:
            for packet in _packets(container, stream):
                seen.append(Picture(float(packet.pts * packet.time_base * 1000), bool(packet.is_keyframe)))
        except _BROKEN as error:
            reason = str(error)
        return Pictures(context.width, context.height, context.name, seen, reason)


def count_decodable(path: Path, limit: int) -> int:
    """How many of the first `limit` pictures decode without an error."""
    with _opened(path) as (container, stream):
        context = stream.codec_context
        context.options = {**context.options, "err_detect": "explode"}
        count = 0
        try:
            for packet in islice(_packets(container, stream), limit):
                require_reach(count, context, path.stat().st_size)
                count += len(context.decode(packet))
            count += len(context.decode(None))
        except _BROKEN:
            pass
        return min(count, limit)


def copy_pictures(source: Path, target: Path, count: int) -> None:
    """The first `count` pictures as a finished Matroska file: bytes and time stamps as they are.

    Raises `GoaltraceError` when they cannot be copied.
    """
    with _opened(source) as (container, stream):
        try:
            with av.open(str(target), "w", format="matroska") as out:
                copy = out.add_stream_from_template(stream, opaque=True)
                for packet in islice(_packets(container, stream), count):
                    packet.dts = packet.pts  # there are no B-frames
                    packet.stream = copy
                    out.mux(packet)
        except av.error.FFmpegError as error:
            if isinstance(error, OSError) and error.errno:  # a full disk says so itself
                raise OSError(error.errno, error.strerror, str(target)) from None
            raise GoaltraceError(f"{source}: its pictures cannot be copied ({error})") from None


def _packets(container: Any, stream: Any) -> Iterator[Any]:
    last = None
    for packet in container.demux(stream):
        if not packet.size:
            continue
        if packet.pts is None or (last is not None and packet.pts <= last):
            raise ValueError(f"a picture's time is missing or runs backwards after {last}")
        last = packet.pts
        yield packet


@contextmanager
def _opened(path: Path) -> Iterator[tuple[Any, Any]]:
    if not is_plain(path):
        raise GoaltraceError(f"{path}: no such file, or a link")
    with ExitStack() as stack:
        try:
            container, stream = stack.enter_context(opened_video(path))
        except _BROKEN as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise GoaltraceError(f"{path}: not a readable Matroska video ({reason})") from None
        yield container, stream
