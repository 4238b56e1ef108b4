"""What there is to train on: the clips of a data set, without their video, split by session."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from manifests.clip_io import ClipReader
from manifests.errors import GoaltraceError
from trainer.config import DataConfig

COLUMNS = (
    "clip_id", "session_id", "kind", "arm", "width", "height", "fps", "duration_ns", "cursor_in_pixels", "t1_ns",
    "frame_redacted", "changed", "cursor_x", "cursor_y", "actions", "start_keys", "start_buttons", "start_x", "start_y",
    "invalid_reasons",
)  # fmt: skip


def pick_frames(t1_ns: Sequence[int], fps: float) -> list[int]:
    """The recorded frames that the model sees: one every 1/fps s of the recording's own clock.

    Tick k is t1[0] + k/fps; it shows the last frame whose grab ended by then (half a recorded interval of
    tolerance, so that jitter does not repeat frames). Where the recording skipped frames, one is shown again.
    """
    times = np.asarray(t1_ns, np.int64)
    if len(times) < 2:
        return list(range(len(times)))
    tolerance = float(np.median(np.diff(times))) / 2
    ticks = np.arange(times[0], times[-1] + tolerance, 1e9 / fps)
    return [int(i) for i in np.searchsorted(times, ticks + tolerance, side="right") - 1]


@dataclass(frozen=True)
class Clip:
    """One clip without its video."""

    row: dict[str, Any]
    frames: list[int]
    """The recorded frames that the model sees."""

    @property
    def id(self) -> str:
        return str(self.row["clip_id"])

    @property
    def session(self) -> str:
        return str(self.row["session_id"])

    def blank(self) -> NDArray[np.bool_]:
        """For each of the model's frames: was it, or a frame on the way to it, left blank on purpose?"""
        blank = np.asarray(self.row["frame_redacted"], bool)
        ends = [-1, *self.frames]
        return np.array([bool(blank[a + 1 : b + 1].any()) for a, b in pairwise(ends)])

    def busy(self) -> NDArray[np.bool_]:
        """For each of the model's frames: was something done or did something change on the way to it?"""
        changed = np.asarray(self.row["changed"]) > 0
        acted = np.zeros(len(changed) + 1, bool)
        for action in self.row["actions"]:
            acted[min(max(action["slot"] + 1, 0), len(changed))] = True
        something = changed | acted[: len(changed)]
        ends = [0, *self.frames]
        return np.array([bool(something[a + 1 : b + 1].any()) for a, b in pairwise(ends)])


@dataclass(frozen=True)
class Index:
    """The clips that can be used, split, and what was left out."""

    train: list[Clip]
    held_out: list[Clip]
    left_out: dict[str, int]
    """Reason -> number of clips."""

    @property
    def held_out_sessions(self) -> list[str]:
        return sorted({clip.session for clip in self.held_out})


def load_index(dataset: Path, config: DataConfig, kind: str | None = None, held_out: list[str] | None = None) -> Index:
    """Read the `events` config of a data set and split it by session.

    Args:
        kind: "desktop" or "terminal" to use only these.
        held_out: sessions to hold out; None chooses by hash.

    Raises:
        GoaltraceError: no clips, none long enough, no actions, a rate below the model's, or one session only.
    """
    reader = ClipReader(dataset)
    rows = reader.index(COLUMNS).to_pylist()
    if not rows:
        raise GoaltraceError(f"{dataset}: no clips; pack some sessions first: goaltrace pack SESSIONS --out DATASET")
    if kind is not None:
        rows = [row for row in rows if row["kind"] == kind]
        if not rows:
            raise GoaltraceError(f"{dataset}: no clips of kind {kind}; leave out --kind or take another data set")
    left_out: dict[str, int] = {}
    clips: list[Clip] = []
    for row in rows:
        clip = Clip(row, pick_frames(row["t1_ns"], config.fps))
        reason = _unusable(clip, config)
        if reason:
            left_out[reason] = left_out.get(reason, 0) + 1
        else:
            clips.append(clip)
    if not clips:
        what = "; ".join(f"{count} {reason}" for reason, count in left_out.items())
        raise GoaltraceError(f"{dataset}: no usable clips ({what}); use longer clips or --set data.window / data.fps")
    if not any(clip.row["actions"] for clip in clips):
        raise GoaltraceError(f"{dataset}: no actions in any clip; an action-conditioned model needs them, record again")
    chosen = set(choose_held_out(clips, config.held_out) if held_out is None else held_out)
    index = Index(
        train=[clip for clip in clips if clip.session not in chosen],
        held_out=[clip for clip in clips if clip.session in chosen],
        left_out=left_out,
    )
    if held_out is None and (not index.train or not index.held_out):
        raise GoaltraceError(
            f"{dataset}: one session only; at least two are needed, so that one can be held out for evaluation"
        )
    return index


def _unusable(clip: Clip, config: DataConfig) -> str | None:
    if clip.row["invalid_reasons"]:
        return "not valid"
    if clip.row["fps"] < config.fps:
        return f"slower than {config.fps:g} fps"
    if len(clip.frames) < config.window:
        return f"shorter than a window of {config.window} frames at {config.fps:g} fps"
    return None


def session_hash(session_id: str) -> float:
    """A session's fixed place in 0..1, the same on every machine."""
    return int.from_bytes(hashlib.sha256(session_id.encode()).digest()[:8], "big") / 2**64


def choose_held_out(clips: list[Clip], share: float) -> list[str]:
    """Sessions to hold out: those whose hash is below `share`, and the lowest of a group that has none.

    A group is a kind and arm of at least three sessions; arms of fewer are put together, kind by kind. A group of
    one session stays in training.
    """
    groups: dict[tuple[str, str], set[str]] = {}
    for clip in clips:
        groups.setdefault((clip.row["kind"], clip.row["arm"]), set()).add(clip.session)
    merged: dict[tuple[str, str], set[str]] = {}
    for (kind, arm), sessions in groups.items():
        merged.setdefault((kind, arm if len(sessions) >= 3 else ""), set()).update(sessions)
    chosen: set[str] = set()
    for (kind, arm), sessions in merged.items():
        if arm == "" and any(other != "" for like, other in merged if like == kind):
            continue  # this kind is measured on its larger arms
        ordered = sorted(sessions, key=session_hash)
        below = [session for session in ordered if session_hash(session) < share]
        if len(ordered) > 1:
            chosen.update(below[: len(ordered) - 1] or ordered[:1])
    return sorted(chosen)
