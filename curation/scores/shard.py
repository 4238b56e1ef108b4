"""From clips to score rows: measuring one clip at a time, then one shard's measures against each other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from curation.scores import contingency, efficacy, frames
from curation.scores.activity import activity
from curation.scores.occasions import clicks, occasions
from manifests.clip import ACTION_TYPES, CLIPS_SCHEMA, SINCE_1_1, read_rows
from manifests.clip_io import open_parquet
from manifests.errors import GoaltraceError
from manifests.versions import SCHEMA_VERSION

NAME = "intent"
STAGE_VERSION = "1"
PARAMETERS: dict[str, Any] = {
    "window_ns": efficacy.WINDOW_NS,
    "near_px": efficacy.NEAR_PX,
    "work_px": frames.WORK_PX,
    "different": frames.DIFFERENT,
    "changed_px": efficacy.CHANGED_PX,
    "min_windows": efficacy.MIN_WINDOWS,
    "patch_px": contingency.PATCH_PX,
    "shuffles": contingency.SHUFFLES,
}
COLUMNS_READ = [
    "clip_id",
    "session_id",
    "kind",
    "arm",
    "goal",
    "width",
    "height",
    "duration_ns",
    "cursor_in_pixels",
    "t1_ns",
    "cursor_x",
    "cursor_y",
    "picture",
    "frame_redacted",
    "actions",
    "video",
]
SCHEMA = pa.schema(
    [
        pa.field("clip_id", pa.string(), nullable=False),
        pa.field("actions_scored", pa.int32(), nullable=False),
        ("efficacy_rate", pa.float64()),
        ("efficacy_baseline", pa.float64()),
        ("efficacy_source", pa.string()),
        ("efficacy", pa.float64()),
        pa.field("clicks_scored", pa.int32(), nullable=False),
        ("click_change", pa.float64()),
        ("click_change_baseline", pa.float64()),
        ("click_contingency", pa.float64()),
        pa.field("chars_scored", pa.int32(), nullable=False),
        ("text_contingency", pa.float64()),
        ("contingency", pa.float64()),
        ("actions_per_s", pa.float64()),
        ("cursor_px_per_frame", pa.float64()),
        ("key_share", pa.float64()),
    ],
    metadata={"goaltrace_schema_version": SCHEMA_VERSION, "goaltrace_stage": f"{NAME} {STAGE_VERSION}"},
)


@dataclass(frozen=True)
class Measure:
    """All that one clip's pixels and actions say by themselves."""

    clip_id: str
    session_id: str
    group: tuple[str, str]
    responses: list[efficacy.Response]
    rest: efficacy.Rest
    plain: dict[str, Any]
    """Columns that need no other clip."""


def measure_clip(row: dict[str, Any]) -> Measure:
    """Measure one clip; decodes its video once."""
    presses, acts = clicks(row["actions"]), occasions(row["actions"])
    pixels = frames.look(row, presses, contingency.click_rank)
    pointer = list(zip(row["cursor_x"], row["cursor_y"], strict=True))
    responses, rest = efficacy.measure(pixels, row["t1_ns"], acts, pointer, row["frame_redacted"])
    click_rank = sum(pixels.click_ranks) / len(presses) if presses else None
    text_rank, chars = contingency.text_rank(contingency.typed_text(row["actions"]), row["goal"], row["clip_id"])
    plain = {
        "clicks_scored": len(presses),
        "click_contingency": click_rank,
        "chars_scored": chars,
        "text_contingency": text_rank,
        "contingency": text_rank if click_rank is None else click_rank,
        **activity(row),
    }
    return Measure(row["clip_id"], row["session_id"], (row["kind"], row["arm"]), responses, rest, plain)


def measure_rows(path: Path, group: int) -> list[Measure]:
    """Measure the clips of one row group of a clips shard; `GoaltraceError` names the shard."""
    file = open_parquet(path)
    there = file.schema_arrow.names
    missing = sorted(set(COLUMNS_READ) - set(there) - set(SINCE_1_1))
    if missing:
        raise GoaltraceError(f"{path}: column {missing[0]!r} is missing; pack the sessions again")
    here = [name for name in COLUMNS_READ if name in there]
    types = {name: file.schema_arrow.field(name).type for name in here}
    wrong = [
        name for name, kind in types.items()
        if kind != CLIPS_SCHEMA.field(name).type and not (name == "actions" and kind in ACTION_TYPES)
    ]  # fmt: skip
    if wrong:
        raise GoaltraceError(f"{path}: column {wrong[0]!r} has type {types[wrong[0]]}; pack the sessions again")
    try:
        rows = read_rows(file, group, COLUMNS_READ).to_pylist()
    except (pa.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0][:160]
        raise GoaltraceError(f"{path}: damaged or truncated Parquet ({reason}); copy it again") from None
    try:
        return [measure_clip(row) for row in rows]
    except GoaltraceError as error:
        raise GoaltraceError(f"{path}: {error}") from None
    except (TypeError, ValueError, IndexError, KeyError) as error:
        raise GoaltraceError(
            f"{path}: row group {group} does not keep to the clip schema ({error}); pack it again"
        ) from None


def score_table(measures: Sequence[Measure]) -> pa.Table:
    """One row per clip, in order. A baseline comes from the clip's session, else from its kind and arm."""
    sessions: dict[str, efficacy.Rest] = defaultdict(efficacy.Rest)
    arms: dict[tuple[str, str], efficacy.Rest] = defaultdict(efficacy.Rest)
    for measure in measures:
        sessions[measure.session_id].add(measure.rest)
        arms[measure.group].add(measure.rest)
    rows = []
    for measure in measures:
        pools = (("session", sessions[measure.session_id]), ("arm", arms[measure.group]))
        found = efficacy.summarise(measure.responses, pools)
        known = found.rate is not None and found.baseline is not None
        rows.append(
            {
                "clip_id": measure.clip_id,
                "actions_scored": found.actions_scored,
                "efficacy_rate": found.rate,
                "efficacy_baseline": found.baseline,
                "efficacy_source": found.source,
                "efficacy": found.rate - found.baseline if known else None,  # type: ignore[operator]
                "click_change": found.click_rate,
                "click_change_baseline": found.click_baseline,
                **measure.plain,
            }
        )
    return pa.Table.from_pylist(rows, schema=SCHEMA)
