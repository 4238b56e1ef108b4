"""The intent scores as a stage: measure each clip by itself, then compare the measures of a shard."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from curation.scores import contingency, efficacy, frames
from curation.scores.action_slots import action_slots, clicks
from curation.scores.activity import activity
from curation.stage import Stage, row_groups
from manifests.clip import OLDER, ClipRow
from manifests.clip_io import open_parquet
from manifests.dataset import Shard
from manifests.errors import GoaltraceError
from manifests.item_errors import one_item
from manifests.older import read_rows
from manifests.plain_text import one_line
from manifests.validate import invalid_reasons, require_types
from manifests.versions import SCHEMA_VERSION

NAME = "intent"
STAGE_VERSION = "1"
PARAMETERS: dict[str, int] = {
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
    """Everything that is measured of one clip without looking at others."""

    clip_id: str
    session_id: str
    group: tuple[str, str]
    responses: list[efficacy.Response]
    rest: efficacy.Rest
    plain: dict[str, float | None]
    """Columns that need no other clip."""
    broken: str = ""
    """Why nothing could be measured; the clip then has a row without scores."""

    @classmethod
    def none(cls, row: ClipRow, why: str) -> Measure:
        """The measure of a clip that cannot be measured, with the reason."""
        names = ("clip_id", "session_id", "kind", "arm")
        clip_id, session_id, kind, arm = (str(row.get(name) or "") for name in names)
        plain = dict.fromkeys(SCHEMA.names[SCHEMA.names.index("clicks_scored") :])
        known = {name: 0 for name in plain if not SCHEMA.field(name).nullable}
        return cls(clip_id, session_id, (kind, arm), [], efficacy.Rest(), plain | known, one_line(why))


def measure_clip(row: ClipRow) -> Measure:
    """Measure one clip; decodes its video once."""
    presses, acts = clicks(row["actions"]), action_slots(row["actions"])
    pixels = frames.read_pixels(row, presses, contingency.click_rank)
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
    """Measure the clips of one row group of a clips shard, each by itself; `GoaltraceError` names a broken shard."""
    file = open_parquet(path)
    there = file.schema_arrow.names
    missing = sorted(set(COLUMNS_READ) - set(there) - set(OLDER))
    if missing:
        raise GoaltraceError(f"{path}: column {missing[0]!r} is missing; pack the sessions again")
    here = [name for name in COLUMNS_READ if name in there]
    require_types(pa.schema([file.schema_arrow.field(name) for name in here]), path)
    try:
        rows = read_rows(file, group, COLUMNS_READ)
    except (pa.ArrowException, OSError, ValueError) as error:
        reason = str(error).splitlines()[0][:160]
        raise GoaltraceError(f"{path}: damaged or truncated Parquet ({reason}); copy it again") from None
    bad = invalid_reasons(rows)
    return [_measured(row, bad.get(number)) for number, row in enumerate(rows.to_pylist())]


def _measure(dataset: Path, source: Shard, group: int) -> list[Measure]:
    return measure_rows(dataset / source.path, group)


def _measured(row: ClipRow, bad: str | None) -> Measure:
    """One clip's measure, or the reason why it has none, so that the other clips of its shard are still measured."""
    if bad:
        return Measure.none(row, f"clip {row['clip_id']}: {bad}; pack its session again")
    try:
        with one_item(f"clip {row['clip_id']}"):
            return measure_clip(row)
    except GoaltraceError as error:
        return Measure.none(row, str(error))


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


STAGE = Stage(
    "goaltrace score", NAME, STAGE_VERSION, PARAMETERS, SCHEMA, split=row_groups, measure=_measure, table=score_table
)
