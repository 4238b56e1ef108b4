"""One line on the meaning of each column, for the card."""

from __future__ import annotations

from manifests.clip import COLUMNS


def _by_meaning() -> dict[str, str]:
    names: dict[str, list[str]] = {}
    for name, column in COLUMNS.items():
        names.setdefault(column.meaning, []).append(name)
    return {", ".join(alike): meaning for meaning, alike in names.items()}


CLIP_COLUMNS = _by_meaning()
"""Columns that are explained together -> what they mean."""

SCORE_COLUMNS: dict[str, str] = {
    "actions_scored": "actions that efficacy looked at: presses of buttons and keys, and scrolls, one per frame step",
    "efficacy_rate": "share of them followed by a visible change (not the pointer) within 0.5 s, before the next one",
    "efficacy_baseline": "the same share for windows of the same length without an action",
    "efficacy_source": "whose still moments made the baseline: the clip's `session`, or its `arm`",
    "efficacy": "`efficacy_rate - efficacy_baseline`; 0 is chance",
    "clicks_scored": "clicks that have a frame before them; double clicks count once",
    "click_change": "share of clicks after which the screen changed within 64 px",
    "click_change_baseline": "the same around the resting pointer",
    "click_contingency": "mean rank of the edge energy at a click among all points of the frame before it; 0.5: chance",
    "chars_scored": "letters and digits typed",
    "text_contingency": "rank of the typed text's overlap with the goal among its shuffled letters; 0.5: chance",
    "contingency": "`click_contingency`, or `text_contingency` where nothing was clicked",
    "actions_per_s": "presses and scrolls in a second",
    "cursor_px_per_frame": "mean distance of the pointer between two frames, px; none in terminals",
    "key_share": "share of keys among the actions",
    "sensitive": "how many different sensitive values `goaltrace scan` found; null where it could not look",
    "sensitive_kinds": "of which kinds",
    "sensitive_columns": "in which columns",
}
