"""A score of one's own, beside ours, and a condition on it: custom_score.py DATASET [--out DATASET2]"""

import sys
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

import goaltrace


@dataclass(frozen=True)
class Pace:
    """What the score says of one clip."""

    clip_id: str
    clicks_per_minute: float
    broken: str = ""
    """Why nothing can be said of it; its row is then empty."""


SCHEMA = pa.schema([pa.field("clip_id", pa.string(), nullable=False), ("clicks_per_minute", pa.float64())])


def measure(dataset: Path, shard, row_group: int) -> list[Pace]:
    """The clips of one row group. It runs in another process, so it is a function at the top of a file."""
    file = pq.ParquetFile(dataset / shard.path)
    rows = file.read_row_group(row_group, columns=["clip_id", "actions", "duration_ns"]).to_pylist()
    return [
        Pace(row["clip_id"], sum(a["kind"] == "button_down" for a in row["actions"]) / (row["duration_ns"] / 6e10))
        for row in rows
    ]


def table(paces: list[Pace]) -> pa.Table:
    """One row a clip, in the order in which they came."""
    return pa.Table.from_pylist([{name: getattr(pace, name) for name in SCHEMA.names} for pace in paces], SCHEMA)


PACE = goaltrace.Stage(
    command="custom_score.py",
    name="pace",
    version="1",  # to be raised when `measure` changes: then the tables are made anew
    parameters={},
    schema=SCHEMA,
    split=goaltrace.row_groups,
    measure=measure,
    table=table,
)

if __name__ == "__main__":  # the workers import this file
    dataset = Path(sys.argv[1])
    done = goaltrace.run_stage(PACE, dataset, workers=2)
    print(f"{len(done.made)} tables made, {len(done.reused)} there already, {len(done.damaged)} damaged")
    out = Path(sys.argv[3]) if sys.argv[2:3] == ["--out"] else None
    kept = goaltrace.select(dataset, "clicks_per_minute > (SELECT median(clicks_per_minute) FROM clips)", out=out)
    print(f"{len(kept.clip_ids)} clips are faster than the median: {', '.join(kept.clip_ids)}")
    for arm in goaltrace.report(dataset, page=False).arms:
        print(f"{arm.arm}: {arm.means['clicks_per_minute'].mean:.1f} clicks a minute")
