"""Scoring each clip's intent: a table of scores beside each shard; the video is read once and never rewritten."""

from __future__ import annotations

from pathlib import Path

from curation.scores.shard import STAGE
from curation.stage import StageResult, run_stage
from manifests.progress import OnProgress, ignore


def score(
    dataset: Path | str, *, workers: int = 0, force: bool = False, on_progress: OnProgress = ignore
) -> StageResult:
    """Score a data set's clips: efficacy and contingency (docs/curation.md). What is scored already is not done again.

    Args:
        dataset: the data set's folder.
        workers: processes; 0 for one per core.
        force: score again what is scored.

    Shards and clips that cannot be scored are named in the result; the others are. Raises `GoaltraceError` where the
    folder is no data set.
    """
    return run_stage(STAGE, dataset, workers=workers, force=force, on_progress=on_progress)
