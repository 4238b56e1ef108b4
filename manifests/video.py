"""Decoding a clip's video: the one place that turns stored bytes into pixels. Needs PyAV (extras `curate`, `train`).

A clip's video holds a picture once however many frames show it; the clip's `picture` column says which. Readers
ask for frames, and each picture is decoded once.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from manifests.errors import GoaltraceError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


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
    import numpy as np

    scaled: dict[str, Any] = {} if size is None else {"width": size[0], "height": size[1], "interpolation": "AREA"}
    try:
        with av.open(io.BytesIO(video), "r") as container:
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            for frame in container.decode(stream):
                image = np.asarray(frame.to_ndarray(format="rgb24", **scaled), dtype=np.uint8)
                image.flags.writeable = False  # several frames may share it
                yield image
    except (av.error.FFmpegError, IndexError) as error:
        raise GoaltraceError(
            f"video cannot be decoded ({error}); the clip is damaged, pack its session again"
        ) from None


def decode(
    video: bytes, size: tuple[int, int] | None = None, pictures: Sequence[int] | None = None
) -> NDArray[np.uint8]:
    """All frames of a clip (all pictures, without `pictures`): uint8 RGB of shape [frames, height, width, 3]."""
    import numpy as np

    return np.stack(list(iter_frames(video, size, pictures)))
