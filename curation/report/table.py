"""Goal-directed arms against controls, arm by arm: the table that report, its page and the demo print."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

RESAMPLES = 2000
METRICS: dict[str, tuple[str, str]] = {
    "actions_per_s": ("actions/s", "presses and scrolls in a second"),
    "cursor_px_per_frame": ("cursor px/frame", "mean distance of the pointer between two frames"),
    "efficacy": ("efficacy", "share of actions followed by a visible change, less the share by chance"),
    "contingency": ("contingency", "where actions fall among chance alternatives; 0.5 is chance"),
}
SCORES = ("efficacy", "contingency")


@dataclass(frozen=True)
class Mean:
    """A mean over clips with a 95 % interval."""

    mean: float
    clips: int
    low: float | None
    high: float | None
    """None with fewer than two sessions: there is nothing to resample."""


@dataclass(frozen=True)
class ArmRow:
    """One arm of one kind."""

    kind: str
    arm: str
    control: bool
    """Nobody pursues a goal in it."""
    sessions: int
    clips: int
    hours: float
    outcomes: dict[str, int]
    """Sessions by outcome."""
    means: dict[str, Mean | None]
    """Column of METRICS, and of a user's own stages -> its mean; None where no clip has a value."""


@dataclass(frozen=True)
class Separation:
    """How well one score separates an arm's clips from a control's."""

    kind: str
    score: str
    arm: str
    against: str
    auc: float
    """Probability that a clip of `arm` scores above one of `against`; ties count half."""


def compare(rows: pa.Table, own: Sequence[str] = ()) -> list[ArmRow]:
    """One row per kind and arm, goal-directed arms first; an arm whose clips disagree about `control` has two.

    Args:
        rows: clips with their scores (`curation.tables.rows_with_scores`).
        own: columns of numbers that a user's own stages made.
    """
    groups: dict[tuple[str, bool, str], list[dict[str, Any]]] = defaultdict(list)
    for row in _plain(rows, own):
        groups[row["kind"], row["control"], row["arm"]].append(row)
    return [_arm_row(*group, groups[group], [*METRICS, *own]) for group in sorted(groups)]


def metrics_of(arms: Sequence[ArmRow]) -> dict[str, tuple[str, str]]:
    """Column -> its title and meaning, for all that the arms were compared by."""
    names = dict.fromkeys([*METRICS, *(name for row in arms for name in row.means)])
    return {name: METRICS.get(name, (name, "a score of the data set's owner")) for name in names}


def _plain(rows: pa.Table, own: Sequence[str]) -> list[dict[str, Any]]:
    names = ["session_id", "kind", "arm", "control", "outcome", "duration_ns", *METRICS, *own]
    return list(rows.select([name for name in names if name in rows.column_names]).to_pylist())


def _arm_row(kind: str, control: bool, arm: str, clips: Sequence[dict[str, Any]], metrics: Sequence[str]) -> ArmRow:
    sessions = {clip["session_id"]: clip["outcome"] for clip in clips}
    ended = sorted(sessions.values())
    return ArmRow(
        kind=kind,
        arm=arm,
        control=control,
        sessions=len(sessions),
        clips=len(clips),
        hours=sum(clip["duration_ns"] for clip in clips) / 3.6e12,
        outcomes={outcome: ended.count(outcome) for outcome in dict.fromkeys(ended)},
        means={name: _mean(clips, name) for name in metrics},
    )


def _mean(clips: Sequence[dict[str, Any]], name: str) -> Mean | None:
    by_session: dict[str, list[float]] = defaultdict(list)
    for clip in clips:
        if clip.get(name) is not None:
            by_session[clip["session_id"]].append(clip[name])
    if not by_session:
        return None
    low, high = bootstrap([by_session[key] for key in sorted(by_session)])
    values = [value for session in by_session.values() for value in session]
    return Mean(float(np.mean(values)), len(values), low, high)


def bootstrap(sessions: Sequence[Sequence[float]]) -> tuple[float | None, float | None]:
    """95 % percentile interval of the mean over clips, resampling whole sessions: clips of one are not independent.

    Seeded, so that a report of the same data set is the same report (Efron & Tibshirani 1993, chapter 13).
    """
    if len(sessions) < 2:
        return None, None
    sums = np.array([sum(values) for values in sessions])
    counts = np.array([len(values) for values in sessions])
    drawn = np.random.default_rng(0).integers(0, len(sessions), size=(RESAMPLES, len(sessions)))
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


def separations(rows: pa.Table, own: Sequence[str] = ()) -> list[Separation]:
    """Each goal-directed arm against each control of its kind, by each score and the columns of `own`."""
    values: dict[tuple[str, str, bool, str], list[float]] = defaultdict(list)
    for row in _plain(rows, own):
        for score in (*SCORES, *own):
            if row.get(score) is not None:
                values[row["kind"], score, row["control"], row["arm"]].append(row[score])
    return [
        Separation(kind, score, arm, other, auc(values[kind, score, False, arm], values[kind, score, True, other]))
        for kind, score, control, arm in sorted(values)
        if not control
        for other_kind, other_score, of_control, other in sorted(values)
        if (other_kind, other_score) == (kind, score) and of_control
    ]


def auc(above: Sequence[float], below: Sequence[float]) -> float:
    """Area under the ROC curve: the probability that one of `above` exceeds one of `below` (Mann-Whitney)."""
    difference = np.subtract.outer(np.asarray(above), np.asarray(below))
    return float((difference > 0).mean() + 0.5 * (difference == 0).mean())


def text_table(arms: Sequence[ArmRow], apart: Sequence[Separation] = ()) -> str:
    """The comparison as plain text, for a terminal."""
    metrics = metrics_of(arms)
    lines = [
        f"{'kind':<9} {'arm':<15} {'sessions':>8} {'clips':>6} {'hours':>7}"
        + "".join(f" {title:>21}" for title, _ in metrics.values())
    ]
    for row in arms:
        lines.append(
            f"{row.kind:<9} {row.arm:<15} {row.sessions:>8} {row.clips:>6} {row.hours:>7.3f}"
            + "".join(f" {format_mean(row.means[name]):>21}" for name in metrics)
        )
    lines.append("means over clips, [95 % interval by resampling sessions]; contingency 0.5 and efficacy 0 are chance")
    lines += [
        f"{gap.kind}, {gap.score}: a {gap.arm} clip scores above a {gap.against} clip with probability {gap.auc:.2f}"
        for gap in apart
    ]
    return "\n".join(lines)


def format_mean(value: Mean | None) -> str:
    """`1.23 [1.10, 1.40]`, `1.23` without an interval, or a dash."""
    if value is None:
        return "–"
    digits = 1 if abs(value.mean) >= 100 else 2
    if value.low is None or value.high is None:
        return f"{value.mean:.{digits}f}"
    return f"{value.mean:.{digits}f} [{value.low:.{digits}f}, {value.high:.{digits}f}]"
