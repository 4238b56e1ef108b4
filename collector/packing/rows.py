"""One session into clip rows: which frames, which actions between them, the state they start from, and captions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from collector.packing.desktop_captions import desktop_captions
from collector.packing.held import Held
from collector.packing.quiet import TerminalQuiet, held_costs
from collector.packing.recorded import Recorded
from collector.packing.stretches import ClipSpan, stretches
from collector.packing.video import SessionVideo
from collector.packing.windows import clip_starts, clip_windows
from manifests.clip import PTS_PER_SECOND
from manifests.errors import GoaltraceError
from manifests.session import IN_CLEAR, Action, Frame, SessionManifest
from manifests.slots import assign_slots
from manifests.versions import SCHEMA_VERSION

if TYPE_CHECKING:
    from collector.packing.screen_text import Replay

_ACTION_FIELDS = ("t_ns", "kind", "x", "y", "dx", "dy", "button", "key", "char", "redacted")
_COPIED = (
    "session_id episode_id recorder_version kind task_id family goal actor arm outcome "
    "environment seed width height fps cursor_in_pixels invalid_reasons"
).split()


@dataclass
class Packed:
    """A session's clips, and the frames that are in none."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    frames_left_out: dict[str, int] = field(default_factory=dict)
    """"trimmed": outside what the review kept; "cut": before the first key frame of a stretch, or alone in it."""


def pack_session(session: Recorded, clip_s: float) -> Packed:
    """The rows of `manifests.clip.CLIPS_SCHEMA` of one session, in order.

    Raises `GoaltraceError` when the video does not hold the pictures that the log names, or no clip can be cut.
    """
    packed = Packed()
    identity = _identity(session.manifest)
    replay = _replay(session)
    quiet = TerminalQuiet(session) if replay else None
    with SessionVideo(session.folder.screen) as video:
        if len(video) != session.pictures[-1] + 1:
            raise GoaltraceError(
                f"{session.folder.screen}: does not reconcile: {len(video)} pictures in the video, "
                f"{session.pictures[-1] + 1} in frames.jsonl"
            )
        if video.size != (session.manifest.width, session.manifest.height):
            said, seen = f"{session.manifest.width}x{session.manifest.height}", f"{video.size[0]}x{video.size[1]}"
            raise GoaltraceError(f"{session.folder.screen}: does not reconcile: {seen} px, session.json says {said}")
        for stretch in stretches(session.frames, session.events, session.manifest.keep_ns):
            starts = clip_starts(session.pictures, video.keyframes, stretch.first, stretch.stop)
            costs = quiet.costs(starts) if quiet else held_costs(starts, session.frames, session.actions)
            cut = clip_windows(starts, stretch.stop, session.manifest.fps, clip_s, costs)
            windows = [w for w in cut if w[1] - w[0] > 1]
            for window, actions in zip(windows, _actions(session, stretch, windows), strict=True):
                number = len(packed.rows)
                name = {"clip_id": f"{session.manifest.session_id}-{number:04d}", "clip_index": number}
                words = replay.columns(stretch, *window) if replay else _words(session, actions, *window)
                packed.rows.append(identity | name | actions | words | _window_columns(session, video, *window))
                packed.rows[-1]["video"]["path"] = f"{name['clip_id']}.mp4"
    if not packed.rows:
        raise GoaltraceError("no two frames in a row to make a clip of, between its pauses and inside what was kept")
    packed.frames_left_out = _left_out(session, packed.rows)
    return packed


def _replay(session: Recorded) -> Replay | None:
    """The replay of a terminal that has a cast; a film of a terminal has none."""
    if session.manifest.kind != "terminal" or not session.folder.cast.is_file():
        return None
    from collector.packing.screen_text import Replay

    return Replay(session)


def _words(session: Recorded, own: dict[str, Any], first: int, end: int) -> dict[str, Any]:
    span = (session.frames[first].t0_ns, session.frames[end - 1].t1_ns)
    said = desktop_captions(session.manifest, session.intents, own["actions"], span, own["start_keys"])
    return {"screen_text": []} | said


def _left_out(session: Recorded, rows: Sequence[dict[str, Any]]) -> dict[str, int]:
    keep, frames = session.manifest.keep_ns, session.frames
    trimmed = sum(frame.t0_ns < keep[0] or frame.t1_ns > keep[1] for frame in frames) if keep else 0
    cut = len(frames) - trimmed - sum(len(row["t0_ns"]) for row in rows)
    return {reason: count for reason, count in (("trimmed", trimmed), ("cut", cut)) if count}


def _identity(manifest: SessionManifest) -> dict[str, Any]:
    row = {name: getattr(manifest, name) for name in _COPIED}
    if kinds := ", ".join(sorted(manifest.typed_in_clear)):
        row["invalid_reasons"] = [*row["invalid_reasons"], f"{IN_CLEAR}{kinds}; pictures of its session may show it"]
    return row | {"schema_version": SCHEMA_VERSION, "clock_source": manifest.clock.source}


def _window_columns(session: Recorded, video: SessionVideo, first: int, end: int) -> dict[str, Any]:
    frames, manifest = session.frames[first:end], session.manifest
    began = frames[0].t1_ns
    pts = [round((frame.t1_ns - began) * PTS_PER_SECOND / 1e9) for frame in frames]
    before = session.pictures[first]
    picture = [number - before for number in session.pictures[first:end]]
    shown = [0, *(b for b, (p, q) in enumerate(pairwise(picture), start=1) if p != q)]  # frames with a new picture
    times = [*(pts[frame] for frame in shown), pts[-1] + round(PTS_PER_SECOND / manifest.fps)]
    return _frame_columns(frames) | {
        "pts": pts,
        "picture": picture,
        "video": {"bytes": video.cut(before, times), "path": None},
    }


def _frame_columns(frames: Sequence[Frame]) -> dict[str, Any]:
    brackets = sorted((frame.t1_ns - frame.t0_ns) / 1e6 for frame in frames)
    return {
        "duration_ns": frames[-1].t1_ns - frames[0].t1_ns,
        "t0_ns": [frame.t0_ns for frame in frames],
        "t1_ns": [frame.t1_ns for frame in frames],
        "changed": [frame.changed for frame in frames],
        "frame_redacted": [frame.redacted for frame in frames],
        "cursor_x": [frame.cursor_x for frame in frames],
        "cursor_y": [frame.cursor_y for frame in frames],
        "start_x": frames[0].cursor_x,
        "start_y": frames[0].cursor_y,
        "bracket_p50_ms": brackets[len(brackets) // 2],
        "bracket_p95_ms": brackets[min(len(brackets) - 1, int(len(brackets) * 0.95))],
        "bracket_max_ms": brackets[-1],
        "gap_max_ms": max((b.t1_ns - a.t1_ns) / 1e6 for a, b in pairwise(frames)),
        "dropped": sum(frame.dropped_before for frame in frames),
        "changed_ratio": sum(frame.changed > 0 for frame in frames) / len(frames),
    }


def _actions(session: Recorded, stretch: ClipSpan, windows: Sequence[tuple[int, int]]) -> Iterator[dict[str, Any]]:
    """For each clip of a stretch: its own actions, and what was held when its first frame was taken.

    The slot after a clip's last frame belongs to that clip: so no action is lost between two clips. Nothing is held
    when a stretch begins: what happened before it is not known, or not to be told.
    """
    frames = session.frames[stretch.first : stretch.stop]
    if not windows:
        return
    inside = [action for action in session.actions if stretch.begin_ns <= action.t_ns < stretch.end_ns]
    slots = assign_slots([f.t0_ns for f in frames], [f.t1_ns for f in frames], [a.t_ns for a in inside])
    held = Held()
    next_one = 0
    for first, end in windows:
        while next_one < len(inside) and slots[next_one].slot + stretch.first < first:
            held.see(inside[next_one])
            next_one += 1
        start = {"start_keys": list(held.keys), "start_buttons": list(held.buttons)}
        rows = []
        while next_one < len(inside) and slots[next_one].slot + stretch.first < end:
            slot, ambiguous = slots[next_one]
            rows.append(_action(inside[next_one], slot + stretch.first - first, ambiguous))
            held.see(inside[next_one])
            next_one += 1
        yield start | {"actions": rows}


def _action(action: Action, slot: int, ambiguous: bool) -> dict[str, Any]:
    row: dict[str, Any] = {name: getattr(action, name) for name in _ACTION_FIELDS}
    row["slot"], row["ambiguous"], row["repeat"] = slot, ambiguous, bool(action.repeat)
    return row
