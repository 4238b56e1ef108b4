"""One session into clip rows: which frames, which actions between them, and the state they start from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from collector.packing.video import SessionVideo
from collector.packing.windows import clip_windows
from manifests.clip import PTS_PER_SECOND
from manifests.errors import GoaltraceError
from manifests.session import Action, Frame, Intent, SessionFolder, SessionManifest
from manifests.slots import Slot, assign_slots

_ACTION_FIELDS = ("t_ns", "kind", "x", "y", "dx", "dy", "button", "key", "char", "redacted")


def why_left_out(folder: SessionFolder) -> str | None:
    """Why this session must not be packed; None if it reconciles."""
    try:
        manifest = folder.read_manifest()
        if manifest.state != "complete":
            return "the recording did not finish"
        if manifest.outcome == "aborted":
            return f"aborted: {manifest.outcome_detail}"
        if manifest.invalid_reasons:
            return "does not reconcile: " + "; ".join(manifest.invalid_reasons)
        frames, actions = folder.frames(), folder.actions()
    except GoaltraceError as error:
        return str(error)
    if (len(frames), len(actions)) != (manifest.frames, manifest.actions):
        return (
            f"does not reconcile: session.json says {manifest.frames} frames and {manifest.actions} actions, "
            f"the logs hold {len(frames)} and {len(actions)}"
        )
    if len(frames) < 2:
        return f"only {len(frames)} frames"
    if any(a.t1_ns > b.t0_ns or b.t0_ns > b.t1_ns for a, b in pairwise(frames)):
        return "does not reconcile: frame times run backwards"
    return None


def clip_rows(folder: SessionFolder, clip_s: float) -> Iterator[dict[str, Any]]:
    """The rows of `manifests.clip.CLIPS_SCHEMA` of one session, in order.

    Raises `GoaltraceError` when the video does not hold the frames that the log says.
    """
    manifest = folder.read_manifest()
    frames = folder.frames()
    actions = sorted(folder.actions(), key=lambda action: action.t_ns)
    slots = assign_slots([f.t0_ns for f in frames], [f.t1_ns for f in frames], [a.t_ns for a in actions])
    intents = folder.intents()
    with SessionVideo(folder.screen) as video:
        if len(video) != len(frames):
            raise GoaltraceError(
                f"{folder.screen}: does not reconcile: {len(video)} frames in the video, {len(frames)} in frames.jsonl"
            )
        windows = clip_windows(video.keyframes, len(frames), manifest.fps, clip_s)
        for number, (first, end) in enumerate(windows):
            pts = _time_stamps(frames[first:end])
            row = _identity(manifest, number) | _frame_columns(frames[first:end], pts)
            row |= _action_columns(actions, slots, first, end, frames[first])
            row["caption"] = _caption(manifest, intents, frames[first].t0_ns, frames[end - 1].t1_ns)
            row["video"] = {"bytes": video.cut(first, end, pts), "path": f"{row['clip_id']}.mp4"}
            yield row


def _identity(manifest: SessionManifest, number: int) -> dict[str, Any]:
    copied = (
        "session_id episode_id schema_version recorder_version kind task_id family goal actor arm outcome "
        "environment seed width height fps cursor_in_pixels invalid_reasons"
    ).split()
    row = {name: getattr(manifest, name) for name in copied}
    row["clip_id"] = f"{manifest.session_id}-{number:04d}"
    row["clip_index"] = number
    row["clock_source"] = manifest.clock.source
    return row


def _time_stamps(frames: Sequence[Frame]) -> list[int]:
    return [round((frame.t1_ns - frames[0].t1_ns) * PTS_PER_SECOND / 1e9) for frame in frames]


def _frame_columns(frames: Sequence[Frame], pts: list[int]) -> dict[str, Any]:
    brackets = sorted((frame.t1_ns - frame.t0_ns) / 1e6 for frame in frames)
    gaps = [(b.t1_ns - a.t1_ns) / 1e6 for a, b in pairwise(frames)]
    return {
        "duration_ns": frames[-1].t1_ns - frames[0].t1_ns,
        "t0_ns": [frame.t0_ns for frame in frames],
        "t1_ns": [frame.t1_ns for frame in frames],
        "pts": pts,
        "changed": [frame.changed for frame in frames],
        "cursor_x": [frame.cursor_x for frame in frames],
        "cursor_y": [frame.cursor_y for frame in frames],
        "start_x": frames[0].cursor_x,
        "start_y": frames[0].cursor_y,
        "bracket_p50_ms": brackets[len(brackets) // 2],
        "bracket_p95_ms": brackets[min(len(brackets) - 1, int(len(brackets) * 0.95))],
        "bracket_max_ms": brackets[-1],
        "gap_max_ms": max(gaps, default=0.0),
        "dropped": sum(frame.dropped_before for frame in frames),
        "changed_ratio": sum(frame.changed > 0 for frame in frames) / len(frames),
    }


def _action_columns(
    actions: Sequence[Action], slots: Sequence[Slot], first: int, end: int, start: Frame
) -> dict[str, Any]:
    """The clip's own actions, and what was held when its first frame was taken.

    The slot after the clip's last frame belongs to this clip: so no action is lost between two clips.
    """
    keys: dict[str, None] = {}
    buttons: dict[str, None] = {}
    rows = []
    for action, (slot, ambiguous) in zip(actions, slots, strict=True):
        if slot >= end:
            break
        if slot >= first:
            row = {name: getattr(action, name) for name in _ACTION_FIELDS}
            rows.append(row | {"slot": slot - first, "ambiguous": ambiguous})
        elif action.kind == "key_down" and action.key:
            keys[action.key] = None
        elif action.kind == "key_up" and action.key:
            keys.pop(action.key, None)
        elif action.kind == "button_down" and action.button:
            buttons[action.button] = None
        elif action.kind == "button_up" and action.button:
            buttons.pop(action.button, None)
    return {"actions": rows, "start_keys": list(keys), "start_buttons": list(buttons)}


def _caption(manifest: SessionManifest, intents: Sequence[Intent], begin_ns: int, end_ns: int) -> str:
    """The sub-goals that were worked on during the clip; the whole goal where there are none."""
    said = [i.goal for i in intents if i.goal and i.t_ns <= end_ns and i.t_end_ns >= begin_ns]
    return ". ".join(dict.fromkeys(said)) or ("" if manifest.arm.startswith("random") else manifest.goal)
