"""A session as the page wants it: columns instead of records, so that an hour with 100,000 moves opens at once."""

from __future__ import annotations

from itertools import groupby
from typing import Any, get_args

from collector.view.read import Session
from collector.view.remux import picture_pts
from manifests.session import ActionKind, Event, Frame, Spread
from manifests.slots import assign_slots

KINDS = list(get_args(ActionKind))
LONGEST_TEXT = 2000


def document(session: Session) -> dict[str, Any]:
    """Everything the page shows but the video; all times are ns since the session's start."""
    manifest = session.manifest
    t1 = [frame.t1_ns for frame in session.frames]
    return {
        "name": session.folder.path.resolve().name,
        "goal": _short(manifest.goal) if manifest else "",
        "outcome": manifest.outcome if manifest else "unverified",
        "invalid": [_short(reason) for reason in manifest.invalid_reasons] if manifest else [],
        "facts": _facts(session),
        "problems": session.problems,
        "size": _size(session),
        "end": session.end_ns,
        "frames": _frames(session.frames),
        "pictures": session.pictures,
        "pts": picture_pts(session.pictures, t1),
        "actions": _actions(session, t1),
        "kinds": KINDS,
        "intents": _intents(session),
        "spans": _spans(session.events, session.end_ns),
        "marks": [
            {"kind": event.kind, "t": event.t_ns, "reason": _short(event.reason), "gap": event.gap_ns}
            for event in session.events
            if event.kind in ("sleep", "stop")
        ],
        "keep": manifest.keep_ns if manifest else None,
    }


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_TEXT else text[:LONGEST_TEXT] + " ..."


def _size(session: Session) -> list[int]:
    if session.manifest:
        return [max(1, session.manifest.width), max(1, session.manifest.height)]
    return [1024, 768]  # the video's own size takes over once it is loaded


def _frames(frames: list[Frame]) -> dict[str, Any]:
    return {
        "index": [frame.index for frame in frames],
        "t0": [frame.t0_ns for frame in frames],
        "t1": [frame.t1_ns for frame in frames],
        "changed": [round(min(1.0, max(0.0, frame.changed)), 5) for frame in frames],
        "x": [frame.cursor_x for frame in frames],
        "y": [frame.cursor_y for frame in frames],
        "hidden": [n for n, frame in enumerate(frames) if frame.redacted],
        "dropped": [[n, frame.dropped_before] for n, frame in enumerate(frames) if frame.dropped_before > 0],
    }


def _actions(session: Session, t1: list[int]) -> dict[str, Any]:
    actions = session.actions
    t0 = [frame.t0_ns for frame in session.frames]
    slots = assign_slots(t0, t1, [action.t_ns for action in actions]) if t1 else []
    return {
        "t": [action.t_ns for action in actions],
        "kind": [KINDS.index(action.kind) for action in actions],
        "x": [action.x for action in actions],
        "y": [action.y for action in actions],
        "dx": [action.dx or 0 for action in actions],
        "dy": [action.dy or 0 for action in actions],
        "button": [action.button for action in actions],
        "key": [action.key and _short(action.key) for action in actions],
        "char": [action.char and _short(action.char) for action in actions],
        "redacted": [n for n, action in enumerate(actions) if action.redacted],
        "repeat": [n for n, action in enumerate(actions) if action.repeat],
        "ambiguous": [n for n, slot in enumerate(slots) if slot.ambiguous],
    }


def _intents(session: Session) -> list[dict[str, Any]]:
    return [
        {
            "t": intent.t_ns,
            "end": intent.t_end_ns,
            "verb": _short(intent.verb),
            "goal": intent.goal and _short(intent.goal),
            "box": intent.box,
            "ok": intent.ok,
            "note": intent.note and _short(intent.note),
        }
        for intent in session.intents
    ]


def _spans(events: list[Event], end_ns: int) -> list[dict[str, Any]]:
    """What was paused or hidden, from its event to the one that undid it."""
    spans: list[dict[str, Any]] = []
    for begin, finish in (("pause", "resume"), ("hide", "show")):
        relevant = [event for event in events if event.kind in (begin, finish)]
        # a second reason to hide makes a second event: hidden until the last reason has gone
        open_reasons: dict[str, int] = {}
        start: Event | None = None
        for event in relevant:
            if event.kind == begin:
                start = start or event
                open_reasons[event.reason] = 1
                continue
            open_reasons.pop(event.reason, None)
            if start and (begin == "pause" or not open_reasons):
                spans.append({"kind": begin, "t": start.t_ns, "end": event.t_ns, "reason": _short(start.reason)})
                start = None
                open_reasons.clear()
        if start:
            spans.append({"kind": begin, "t": start.t_ns, "end": end_ns, "reason": _short(start.reason)})
    return spans


def _facts(session: Session) -> list[tuple[str, str]]:
    """Labels and values for the side of the page, in order."""
    manifest = session.manifest
    if manifest is None:
        return [("folder", str(session.folder.path))]
    parameters = ", ".join(f"{name}={value}" for name, value in manifest.parameters.items())
    versions = {"goaltrace": manifest.recorder_version, **manifest.versions}
    paused = sum(span["end"] - span["t"] for span in _spans(session.events, session.end_ns) if span["kind"] == "pause")
    kinds = sorted("key repeats" if action.repeat else action.kind for action in session.actions)
    counts = ", ".join(f"{len(list(group))} {kind.replace('_', ' ')}" for kind, group in groupby(kinds))
    facts = [
        ("task", f"{manifest.task_id} ({manifest.family})"),
        ("parameters", parameters),
        ("actor", manifest.actor if manifest.actor == manifest.arm else f"{manifest.actor}, arm {manifest.arm}"),
        ("outcome", f"{manifest.outcome}: {manifest.outcome_detail}" if manifest.outcome_detail else manifest.outcome),
        ("duration", f"{session.end_ns / 1e9:.1f} s" + (f", {paused / 1e9:.1f} s of it paused" if paused else "")),
        ("frames", f"{len(session.frames)} at {manifest.fps:g}/s, {len(set(session.pictures))} pictures"),
        ("dropped", f"{sum(max(0, frame.dropped_before) for frame in session.frames)} ticks"),
        ("actions", counts or "none"),
        ("clock", "; ".join([manifest.clock.source, *manifest.clock.reasons])),
        ("grab", _spread(manifest.bracket_ms)),
        ("lateness", _spread(manifest.lateness_ms)),
        ("input lag", _spread(manifest.input_lag_ms)),
        ("screen", f"{manifest.width} x {manifest.height} px, {manifest.environment}"),
        ("capture", manifest.capture or ""),
        ("notes", "; ".join(manifest.notes)),
        ("consent", manifest.consent_id or ""),
        ("session", manifest.session_id),
        ("versions", ", ".join(f"{name} {version}" for name, version in versions.items())),
    ]
    return [(label, _short(value)) for label, value in facts if value]


def _spread(spread: Spread | None) -> str:
    if spread is None:
        return ""
    return f"p50 {spread.p50:.2f}, p95 {spread.p95:.2f}, p99 {spread.p99:.2f}, max {spread.max:.2f} ms"
