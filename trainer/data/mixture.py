"""The mixture of training data (`data.mix`): a weight for each clip, by arm, family, kind, control and intent score."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from manifests.clip import EventRow
from manifests.clip_io import ClipReader, open_parquet
from manifests.errors import GoaltraceError
from trainer.data.clip import Clip

COLUMNS: dict[str, Callable[[EventRow], str]] = {
    "arm": lambda row: row["arm"], "family": lambda row: row["family"], "kind": lambda row: row["kind"],
    "control": lambda row: "yes" if row["control"] else "no",
}  # fmt: skip
INTENT = ("intent_weight", "contingency")
"""Columns of the intent table that say how purposeful a clip is, 0..1; the first that is there is taken."""
_EXAMPLE = 'write it as "arm:scripted=3,kind:terminal=0.5,intent=1"'


def clip_weights(clips: Sequence[Clip], mix: str, reader: ClipReader) -> NDArray[np.float64]:
    """The weight of each clip, float64 [len(clips)]: the product of all that apply, 1 where none does.

    "arm:A=W", "family:F=W" and "kind:K=W" give clips of that arm, family or kind a weight, "control:yes=W" those of all
    control arms; "intent=P" multiplies by the clip's intent score to the power P, and a clip without a score counts as
    the mean one.

    Raises:
        GoaltraceError: a rule that is not one, names nothing in the data, or asks for scores that are not there.
    """
    weights = np.ones(len(clips))
    for rule in filter(None, (part.strip() for part in mix.split(","))):
        name, weight = _parse(rule)
        if name == "intent":
            weights *= _intent(clips, reader) ** weight
            continue
        column, _, value = name.partition(":")
        values = [COLUMNS[column](clip.row) for clip in clips]
        if value not in values:
            known = ", ".join(sorted(set(values)))
            raise GoaltraceError(
                f"--set data.mix: {rule}: no clip to train on has {column} {value!r}; there are {known}"
            )
        weights *= np.where(np.array(values) == value, weight, 1.0)
    if not weights.any():
        raise GoaltraceError(f"--set data.mix: {mix}: leaves every clip with weight 0; give some of them more")
    return weights


def _parse(rule: str) -> tuple[str, float]:
    name, _, text = rule.rpartition("=")
    name = name.strip()
    try:
        weight = float(text)
    except ValueError:
        weight = math.nan
    if not (weight >= 0 and math.isfinite(weight)):
        raise GoaltraceError(f"--set data.mix: {rule}: {text.strip()!r} is not a weight of 0 or more; {_EXAMPLE}")
    if name != "intent" and name.partition(":")[0] not in COLUMNS:
        raise GoaltraceError(f"--set data.mix: {rule}: unknown; {_EXAMPLE}")
    return name, weight


def _intent(clips: Sequence[Clip], reader: ClipReader) -> NDArray[np.float64]:
    scores: dict[str, float | None] = {}
    for table in reader.manifest.scores:
        column = next((name for name in INTENT if name in table.columns), None)
        if table.name != "intent" or column is None:
            continue
        path = reader.fetch(table.shard.path)
        try:
            found = open_parquet(path).read(columns=["clip_id", column]).to_pydict()
        except (pa.ArrowException, OSError, KeyError, ValueError) as error:
            reason = str(error).splitlines()[0][:120]
            raise GoaltraceError(f"{path}: scores cannot be read ({reason}); run: goaltrace score --force") from None
        scores |= zip(found["clip_id"], found[column], strict=True)
    known = [score for clip in clips if (score := scores.get(clip.id)) is not None]
    if not known:
        raise GoaltraceError(
            f"--set data.mix: intent: {reader.folder.path} has no intent scores of these clips; "
            "run: goaltrace score DATASET"
        )
    mean = float(np.mean(known))
    values = [mean if (score := scores.get(clip.id)) is None else score for clip in clips]
    return np.clip(np.array(values, np.float64), 0.0, 1.0)
