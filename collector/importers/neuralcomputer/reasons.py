"""Why the times of such a session cannot be trusted: measured on its own files, and known of the tool that wrote it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from statistics import median

from collector.importers.neuralcomputer.log import LogRow
from collector.importers.neuralcomputer.plan import PlannedRun

CROWD = 4  # key events at one instant; a hand does not do that
PARTED_FRAMES = 2
KNOWN = {
    "random": "known of this recorder: it keeps no schedule and each click delays it by about 0.1 s; a row's action is "
    "done before its frame is grabbed, though its metadata says after",
    "agent": "known of this recorder: actions are logged before they are done, and frames are not grabbed while the "
    "model is asked",
}
_UNLOGGED = ("double_click", "triple_click", "left_click_drag", "scroll", "middle_click")


def reasons(
    tool: str, frames: int, fps: float, log: Sequence[LogRow], pointer: Sequence[LogRow] | None, plan: PlannedRun
) -> list[str]:
    """One line a reason; `frames` and `fps` are the video's."""
    video_s, rows = frames / fps, log if pointer is None else pointer
    found = [f"times are nominal: frame i is put at i/{fps:g} s of the video, input at the times of the log"]
    if len(rows) != frames:
        found.append(
            f"the video has {frames} frames, the log of the screen {len(rows)} rows: which is which is not known"
        )
    found += _against_frames(rows, frames, fps)
    log_s = max(log[-1].seconds, rows[-1].seconds)
    if abs(log_s - video_s) > PARTED_FRAMES / fps:
        found.append(f"the video lasts {video_s:.1f} s, the log {log_s:.1f} s: input and frames part as it goes on")
    if plan.duration_s is not None and abs(plan.duration_s - video_s) > PARTED_FRAMES / fps:
        found.append(
            f"the session took {plan.duration_s:.1f} s by its own account, the video shows {video_s:.1f} s of it"
        )
    back = sum(b.seconds < a.seconds for a, b in pairwise(log))
    if back:
        found.append(f"the log's times run backwards {back} times")
    found += _crowds(log)
    if pointer is not None:
        found += _late_pointer(log, pointer)
    found += _flags(log, plan)
    return [*found, KNOWN[tool]]


def _against_frames(rows: Sequence[LogRow], frames: int, fps: float) -> list[str]:
    if len(rows) != frames:
        return []
    off = [abs(row.seconds * fps - index) for index, row in enumerate(rows)]
    if max(off) <= PARTED_FRAMES:
        return []
    return [
        f"row i belongs to frame i, but by the clock it lies {sum(off) / len(off):.0f} frames away on average, "
        f"{max(off):.0f} at most"
    ]


def _crowds(log: Sequence[LogRow]) -> list[str]:
    times: Counter[float] = Counter()
    for row in log:
        times[row.seconds] += len(row.keys)
    seconds, most = times.most_common(1)[0]
    return [f"{most} key events have one time ({seconds:.3f} s)"] if most >= CROWD else []


def _late_pointer(log: Sequence[LogRow], pointer: Sequence[LogRow]) -> list[str]:
    """How long after a press is logged the pointer is seen to arrive there."""
    late = []
    for row in log:
        if row.left or row.right:
            arrived = [p.seconds for p in pointer if p.seconds >= row.seconds and (p.x, p.y) == (row.x, row.y)]
            late += [min(arrived) - row.seconds] if arrived else []
    if not late or max(late) == 0:
        return []
    return [f"the pointer is where a press was logged {median(late):.2f} s after it (median of {len(late)} presses)"]


def _flags(log: Sequence[LogRow], plan: PlannedRun) -> list[str]:
    found = []
    flags = [(row.left, row.right) for row in log]
    rows = sum(left + right for left, right in flags)
    rises = sum((b[0] and not a[0]) + (b[1] and not a[1]) for a, b in pairwise([(False, False), *flags]))
    if rows:
        found.append("presses and releases have the times of rows, not their own")
    if rows > rises:
        found.append(
            f"{rows} clicks are flagged and {rises} presses can be told apart: clicks in rows that follow each other "
            "look like one long press"
        )
    unlogged = Counter(intent.verb for intent in plan.intents if intent.verb in _UNLOGGED)
    if unlogged:
        counted = ", ".join(f"{count} {verb}" for verb, count in unlogged.most_common())
        found.append(f"the log has no word for what was meant as {counted}: see intents.jsonl")
    return found
