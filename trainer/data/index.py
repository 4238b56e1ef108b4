"""What there is to train on: the clips of a data set, without their video, split by session."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from manifests.clip_io import ClipReader
from manifests.errors import GoaltraceError
from trainer.data.clip import COLUMNS, Clip, row_of
from trainer.data.stretch import join
from trainer.data.validate import validated
from trainer.settings.config import DataConfig


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


def load_index(
    dataset: Path | ClipReader, config: DataConfig, kind: str | None = None, held_out: list[str] | None = None
) -> Index:
    """Read the `events` config of a data set and split it by session; no video is touched.

    Args:
        kind: "desktop" or "terminal" to use only these.
        held_out: sessions to hold out; None chooses by hash.

    Raises:
        GoaltraceError: a shard cut short, no clips, none long enough, no actions, a rate below the model's, or one
            session only.
    """
    reader = dataset if isinstance(dataset, ClipReader) else ClipReader(dataset)
    reader.require_whole()
    name = reader.folder.path
    table = validated(reader.index(COLUMNS), name)
    broken = Counter(f"not as clips are ({reason})" for reason in reader.left_out.values())
    rows = [row_of(table, number) for number in range(len(table))]
    if not rows and broken:
        raise GoaltraceError(f"{name}: no usable clips ({'; '.join(f'{n} {why}' for why, n in broken.items())})")
    if not rows:
        raise GoaltraceError(f"{name}: no clips; pack some sessions first: goaltrace pack SESSIONS --out DATASET")
    if kind is not None:
        rows = [row for row in rows if row["kind"] == kind]
        if not rows:
            raise GoaltraceError(f"{name}: no clips of kind {kind}; leave out --kind or take another data set")
    clips, left_out = _usable([Clip(row, config.fps) for row in rows], config)
    left_out |= broken
    if not clips:
        what = "; ".join(f"{count} {reason}" for reason, count in left_out.items())
        raise GoaltraceError(f"{name}: no usable clips ({what}); use longer clips or --set data.window / data.fps")
    if not any(len(clip.slots()) for clip in clips):
        raise GoaltraceError(f"{name}: no actions in any clip; an action-conditioned model needs them, record again")
    chosen = set(choose_held_out(clips, config.held_out) if held_out is None else held_out)
    index = Index(
        train=[clip for clip in clips if clip.session not in chosen],
        held_out=[clip for clip in clips if clip.session in chosen],
        left_out=left_out,
    )
    if held_out is None and (not index.train or not index.held_out):
        out = "; ".join(f"left out: {count} clips {reason}" for reason, count in left_out.items())
        raise GoaltraceError(
            f"{name}: usable clips of one session only; at least two are needed, so that one can be held out for "
            f"evaluation{f' ({out})' if out else ''}"
        )
    return index


def _usable(clips: list[Clip], config: DataConfig) -> tuple[list[Clip], dict[str, int]]:
    """The clips that some window can be in, in their order, and how many are not, by reason."""
    left_out: Counter[str] = Counter()
    sound = []
    for clip in clips:
        if clip.row["invalid_reasons"]:
            left_out["not valid"] += 1
        elif clip.row["fps"] < config.fps:
            left_out[f"slower than {config.fps:g} fps"] += 1
        else:
            sound.append(clip)
    long = {clip for run in join(sound, config.fps) if len(run) >= config.window for clip in run.clips}
    if len(long) < len(sound):
        reason = f"shorter than a window of {config.window} frames at {config.fps:g} fps"
        left_out[reason] += len(sound) - len(long)
    return [clip for clip in sound if clip in long], dict(left_out)


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
