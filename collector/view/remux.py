"""screen.mkv as a browser plays it: the same packets in MP4, each shown from the time of its first frame on."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from manifests.clip import PTS_PER_SECOND
from manifests.errors import GoaltraceError
from manifests.videofile import broken_video, opened_video

BASE = Fraction(1, PTS_PER_SECOND)
FLAGS = {
    "movflags": "+faststart",  # the index comes first, so that seeking needs no second look
    "video_track_timescale": str(PTS_PER_SECOND),
}


def picture_pts(pictures: Sequence[int], t1_ns: Sequence[int]) -> list[int]:
    """When each picture appears, in 1/90000 s from the first frame on; strictly increasing.

    `pictures` are the frames' pictures and `t1_ns` their times, both non-decreasing. One more entry than pictures:
    the end of the last. A picture that no frame shows appears one unit after the one before.
    """
    pts: list[int] = []
    for picture, t_ns in zip(pictures, t1_ns, strict=True):
        at = round((t_ns - t1_ns[0]) * PTS_PER_SECOND / 1e9)
        while len(pts) <= picture:
            pts.append(max(at if len(pts) == picture else 0, pts[-1] + 1 if pts else 0))
    if pts:
        last = round((t1_ns[-1] - t1_ns[0]) * PTS_PER_SECOND / 1e9)
        pts.append(max(last, pts[-1]) + PTS_PER_SECOND // 15)
    return pts


def write_mp4(screen: Path, out: Path, pts: Sequence[int]) -> int:
    """Copy the packets of `screen` to `out` with `pts` (as `picture_pts` gives them); how many there were.

    Raises `GoaltraceError` when not one picture can be read. A file cut short gives what it holds.
    """
    import av

    written = 0
    try:
        with opened_video(screen) as (source, video), av.open(str(out), "w", format="mp4", options=FLAGS) as target:
            stream: Any = target.add_stream_from_template(video, opaque=True)
            for packet in source.demux(video):
                if not packet.size:
                    continue
                if written >= len(pts) - 1 or (not written and not packet.is_keyframe):
                    break
                copy = av.Packet(bytes(packet))
                copy.stream = stream
                copy.time_base = BASE
                copy.pts = copy.dts = pts[written]
                copy.duration = pts[written + 1] - pts[written]
                copy.is_keyframe = packet.is_keyframe
                target.mux(copy)
                written += 1
    except broken_video() as error:
        if not written:
            raise GoaltraceError(f"{screen.name}: not a readable video ({error})") from None
    if not written:
        raise GoaltraceError(f"{screen.name}: holds no pictures, or does not begin with a key frame")
    return written


def own_times(screen: Path) -> list[int]:
    """The pictures' times that screen.mkv itself holds, ns from the first; empty if it cannot be read."""
    times: list[int] = []
    try:
        with opened_video(screen) as (source, video):
            for packet in source.demux(video):
                if packet.size and packet.pts is not None:
                    times.append(round(packet.pts * packet.time_base * 1_000_000_000))
    except broken_video():
        pass  # what came before the break is what there is
    return [t - times[0] for t in times] if times == sorted(times) else []
