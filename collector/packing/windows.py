"""Where to cut a session into clips: at closed GOPs, so that video bytes can be copied, and where little happens."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
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


def clip_windows(
    starts: Sequence[int], stop: int, fps: float, clip_s: float, costs: Sequence[float] | None = None
) -> list[tuple[int, int]]:
    """[first, end) frame ranges that begin at some of `starts` and cover all frames from the first of them to `stop`.

    Every clip lasts `clip_s` to 2 `clip_s` seconds at `fps` where there are starts enough; what is shorter than
    `clip_s` is one clip. `starts` are frame indices in increasing order; `costs` say what a cut at each of them costs.
    Of all ways to cut, the one with the lowest sum is taken, and of equal ones that with the earliest cuts.
    """
    if not starts:
        return []
    size = round(clip_s * fps)
    prices = [0.0] * len(starts) if costs is None else costs
    # The best way from each start to the end, the last start first: (frames too many, sum of costs, next start).
    best: list[tuple[int, float, int | None]] = [(0, 0.0, None)] * len(starts)
    # Starts that are S to 2 S away, each dearer than the later ones: the last is the best.
    near: deque[tuple[int, float, int]] = deque()
    entered = bisect_right(starts, stop - size)  # starts from here on are too near to the end, or in `near` already
    for here in range(len(starts) - 1, -1, -1):
        begin = starts[here]
        while entered > here + 1 and starts[entered - 1] - begin >= size:
            entered -= 1
            way = (best[entered][0], best[entered][1] + prices[entered], entered)
            while near and near[0][:2] >= way[:2]:
                near.popleft()
            near.appendleft(way)
        while near and starts[near[-1][2]] - begin > 2 * size:
            near.pop()
        best[here] = (max(0, stop - begin - 2 * size), 0.0, None)
        if best[here][0]:
            ways = [near[-1]] if near else []
            far = bisect_right(starts, begin + 2 * size)  # too far, but then there may be nothing better
            if far < len(starts) and stop - starts[far] >= size:
                excess = starts[far] - begin - 2 * size
                ways.append((best[far][0] + excess, best[far][1] + prices[far], far))
            best[here] = min(best[here], *ways, key=lambda way: way[:2]) if ways else best[here]
    begins, at = [starts[0]], best[0][2]
    while at is not None:
        begins.append(starts[at])
        at = best[at][2]
    return list(zip(begins, [*begins[1:], stop], strict=True))
