"""One session into clip rows: which frames, which actions between them, the state they start from, and captions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

from collector.packing.cut_costs import TerminalCutCosts, held_costs
from collector.packing.desktop_captions import desktop_captions
from collector.packing.held_inputs import HeldInputs
from collector.packing.recorded_session import RecordedSession
from collector.packing.stretches import ClipSpan, stretches
from collector.packing.text_columns import ClipTexts
from collector.packing.video import SessionVideo
from collector.packing.windows import clip_starts, clip_windows
from manifests.clip import PTS_PER_SECOND, ClipAction, ClipActions, ClipQuality, ClipRow
from manifests.errors import GoaltraceError
from manifests.session import IN_CLEAR, Action, Frame, SessionManifest
from manifests.slots import assign_slots
from manifests.versions import SCHEMA_VERSION

if TYPE_CHECKING:
    from collector.packing.screen_text import Replay


@dataclass
class Packed:
    """A session's clips, and the frames that are in none."""

    rows: list[ClipRow] = field(default_factory=list)
    frames_left_out: dict[str, int] = field(default_factory=dict)
    """"trimmed": outside what the review kept; "cut": before the first key frame of a stretch, or alone in it."""


def pack_session(session: RecordedSession, clip_s: float) -> Packed:
    """The rows of `manifests.clip.CLIPS_SCHEMA` of one session, in order.

    Raises `GoaltraceError` when the video does not hold the pictures that the log names, or no clip can be cut.
    """
    packed = Packed()
    replay = _replay(session)
    terminal_costs = TerminalCutCosts(session) if replay else None
    with SessionVideo(session.folder.screen) as video:
        if len(video) != session.pictures[-1] + 1:
            raise GoaltraceError(
                f"{session.folder.screen}: does not reconcile: {len(video)} pictures in the video, "
                f"{session.pictures[-1] + 1} in frames.jsonl"
            )
        if video.size != (session.manifest.width, session.manifest.height):
            stated, seen = f"{session.manifest.width}x{session.manifest.height}", f"{video.size[0]}x{video.size[1]}"
            raise GoaltraceError(f"{session.folder.screen}: does not reconcile: {seen} px, session.json says {stated}")
        for stretch in stretches(session.frames, session.events, session.manifest.keep_ns):
            starts = clip_starts(session.pictures, video.keyframes, stretch.first, stretch.stop)
            costs = (
                terminal_costs.costs(starts) if terminal_costs else held_costs(starts, session.frames, session.actions)
            )
            cut = clip_windows(starts, stretch.stop, session.manifest.fps, clip_s, costs)
            windows = [w for w in cut if w[1] - w[0] > 1]
            for window, actions in zip(windows, _actions(session, stretch, windows), strict=True):
                texts = replay.columns(stretch, *window) if replay else _desktop_texts(session, actions, *window)
                packed.rows.append(_row(session, video, window, len(packed.rows), texts, actions))
    if not packed.rows:
        raise GoaltraceError("no two frames in a row to make a clip of, between its pauses and inside what was kept")
    packed.frames_left_out = _left_out(session, packed.rows)
    return packed


def _replay(session: RecordedSession) -> Replay | None:
    """The replay of a terminal that has a cast; a film of a terminal has none."""
    if session.manifest.kind != "terminal" or not session.folder.cast.is_file():
        return None
    from collector.packing.screen_text import Replay

    return Replay(session)


def _desktop_texts(session: RecordedSession, own: ClipActions, first: int, end: int) -> ClipTexts:
    span = (session.frames[first].t0_ns, session.frames[end - 1].t1_ns)
    captions = desktop_captions(session.manifest, session.intents, own["actions"], span, own["start_keys"])
    return {"screen_text": [], **captions}


def _left_out(session: RecordedSession, rows: Sequence[ClipRow]) -> dict[str, int]:
    keep, frames = session.manifest.keep_ns, session.frames
    trimmed = sum(frame.t0_ns < keep[0] or frame.t1_ns > keep[1] for frame in frames) if keep else 0
    cut = len(frames) - trimmed - sum(len(row["t0_ns"]) for row in rows)
    return {reason: count for reason, count in (("trimmed", trimmed), ("cut", cut)) if count}


def _row(
    session: RecordedSession,
    video: SessionVideo,
    window: tuple[int, int],
    number: int,
    texts: ClipTexts,
    own: ClipActions,
) -> ClipRow:
    """The session's clip of that number, which holds the frames [first, end) of the window."""
    manifest, (first, end) = session.manifest, window
    frames, clip_id = session.frames[first:end], f"{manifest.session_id}-{number:04d}"
    began = frames[0].t1_ns
    pts = [round((frame.t1_ns - began) * PTS_PER_SECOND / 1e9) for frame in frames]
    before = session.pictures[first]
    picture = [number - before for number in session.pictures[first:end]]
    shown = [0, *(b for b, (p, q) in enumerate(pairwise(picture), start=1) if p != q)]  # frames with a new picture
    times = [*(pts[frame] for frame in shown), pts[-1] + round(PTS_PER_SECOND / manifest.fps)]
    return {
        "clip_id": clip_id,
        "session_id": manifest.session_id,
        "episode_id": manifest.episode_id,
        "schema_version": SCHEMA_VERSION,
        "recorder_version": manifest.recorder_version,
        "kind": manifest.kind,
        "task_id": manifest.task_id,
        "family": manifest.family,
        "goal": manifest.goal,
        "actor": manifest.actor,
        "arm": manifest.arm,
        "control": manifest.control,
        "outcome": manifest.outcome,
        "environment": manifest.environment,
        "clock_source": manifest.clock.source,
        "clip_index": number,
        "seed": manifest.seed,
        "width": manifest.width,
        "height": manifest.height,
        "fps": manifest.fps,
        "duration_ns": frames[-1].t1_ns - began,
        "cursor_in_pixels": manifest.cursor_in_pixels,
        "t0_ns": [frame.t0_ns for frame in frames],
        "t1_ns": [frame.t1_ns for frame in frames],
        "pts": pts,
        "picture": picture,
        "frame_redacted": [frame.redacted for frame in frames],
        "changed": [frame.changed for frame in frames],
        "cursor_x": [frame.cursor_x for frame in frames],
        "cursor_y": [frame.cursor_y for frame in frames],
        **texts,
        **own,
        **_quality(manifest, frames),
        "video": {"bytes": video.cut(before, times), "path": f"{clip_id}.mp4"},
    }


def _quality(manifest: SessionManifest, frames: Sequence[Frame]) -> ClipQuality:
    brackets = sorted((frame.t1_ns - frame.t0_ns) / 1e6 for frame in frames)
    reasons = manifest.invalid_reasons
    if kinds := ", ".join(sorted(manifest.typed_in_clear)):
        reasons = [*reasons, f"{IN_CLEAR}{kinds}; pictures of its session may show it"]
    return {
        "bracket_p50_ms": brackets[len(brackets) // 2],
        "bracket_p95_ms": brackets[min(len(brackets) - 1, int(len(brackets) * 0.95))],
        "bracket_max_ms": brackets[-1],
        "gap_max_ms": max((b.t1_ns - a.t1_ns) / 1e6 for a, b in pairwise(frames)),
        "dropped": sum(frame.dropped_before for frame in frames),
        "changed_ratio": sum(frame.changed > 0 for frame in frames) / len(frames),
        "invalid_reasons": reasons,
    }


def _actions(session: RecordedSession, stretch: ClipSpan, windows: Sequence[tuple[int, int]]) -> Iterator[ClipActions]:
    """For each clip of a stretch: its own actions, and what was held when its first frame was taken.

    The slot after a clip's last frame belongs to that clip: so no action is lost between two clips. Nothing is held
    when a stretch begins: what happened before it is not known, or was hidden.
    """
    frames = session.frames[stretch.first : stretch.stop]
    if not windows:
        return
    inside = [action for action in session.actions if stretch.begin_ns <= action.t_ns < stretch.end_ns]
    slots = assign_slots([f.t0_ns for f in frames], [f.t1_ns for f in frames], [a.t_ns for a in inside])
    held = HeldInputs()
    next_one = 0
    for first, end in windows:
        while next_one < len(inside) and slots[next_one].slot + stretch.first < first:
            held.see(inside[next_one])
            next_one += 1
        own: ClipActions = {
            "actions": [],
            "start_keys": list(held.keys),
            "start_buttons": list(held.buttons),
            "start_x": frames[first - stretch.first].cursor_x,
            "start_y": frames[first - stretch.first].cursor_y,
        }
        while next_one < len(inside) and slots[next_one].slot + stretch.first < end:
            slot, ambiguous = slots[next_one]
            own["actions"].append(_action(inside[next_one], slot + stretch.first - first, ambiguous))
            held.see(inside[next_one])
            next_one += 1
        yield own


def _action(action: Action, slot: int, ambiguous: bool) -> ClipAction:
    return {
        "t_ns": action.t_ns,
        "slot": slot,
        "ambiguous": ambiguous,
        "kind": action.kind,
        "x": action.x,
        "y": action.y,
        "dx": action.dx,
        "dy": action.dy,
        "button": action.button,
        "key": action.key,
        "char": action.char,
        "redacted": action.redacted,
        "repeat": bool(action.repeat),
    }
