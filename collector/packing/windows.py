"""Where to cut a session into clips: at closed GOPs, so that video bytes can be copied."""

from __future__ import annotations

from collections.abc import Sequence


def clip_windows(keyframes: Sequence[int], frames: int, fps: float, clip_s: float) -> list[tuple[int, int]]:
    """[first, end) frame ranges that start on key frames and cover all frames.

    Every clip lasts `clip_s` to 2 `clip_s` seconds at `fps`; a session shorter than `clip_s` is one clip.
    `keyframes` are frame indices in increasing order, the first of which is 0.
    """
    size = round(clip_s * fps)
    starts = [0]
    for frame in keyframes:
        if frame - starts[-1] >= size and frames - frame >= size:
            starts.append(frame)
    return list(zip(starts, [*starts[1:], frames], strict=True))
