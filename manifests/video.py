"""Decoding a clip's video: the one place that turns stored bytes into pixels. Needs PyAV (extras `curate`, `train`)."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from manifests.errors import GoaltraceError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def iter_frames(video: bytes, size: tuple[int, int] | None = None) -> Iterator[NDArray[np.uint8]]:
    """Yield every frame in order, uint8 RGB of shape [height, width, 3].

    `size` is (width, height) in px to scale to (area filter); None keeps the recorded size.
    Raises `GoaltraceError` when the bytes are not a video that can be decoded.
    """
    import av
    import numpy as np

    scaled: dict[str, Any] = {} if size is None else {"width": size[0], "height": size[1], "interpolation": "AREA"}
    try:
        with av.open(io.BytesIO(video), "r") as container:
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            for frame in container.decode(stream):
                yield np.asarray(frame.to_ndarray(format="rgb24", **scaled), dtype=np.uint8)
    except (av.error.FFmpegError, IndexError) as error:
        raise GoaltraceError(
            f"video cannot be decoded ({error}); the clip is damaged, pack its session again"
        ) from None


def decode(video: bytes, size: tuple[int, int] | None = None) -> NDArray[np.uint8]:
    """All frames of a clip: uint8 RGB of shape [frames, height, width, 3]."""
    import numpy as np

    return np.stack(list(iter_frames(video, size)))
