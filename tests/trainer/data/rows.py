"""Clip rows by hand, and one clip cut into several as pack would."""

from __future__ import annotations

from typing import Any

from manifests.clip import PTS_PER_SECOND
from manifests.video import decode
from tests.factories import encode, make_clip

LISTS = ("t0_ns", "t1_ns", "changed", "cursor_x", "cursor_y", "frame_redacted")


def clip_with(*actions: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """What the encodings look at; absent fields of an action are None."""
    empty = dict.fromkeys(("t_ns", "x", "y", "dx", "dy", "button", "key", "char"))
    rows = [{**empty, "redacted": False, "ambiguous": False, **action} for action in actions]
    start = {"start_keys": [], "start_buttons": [], "start_x": 5, "start_y": 6, "kind": "desktop"}
    return {**start, "actions": rows, **fields}


def cut(row: dict[str, Any], *places: int) -> list[dict[str, Any]]:
    """The clips that a session's only clip becomes when it is cut before some frames; no button is held there."""
    images = decode(row["video"]["bytes"])[row["picture"]]
    parts = []
    bounds = [0, *places, len(row["t1_ns"])]
    for index, (first, stop) in enumerate(zip(bounds, bounds[1:], strict=False)):
        part = {**row, "clip_index": index, "clip_id": f"{row['session_id']}-{index:04d}"}
        part |= {name: row[name][first:stop] for name in LISTS}
        pts = [round((t - part["t1_ns"][0]) * PTS_PER_SECOND / 1e9) for t in part["t1_ns"]]
        inside = [a for a in row["actions"] if (first == 0 or a["slot"] >= first) and a["slot"] < stop]
        part |= {
            "pts": pts, "picture": list(range(stop - first)), "duration_ns": part["t1_ns"][-1] - part["t1_ns"][0],
            "start_x": part["cursor_x"][0], "start_y": part["cursor_y"][0],
            "actions": [{**a, "slot": a["slot"] - first} for a in inside],
            "video": {"bytes": encode(images[first:stop], pts), "path": None},
        }  # fmt: skip
        parts.append(part)
    return parts


def sessions(frames: int = 60) -> list[dict[str, Any]]:
    """Two sessions of each arm, whole."""
    return [make_clip(arm, seed, frames) for arm in ("scripted", "random-fast") for seed in range(2)]
