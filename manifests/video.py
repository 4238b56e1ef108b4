"""Decoding a clip's video: the one place that turns stored bytes into pixels. Needs PyAV (extras `curate`, `train`).

A clip's video holds a picture once however many frames show it; the clip's `picture` column says which. Readers
ask for frames, and each picture is decoded once.
"""

from __future__ import annotations

import io
from collections.abc import Collection, Iterator, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from manifests.clip import PTS_PER_SECOND
from manifests.errors import GoaltraceError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_NO_PROBING = {
    "analyzeduration": "0"
}  # the MP4's header says it all; probing decodes a picture, half of opening a clip


def iter_frames(
    video: bytes, size: tuple[int, int] | None = None, pictures: Sequence[int] | None = None
) -> Iterator[NDArray[np.uint8]]:
    """Yield every frame of a clip in order, uint8 RGB of shape [height, width, 3], read-only.

    Args:
        video: the bytes of the `video` column.
        size: (width, height) in px to scale to (area filter); None keeps the recorded size.
        pictures: the clip's `picture` column; None yields each picture of the video once. A frame that shows the
            same picture as the one before is the same array, so `is` tells an unchanged frame.

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
        with av.open(io.BytesIO(video), "r") as container:
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            scaler = av.video.reformatter.VideoReformatter()
            for frame in container.decode(stream):
                yield _pixels(frame, size, scaler)
    except (av.error.FFmpegError, IndexError) as error:
        raise _undecodable(error) from None


def _pixels(frame: Any, size: tuple[int, int] | None, scaler: Any) -> NDArray[np.uint8]:
    """`scaler` is kept from frame to frame: setting one up costs as much as using it."""
    import numpy as np

    scaled: dict[str, Any] = {} if size is None else {"width": size[0], "height": size[1], "interpolation": "AREA"}
    image = np.asarray(scaler.reformat(frame, format="rgb24", threads=1, **scaled).to_ndarray(), dtype=np.uint8)
    image.flags.writeable = False  # several frames may share it
    return image


def _undecodable(error: Exception) -> GoaltraceError:
    return GoaltraceError(f"video cannot be decoded ({error}); the clip is damaged, pack its session again")


def pictures_between(
    video: bytes, first: int, last: int, wanted: Collection[int], size: tuple[int, int] | None = None
) -> dict[int, NDArray[np.uint8]]:
    """Decode from the key frame before `first` up to `last` and keep the pictures of `wanted` met on the way.

    For a few frames of a long clip: nothing outside is decoded, and only what is kept is converted. One thread, so
    that callers may run several.

    Args:
        video: the bytes of the `video` column.
        first, last: the times at which the clip's `pts` column shows a picture for the first time, 1/90000 s.
        wanted: more such times; those between the key frame and `last` are in the result.
        size: (width, height) in px to scale to (area filter); None keeps the recorded size.

    Returns:
        time -> uint8 RGB of shape [height, width, 3], read-only.

    Raises `GoaltraceError` when the bytes cannot be decoded, or hold no picture at `first` or `last`.
    """
    import av

    kept: dict[int, NDArray[np.uint8]] = {}
    missing = {first, last}
    try:
        with av.open(io.BytesIO(video), "r", options=_NO_PROBING) as container:
            stream = container.streams.video[0]
            stream.thread_type = "NONE"
            tick = (stream.time_base or Fraction(1, PTS_PER_SECOND)) * PTS_PER_SECOND
            scaler = av.video.reformatter.VideoReformatter()
            container.seek(int(first / tick), stream=stream, backward=True)
            for frame in container.decode(stream):
                at = (frame.pts or 0) * tick.numerator // tick.denominator
                missing.discard(at)
                if at in wanted:
                    kept[at] = _pixels(frame, size, scaler)
                if at >= last:
                    break
    except (av.error.FFmpegError, IndexError) as error:
        raise _undecodable(error) from None
    if missing:
        raise GoaltraceError(f"the video has no picture at {min(missing)}/{PTS_PER_SECOND} s; pack its session again")
    return kept


def decode(
    video: bytes, size: tuple[int, int] | None = None, pictures: Sequence[int] | None = None
) -> NDArray[np.uint8]:
    """All frames of a clip (all pictures, without `pictures`): uint8 RGB of shape [frames, height, width, 3]."""
    import numpy as np

    return np.stack(list(iter_frames(video, size, pictures)))
