"""The scan as a stage of curation: a table that says how much is sensitive in each clip, and shows none of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pyarrow as pa

from curation.scan.clips import clips_of, reader_of
from curation.scan.findings import ClipFindings
from curation.scan.session import ScanOptions, scan_session
from curation.stage import Stage
from manifests.dataset import Shard
from manifests.errors import GoaltraceError
from manifests.item_errors import one_item
from manifests.plain_text import one_line
from manifests.versions import SCHEMA_VERSION

NAME = "scan"
VERSION = "1"
"""Has to change with whatever changes what is found, the detector's rules included."""
SCHEMA = pa.schema(
    [
        pa.field("clip_id", pa.string(), nullable=False),
        ("sensitive", pa.int32()),
        ("sensitive_kinds", pa.list_(pa.string())),
        ("sensitive_columns", pa.list_(pa.string())),
    ],
    metadata={"goaltrace_schema_version": SCHEMA_VERSION, "goaltrace_stage": f"{NAME} {VERSION}"},
)


@dataclass(frozen=True)
class ScanRow:
    """The row of the scan's table for a clip."""

    clip_id: str
    place: int
    """Its row in its shard."""
    kinds: dict[str, int]
    columns: tuple[str, ...]
    broken: str = ""


Piece = tuple[tuple[str, ...], dict[str, int]]
"""The clip ids of a session, also of clips in other shards; and clip id -> row for those in this shard."""


def stage(options: ScanOptions) -> Stage[ScanRow]:
    """The stage that looks for secrets, and for what the options name.

    Strings that a user listed and names of this machine are not among its parameters: those are published.
    """
    parameters = {"listed": len(options.listed), "own_names": bool(options.names.users or options.names.hosts)}
    return Stage(
        "goaltrace scan", NAME, VERSION, parameters, SCHEMA,
        split=_sessions, measure=partial(_scan_piece, options), table=_table, whole_sessions=True,
    )  # fmt: skip


def sessions_of(dataset: Path) -> dict[str, list[str]]:
    """Session -> its valid clips, in the order stored."""
    table = reader_of(dataset).index(["clip_id", "session_id"])
    sessions: dict[str, list[str]] = {}
    for clip_id, session in zip(*(table.column(name).to_pylist() for name in table.column_names), strict=True):
        sessions.setdefault(session, []).append(clip_id)
    return sessions


def _sessions(dataset: Path, source: Shard) -> Sequence[Piece]:
    reader = reader_of(dataset)
    here = {clip_id: row for row, clip_id in enumerate(reader.ids_of(source.path))}
    pieces = [
        (tuple(clip_ids), {clip_id: here[clip_id] for clip_id in clip_ids if clip_id in here})
        for clip_ids in sessions_of(dataset).values()
    ]
    sound = {clip_id for clip_ids, _ in pieces for clip_id in clip_ids}
    alone = [((clip_id,), {clip_id: row}) for clip_id, row in here.items() if clip_id not in sound]
    return [piece for piece in (*pieces, *alone) if piece[1]]


def _scan_piece(options: ScanOptions, dataset: Path, source: Shard, piece: Piece) -> list[ScanRow]:
    clip_ids, here = piece
    try:
        with one_item(f"session of clip {clip_ids[0]}"):
            found = scan_session(clips_of(dataset, clip_ids), options)
    except GoaltraceError as error:
        why = one_line(str(error))
        return [ScanRow(clip_id, row, {}, (), why) for clip_id, row in here.items()]
    return [_row(one, here[one.clip_id]) for one in found if one.clip_id in here]


def _row(one: ClipFindings, row: int) -> ScanRow:
    return ScanRow(one.clip_id, row, dict(one.kinds), tuple(sorted(one.columns)))


def _table(seen: list[ScanRow]) -> pa.Table:
    rows = [
        {
            "clip_id": one.clip_id,
            "sensitive": None if one.broken else sum(one.kinds.values()),
            "sensitive_kinds": None if one.broken else list(one.kinds),
            "sensitive_columns": None if one.broken else list(one.columns),
        }
        for one in sorted(seen, key=lambda one: one.place)
    ]
    return pa.Table.from_pylist(rows, schema=SCHEMA)
