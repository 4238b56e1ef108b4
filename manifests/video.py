"""Decoding a clip's video: the one place that turns stored bytes into pixels. Needs PyAV (extras `curate`, `train`).

A clip's video holds a picture once however many frames show it; the clip's `picture` column says which. Readers
ask for frames, and each picture is decoded once.
"""

from __future__ import annotations

import errno
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from manifests.clip import PTS_PER_SECOND
from manifests.errors import GoaltraceError
from manifests.videofile import NotAllowed, broken_video, opened_video, require_reach

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# The header is enough: probing would decode a picture on opening a clip, which takes ten times as long.
_NO_PROBING = {"analyzeduration": "0", "skip_frame": "all"}


def iter_frames(
    video: bytes, size: tuple[int, int] | None = None, pictures: Sequence[int] | None = None
) -> Iterator[NDArray[np.uint8]]:
    """Yield every frame of a clip in order, uint8 RGB of shape [height, width, 3], read-only.

    Args:
        video: the bytes of the `video` column.
        size: (width, height) in px to scale to (area filter); None keeps the recorded size.
        pictures: the clip's `picture` column; None yields each picture of the video once. A frame that shows the
            same picture as the one before is the same array, so `is` detects an unchanged frame.

    Raises `GoaltraceError` when the bytes cannot be decoded or do not hold exactly the pictures that are named.
    """
    decoded = _iter_pictures(video, size)
    if pictures is None:
        yield from decoded
        return
    shown: NDArray[np.uint8] | None = None
    number = -1
    for wanted in pictures:
        if wanted == number + 1:
            shown = next(decoded, None)
            number += 1
        if shown is None or wanted != number:
            raise GoaltraceError(
                f"the video has no picture {wanted} after picture {number - 1}; pack its session again"
            )
        yield shown
    if next(decoded, None) is not None:
        raise GoaltraceError(
            f"the video has more than the {number + 1} pictures that are named; pack its session again"
        )


def _iter_pictures(video: bytes, size: tuple[int, int] | None) -> Iterator[NDArray[np.uint8]]:
    import av

    try:
        with _opened(video) as (container, stream):
            stream.thread_type = "AUTO"
            scaler = av.video.reformatter.VideoReformatter()
            for number, frame in enumerate(container.decode(stream), start=1):
                require_reach(number, frame, len(video))
                yield _pixels(frame, size, scaler)
    except broken_video() as error:
        raise _undecodable(error) from None


def _pixels(frame: Any, size: tuple[int, int] | None, scaler: Any) -> NDArray[np.uint8]:
    """`scaler` is kept from frame to frame: setting one up costs as much as using it.

    Of 4:4:4 video FFmpeg makes planar RGB in half the time of packed RGB; the values are the same where it reduces.
    """
    import numpy as np

    if size is None or frame.format.name != "yuv444p" or size[0] > frame.width or size[1] > frame.height:
        scaled: dict[str, Any] = {} if size is None else {"width": size[0], "height": size[1], "interpolation": "AREA"}
        image = np.asarray(scaler.reformat(frame, format="rgb24", threads=1, **scaled).to_ndarray(), dtype=np.uint8)
    else:
        planes = scaler.reformat(frame, *size, format="gbrp", interpolation="AREA", threads=1).planes
        image = np.empty((size[1], size[0], 3), np.uint8)
        for channel, plane in zip((1, 2, 0), planes, strict=True):
            image[..., channel] = np.frombuffer(plane, np.uint8).reshape(size[1], plane.line_size)[:, : size[0]]
    image.flags.writeable = False  # several frames may share it
    return image


@contextmanager
def _opened(video: bytes, options: dict[str, str] | None = None) -> Iterator[tuple[Any, Any]]:
    """The container of a clip's video and its only stream, with a decoder."""
    if not isinstance(video, bytes):
        raise GoaltraceError("the clip holds no video; pack its session again")
    try:
        with opened_video(video, options=options) as opened:
            yield opened
    except NotAllowed as error:
        raise GoaltraceError(f"video cannot be decoded ({error}); pack its session again") from None


def _undecodable(error: Exception) -> Exception:
    if isinstance(error, MemoryError) or getattr(error, "errno", None) == errno.ENOMEM:
        return MemoryError(str(error))  # no fault of the clip
    return GoaltraceError(f"video cannot be decoded ({error}); the clip is damaged, pack its session again")


def pictures_at(
    video: bytes, wanted: Collection[int], size: tuple[int, int] | None = None
) -> dict[int, NDArray[np.uint8]]:
    """Decode some pictures of a clip: only from the key frame before each, and only what is wanted is converted.

    One thread, so that callers may run several.

    Args:
        video: the bytes of the `video` column.
        wanted: the times at which the clip's `pts` column shows a picture for the first time, 1/90000 s.
        size: (width, height) in px to scale to (area filter); None keeps the recorded size.

    Returns:
        time -> uint8 RGB of shape [height, width, 3], read-only, for each time in `wanted`.

    Raises `GoaltraceError` when the bytes cannot be decoded, or hold no picture at one of the times.
    """
    import av

    missing = set(wanted)
    found: dict[int, NDArray[np.uint8]] = {}
    try:
        with _opened(video, _NO_PROBING) as (container, stream):
            stream.thread_type = "NONE"
            tick = (stream.time_base or Fraction(1, PTS_PER_SECOND)) * PTS_PER_SECOND
            scaler = av.video.reformatter.VideoReformatter()
            container.seek(int(min(wanted) / tick), stream=stream, backward=True)

            def time(item: Any) -> int:
                return (item.pts or 0) * tick.numerator // tick.denominator

            count = 0
            for group in _groups(container.demux(stream)):
                count += len(group)
                require_reach(count, stream.codec_context, len(video))
                for frame in _decoded(stream.codec_context, group, [time(packet) in missing for packet in group]):
                    if (at := time(frame)) in missing:
                        found[at] = _pixels(frame, size, scaler)
                        missing.remove(at)
                if not missing:
                    break
    except broken_video() as error:
        raise _undecodable(error) from None
    if missing:
        raise GoaltraceError(f"the video has no picture at {min(missing)}/{PTS_PER_SECOND} s; pack its session again")
    return found


def _groups(packets: Iterable[Any]) -> Iterator[list[Any]]:
    """Packets from one key frame up to the next."""
    group: list[Any] = []
    for packet in packets:
        if packet.is_keyframe and group:
            yield group
            group = []
        if packet.size:
            group.append(packet)
    yield group


def _decoded(decoder: Any, group: list[Any], wanted: list[bool]) -> Iterator[Any]:
    """The pictures of a group up to the last wanted one."""
    if not any(wanted):
        return
    last = max(number for number, flag in enumerate(wanted) if flag)
    count = 0
    for packet in group[: last + 1]:
        for frame in decoder.decode(packet):
            count += 1
            yield frame
    if count <= last:  # not with our own videos: pictures that wait for later ones
        yield from decoder.decode(None)
        decoder.flush_buffers()


def decode(
    video: bytes, size: tuple[int, int] | None = None, pictures: Sequence[int] | None = None
) -> NDArray[np.uint8]:
    """All frames of a clip (all pictures, without `pictures`): uint8 RGB of shape [frames, height, width, 3]."""
    import numpy as np

    return np.stack(list(iter_frames(video, size, pictures)))
