"""Plain figures about a clip's activity: useful in filters, and known to confuse intent with density."""

from __future__ import annotations

import numpy as np

from curation.scores.action_slots import is_action
from manifests.clip import EventRow


def activity(row: EventRow) -> dict[str, float | None]:
    """`actions_per_s` (presses and scrolls), `cursor_px_per_frame` (mean pointer distance between frames, px;
    None in a terminal or without a pointer), `key_share` (share of keys among the actions, 0..1)."""
    acts = [action for action in row["actions"] if is_action(action)]
    seconds = row["duration_ns"] / 1e9
    keys = sum(action["kind"] in ("key_down", "key") for action in acts)
    return {
        "actions_per_s": len(acts) / seconds if seconds > 0 else None,
        "cursor_px_per_frame": None if row["kind"] == "terminal" else _travel(row["cursor_x"], row["cursor_y"]),
        "key_share": keys / len(acts) if acts else None,
    }


def _travel(x: list[int], y: list[int]) -> float | None:
    at = np.stack([x, y], axis=1).astype(float)
    seen = np.logical_and(at[:, 0] >= 0, at[:, 1] >= 0)
    both = seen[1:] & seen[:-1]
    return float(np.linalg.norm(np.diff(at, axis=0), axis=1)[both].mean()) if both.any() else None
