"""Where to cut a session into clips: at closed GOPs, so that video bytes can be copied."""

from __future__ import annotations

from collections.abc import Collection, Sequence


def clip_starts(pictures: Sequence[int], keyframes: Collection[int], first: int, stop: int) -> list[int]:
    """The frames of [first, stop) at which a clip may begin: the first to show a key frame.

    Args:
        pictures: which picture shows each frame of the session.
        keyframes: pictures that need no other picture.
    """
    return [
        frame
        for frame in range(first, stop)
        if pictures[frame] in keyframes and (frame == 0 or pictures[frame - 1] != pictures[frame])
    ]


def clip_windows(starts: Sequence[int], stop: int, fps: float, clip_s: float) -> list[tuple[int, int]]:
    """[first, end) frame ranges that begin at some of `starts` and cover all frames from the first of them to `stop`.

    Every clip lasts `clip_s` to 2 `clip_s` seconds at `fps` where there are starts enough; what is shorter than
    `clip_s` is one clip. `starts` are frame indices in increasing order.
    """
    if not starts:
        return []
    size = round(clip_s * fps)
    begins = [starts[0]]
    for frame in starts:
        if frame - begins[-1] >= size and stop - frame >= size:
            begins.append(frame)
    return list(zip(begins, [*begins[1:], stop], strict=True))
