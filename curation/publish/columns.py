"""What each column means, in one line: for the card, and for a reader who has only the files."""

from __future__ import annotations

CLIP_COLUMNS: dict[str, str] = {
    "clip_id, session_id, episode_id, clip_index": "which clip this is, and of what",
    "schema_version, recorder_version": "what wrote it",
    "kind": "`desktop` or `terminal`",
    "task_id, family, goal": "what was to be done; free text",
    "caption_short, caption, caption_detailed": "what happens in the clip: terminals by commands, outputs and results; "
    "desktops by sub-goals, in detail by actions and what they hit",
    "actor, arm, seed": "who acted, for which arm of the experiment, from which seed",
    "outcome": "`success`, `failure`, `aborted` or `unverified`: what the task's check saw",
    "environment, clock_source": "where it ran; where the action times come from",
    "width, height, fps": "px of a frame; frames a second asked for (the true times are `t0_ns`, `t1_ns`)",
    "duration_ns": "from the first frame's `t1_ns` to the last frame's",
    "cursor_in_pixels": "whether the pointer is drawn in the video",
    "t0_ns, t1_ns": "per frame: the pixels are the screen somewhere in [t0, t1], ns since the session's start",
    "pts": "per frame: when the video shows it, 1/90000 s",
    "picture": "per frame: which picture of the video shows it; an unchanged screen is stored once, so pictures repeat",
    "frame_redacted": "per frame: left blank on purpose",
    "changed": "per frame: share of pixels that differ from the frame before, 0..1",
    "cursor_x, cursor_y": "per frame: pointer (terminals: text cursor), px; -1 for none",
    "screen_text": "per picture: the text that it shows, row by row; `''` for a blank one; none for desktops",
    "actions": "input events; slot i lies between frames i and i+1, `ambiguous` where the event fell inside a grab, "
    "`repeat` where the system pressed a held key again",
    "start_keys, start_buttons, start_x, start_y": "what was held, and where the pointer was, at the first frame",
    "bracket_p50_ms, bracket_p95_ms, bracket_max_ms": "`t1 - t0`",
    "gap_max_ms, dropped": "longest time between two frames; frames that the recorder had to drop",
    "changed_ratio": "share of frames in which anything changed",
    "invalid_reasons": "why the times cannot be fully trusted; empty for a valid clip",
    "video": "`clips` only: MP4, H.264 4:4:4, closed groups of 1 s",
}

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
