"""Compares the counts that the frames show with the times that the log gives to the keys."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from collector.desktop.clock import unwrap_ms
from collector.probe.counter import BITS, LEFT, SQUARE, TOP
from collector.probe.scenario import COUNTER_LOG
from manifests.errors import GoaltraceError
from manifests.session import Frame, SessionFolder, SessionManifest, Spread, pauses
from manifests.videofile import opened_video


@dataclass(frozen=True)
class CountedKey:
    """A key that the counter counted. Times are ns since the session's start."""

    count: int
    t_ns: int
    """When the log says it was pressed."""
    drawn_ns: int
    """By then the count was on the screen."""


@dataclass(frozen=True)
class Verdict:
    """What one scenario measured."""

    events: int
    """Keys in the log that the counter counted."""
    frames: int
    contradictions: int
    """Frames that show a key the log places later, or lack one that was on the screen before."""
    unreadable: int
    """Frames whose count could not be read, between the first and the last that could."""
    leaked: int
    """Frames and events inside a pause."""
    unlogged: int
    """Keys counted outside of pauses that are not in the log."""
    dropped: int
    bracket_ms: Spread | None
    input_lag_ms: Spread | None
    lateness_ms: Spread | None


def judge(folder: Path) -> Verdict:
    """The verdict on the session and counter.jsonl in `folder`; `GoaltraceError` when either cannot be read."""
    session = SessionFolder(folder)
    manifest, frames = session.read_manifest(), session.frames()
    counted = _counted(folder / COUNTER_LOG, manifest)
    keys, unlogged = _match(counted, [a.t_ns for a in session.actions() if a.kind == "key_down"])
    paused = pauses(session.events())
    shown = _while_counting(read_counts(session, frames))
    wrong = sum(count is not None and contradicts(frame, count, keys) for frame, count in shown)
    leaked = sum(any(a < t.t1_ns and t.t0_ns < b for a, b in paused) for t in frames)
    leaked += sum(any(a <= k.t_ns < b for a, b in paused) for k in keys)
    return Verdict(
        events=len(keys),
        frames=len(shown),
        contradictions=wrong,
        unreadable=sum(count is None for _, count in shown),
        leaked=leaked,
        unlogged=sum(not any(a <= t_ns < b for a, b in paused) for t_ns in unlogged),
        dropped=manifest.dropped,
        bracket_ms=manifest.bracket_ms,
        input_lag_ms=manifest.input_lag_ms,
        lateness_ms=manifest.lateness_ms,
    )


def contradicts(frame: Frame, count: int, keys: Sequence[CountedKey]) -> bool:
    """True if the frame cannot be what the screen was between t0 and t1, given when the keys were pressed.

    `keys` are in order; keys that were not logged (during a pause) prove nothing and are not among them.
    """
    after = bisect_right(keys, count, key=lambda key: key.count)
    shows_later = after > 0 and keys[after - 1].t_ns > frame.t1_ns
    lacks_earlier = after < len(keys) and keys[after].drawn_ns < frame.t0_ns
    return shows_later or lacks_earlier


def read_counts(session: SessionFolder, frames: Sequence[Frame]) -> list[tuple[Frame, int | None]]:
    """Each frame with the count that it shows; None where the squares are not black and white."""
    counts = [read_count(picture) for picture in _pictures(session.screen)]
    shown: list[tuple[Frame, int | None]] = []
    for frame in frames:
        picture = frame.index if frame.picture is None else frame.picture
        if picture >= len(counts):
            raise GoaltraceError(f"{session.screen}: {len(counts)} pictures, but frame {frame.index} needs {picture}")
        shown.append((frame, counts[picture]))
    return shown


def _while_counting(shown: list[tuple[Frame, int | None]]) -> list[tuple[Frame, int | None]]:
    """Without the frames before the counter came and after it went."""
    readable = [index for index, (_, count) in enumerate(shown) if count is not None]
    return shown[readable[0] : readable[-1] + 1] if readable else []


def read_count(luma: NDArray[np.uint8]) -> int | None:
    """The count in a picture: uint8 luma [height, width]."""
    count = 0
    for bit in range(BITS):
        x = LEFT + bit * SQUARE + SQUARE // 2
        upper, lower = int(luma[TOP + SQUARE // 2, x]), int(luma[TOP + SQUARE + SQUARE // 2, x])
        if abs(upper - lower) < 128:
            return None
        count |= (upper > lower) << bit
    return count


def _pictures(path: Path) -> Iterator[NDArray[np.uint8]]:
    with opened_video(path) as (video, stream):
        for picture in video.decode(stream):
            yield np.asarray(picture.to_ndarray(format="gray"), dtype=np.uint8)


def _counted(path: Path, manifest: SessionManifest) -> list[CountedKey]:
    """What the counter logged, on the session's clock."""
    origin = manifest.clock.origin_monotonic_ns
    keys = []
    for line in path.read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        drawn = int(entry["drawn_ns"])
        keys.append(CountedKey(int(entry["count"]), unwrap_ms(int(entry["server_ms"]), drawn) - origin, drawn - origin))
    return keys


def _match(counted: Sequence[CountedKey], logged: Sequence[int]) -> tuple[list[CountedKey], list[int]]:
    """The counted keys that are in the log, and the times of those that are not. An event has one server time."""
    left = sorted(logged, reverse=True)
    matched, unlogged = [], []
    for key in sorted(counted, key=lambda key: key.t_ns):
        if left and left[-1] == key.t_ns:
            matched.append(key)
            left.pop()
        else:
            unlogged.append(key.t_ns)
    if left:
        raise GoaltraceError(f"the log holds {len(left)} keys that the counter did not get; leave the keyboard alone")
    return matched, unlogged
