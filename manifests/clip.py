"""The clip schema: one Parquet row is one clip, and it stands alone.

A clip is 5-10 s of closed-GOP video in one `datasets.Video` column plus list columns that say when each
frame was taken and which actions fall between frames. `EVENTS_SCHEMA` is the same without the video.

The video holds each picture once, for as long as it was on the screen: frame i is picture `picture[i]`, which is
also what a player shows at `pts[i]`. Since 1.1; in a clip of 1.0 frame i is picture i. Since 1.2 an action says whether
it is a repetition of a held key; before, nobody knows, and it counts as a press.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from itertools import accumulate

import pyarrow as pa
import pyarrow.parquet as pq

from manifests.versions import SCHEMA_VERSION

ACTION_TYPE = pa.struct(
    [
        ("t_ns", pa.int64()),  # the session's clock
        ("slot", pa.int32()),  # slot i lies between frames i and i+1 of this clip; see manifests.slots
        ("ambiguous", pa.bool_()),  # fell inside a grab: that frame may or may not show the effect
        ("kind", pa.string()),  # manifests.session.ActionKind
        ("x", pa.int32()),
        ("y", pa.int32()),
        ("dx", pa.int32()),
        ("dy", pa.int32()),
        ("button", pa.string()),
        ("key", pa.string()),
        ("char", pa.string()),
        ("redacted", pa.bool_()),
        ("repeat", pa.bool_()),  # a held key that the system presses again; since 1.2
    ]
)

_TEXT_COLUMNS = (
    "clip_id session_id episode_id schema_version recorder_version kind task_id family goal "
    "caption_short caption caption_detailed actor arm outcome environment clock_source"
).split()

_FIELDS: list[pa.Field] = [
    *(pa.field(name, pa.string(), nullable=False) for name in _TEXT_COLUMNS),
    pa.field("clip_index", pa.int32(), nullable=False),
    pa.field("seed", pa.int64(), nullable=False),
    # geometry and rate
    pa.field("width", pa.int32(), nullable=False),
    pa.field("height", pa.int32(), nullable=False),
    pa.field("fps", pa.float32(), nullable=False),  # asked for; the true times are t0_ns and t1_ns
    pa.field("duration_ns", pa.int64(), nullable=False),  # from the first frame's t1 to the last frame's t1
    pa.field("cursor_in_pixels", pa.bool_(), nullable=False),
    # frames: lists of equal length, one entry a frame
    pa.field("t0_ns", pa.list_(pa.int64()), nullable=False),
    pa.field("t1_ns", pa.list_(pa.int64()), nullable=False),
    pa.field("pts", pa.list_(pa.int64()), nullable=False),  # when the video shows this frame, 1/90000 s
    pa.field("picture", pa.list_(pa.int32()), nullable=False),  # the video's picture that shows it, from 0
    pa.field("frame_redacted", pa.list_(pa.bool_()), nullable=False),  # left blank on purpose
    pa.field("changed", pa.list_(pa.float32()), nullable=False),  # share of pixels, 0..1
    pa.field("cursor_x", pa.list_(pa.int32()), nullable=False),  # px, -1: none
    pa.field("cursor_y", pa.list_(pa.int32()), nullable=False),
    pa.field("screen_text", pa.list_(pa.string()), nullable=False),  # per picture; empty where there is no text
    # actions, and the state they start from
    pa.field("actions", pa.list_(ACTION_TYPE), nullable=False),
    pa.field("start_keys", pa.list_(pa.string()), nullable=False),  # keys held at the first frame
    pa.field("start_buttons", pa.list_(pa.string()), nullable=False),
    pa.field("start_x", pa.int32(), nullable=False),  # pointer, px, -1: none
    pa.field("start_y", pa.int32(), nullable=False),
    # quality
    pa.field("bracket_p50_ms", pa.float32(), nullable=False),  # t1 - t0
    pa.field("bracket_p95_ms", pa.float32(), nullable=False),
    pa.field("bracket_max_ms", pa.float32(), nullable=False),
    pa.field("gap_max_ms", pa.float32(), nullable=False),  # longest time between two frames' t1
    pa.field("dropped", pa.int32(), nullable=False),
    pa.field("changed_ratio", pa.float32(), nullable=False),  # share of frames in which anything changed
    pa.field("invalid_reasons", pa.list_(pa.string()), nullable=False),
]

VIDEO_FIELD = pa.field("video", pa.struct([("bytes", pa.binary()), ("path", pa.string())]))
PTS_PER_SECOND = 90_000


def _hub_feature(kind: pa.DataType) -> object:
    """The Hugging Face `Features` spelling of an Arrow type."""
    if pa.types.is_list(kind):
        return {"feature": _hub_feature(kind.value_type), "_type": "List"}
    if pa.types.is_struct(kind):
        return {inner.name: _hub_feature(inner.type) for inner in kind}
    names = {"double": "float64", "float": "float32"}
    return {"dtype": names.get(str(kind), str(kind)), "_type": "Value"}


def _with_metadata(fields: list[pa.Field]) -> pa.Schema:
    features = {
        field.name: {"_type": "Video"} if field.name == "video" else _hub_feature(field.type) for field in fields
    }
    hub = json.dumps({"info": {"features": features}})
    return pa.schema(fields, metadata={"huggingface": hub, "goaltrace_schema_version": SCHEMA_VERSION})


EVENTS_SCHEMA = _with_metadata(_FIELDS)
CLIPS_SCHEMA = _with_metadata([*_FIELDS, VIDEO_FIELD])

# Columns that 1.0 did not have, and what a clip of so many frames has in them.
SINCE_1_1: dict[str, Callable[[int], list[int] | list[bool] | str]] = {
    "picture": lambda frames: list(range(frames)),
    "frame_redacted": lambda frames: [False] * frames,
    "screen_text": lambda _: [],
    "caption_short": lambda _: "",
    "caption_detailed": lambda _: "",
}


ACTION_TYPES = (
    pa.list_(ACTION_TYPE),
    pa.list_(pa.struct([field for field in ACTION_TYPE if field.name != "repeat"])),
)
"""The types that the column `actions` has had, the newest first."""


def read_rows(file: pq.ParquetFile, group: int | None = None, columns: Sequence[str] | None = None) -> pa.Table:
    """Rows of a shard (of one row group, or all), with what older versions did not write filled in.

    Arrow's own errors pass through: the caller knows the shard's name.
    """
    younger = [name for name in SINCE_1_1 if columns is None or name in columns]
    there = file.schema_arrow.names if younger else []
    absent = [name for name in younger if name not in there]
    names = None if columns is None else [*columns, *(["t1_ns"] if absent and "t1_ns" not in columns else [])]
    table = file.read(columns=names) if group is None else file.read_row_group(group, columns=names, use_threads=False)
    if absent and "t1_ns" in table.column_names:
        frames = [len(times) for times in table.column("t1_ns").to_pylist()]
        for name in absent:
            field = EVENTS_SCHEMA.field(name)
            table = table.append_column(field, pa.array([SINCE_1_1[name](count) for count in frames], field.type))
    if "actions" in table.column_names and table.schema.field("actions").type == ACTION_TYPES[1]:
        place = table.schema.get_field_index("actions")
        table = table.set_column(place, EVENTS_SCHEMA.field("actions"), _with_repeat(table.column("actions")))
    return table if columns is None else table.select([name for name in columns if name in table.column_names])


def _with_repeat(actions: pa.ChunkedArray) -> pa.ChunkedArray:
    """Actions as 1.2 writes them, from what was written before: none is known to be a repetition."""
    chunks = []
    for lists in actions.chunks:
        flat = lists.flatten()
        fields = [flat.field(name) for name in ACTION_TYPE.names if name != "repeat"]
        values = pa.StructArray.from_arrays(
            [*fields, pa.array([False] * len(flat), pa.bool_())], fields=list(ACTION_TYPE)
        )
        counts = lists.value_lengths().fill_null(0).to_pylist()
        offsets = pa.array(accumulate(counts, initial=0), pa.int32())
        chunks.append(pa.ListArray.from_arrays(offsets, values, type=ACTION_TYPES[0]))
    return pa.chunked_array(chunks, ACTION_TYPES[0])
