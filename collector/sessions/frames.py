"""Which frames of a session are whole: logged, in order, and shown by a picture that is there."""

from __future__ import annotations

from collections.abc import Sequence

from collector.sessions.pictures import Pictures
from manifests.session import Frame

MAX_NS = 7 * 24 * 3600 * 10**9
_TIME_TOLERANCE_MS = 20


def picture_of(frame: Frame) -> int:
    """The picture that shows a frame; older sessions have one a frame."""
    return frame.index if frame.picture is None else frame.picture


def whole_frames(frames: Sequence[Frame], video: Pictures | None, timed: bool = True) -> tuple[int, str]:
    """How many frames from the first on are whole, and why the next one is not ("" when all are).

    `video` None leaves the pictures out; `timed` says that their time stamps are the frames' own.
    """
    before: Frame | None = None
    for number, frame in enumerate(frames):
        reason = _order(frame, before, number)
        if reason is None and video is not None:
            reason = _shown(frame, frames[0], before, video, timed)
        if reason:
            return number, reason
        before = frame
    return len(frames), ""


def _order(frame: Frame, before: Frame | None, number: int) -> str | None:
    if frame.index != number:
        return f"line {number + 1} is frame {frame.index}, not {number}: lines are missing or doubled"
    if not 0 <= frame.t0_ns <= frame.t1_ns <= MAX_NS:
        return f"frame {number}: the times of its grab are not in order, or not within 7 days"
    if before is not None and frame.t0_ns < before.t1_ns:
        return f"frame {number}: begins before the frame before it ended"
    picture, shown = picture_of(frame), -1 if before is None else picture_of(before)
    if picture != shown + 1 and (before is None or picture != shown):
        return f"frame {number}: picture {picture} follows picture {shown}"
    return None


def _shown(frame: Frame, first: Frame, before: Frame | None, video: Pictures, timed: bool) -> str | None:
    picture = picture_of(frame)
    if picture >= len(video):
        return f"frame {frame.index}: the video ends before it, with {len(video)} pictures"
    if not timed or frame.picture is None or (before is not None and picture == picture_of(before)):
        return None
    shown = video.pictures[picture].t_ms - video.pictures[picture_of(first)].t_ms
    taken = (frame.t1_ns - first.t1_ns) / 1e6
    if abs(shown - taken) > _TIME_TOLERANCE_MS:
        return f"frame {frame.index}: taken at {taken / 1e3:.3f} s, shown at {shown / 1e3:.3f} s: pictures are missing"
    return None
