"""The columns of a clip: each stands once, and everything made from that one list is what it was."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, TypedDict

import pyarrow as pa
import pytest

from manifests.clip import ACTION_TYPE, CLIPS_SCHEMA, COLUMNS, EVENTS_SCHEMA, OLDER, REQUIRED_FIELDS
from manifests.columns import Column, Flag, Int32, Text, arrow_type, schema_of
from manifests.older import ACTION_TYPES
from manifests.versions import SCHEMA_VERSION

ACTION = (
    "t_ns: int64, slot: int32, ambiguous: bool, kind: string, x: int32, y: int32, dx: int32, dy: int32, "
    "button: string, key: string, char: string, redacted: bool"
)
OF_1_2 = {
    **dict.fromkeys(
        ("clip_id", "session_id", "episode_id", "schema_version", "recorder_version", "kind", "task_id", "family",
         "goal", "caption_short", "caption", "caption_detailed", "actor", "arm", "outcome", "environment",
         "clock_source"),
        "string",
    ),
    "clip_index": "int32", "seed": "int64", "width": "int32", "height": "int32", "fps": "float",
    "duration_ns": "int64", "cursor_in_pixels": "bool", "t0_ns": "list<item: int64>", "t1_ns": "list<item: int64>",
    "pts": "list<item: int64>", "picture": "list<item: int32>", "frame_redacted": "list<item: bool>",
    "changed": "list<item: float>", "cursor_x": "list<item: int32>", "cursor_y": "list<item: int32>",
    "screen_text": "list<item: string>", "actions": f"list<item: struct<{ACTION}, repeat: bool>>",
    "start_keys": "list<item: string>", "start_buttons": "list<item: string>", "start_x": "int32", "start_y": "int32",
    "bracket_p50_ms": "float", "bracket_p95_ms": "float", "bracket_max_ms": "float", "gap_max_ms": "float",
    "dropped": "int32", "changed_ratio": "float", "invalid_reasons": "list<item: string>",
    "video": "struct<bytes: binary, path: string>",
}  # fmt: skip
"""The columns of schema 1.2, in order, and their Arrow types."""


def types_of(schema: pa.Schema) -> dict[str, str]:
    return {field.name: str(field.type) for field in schema}


def test_a_clip_has_the_columns_of_1_2_in_their_order_and_one_more() -> None:
    now = types_of(CLIPS_SCHEMA)
    assert now.pop("control") == "bool"
    assert list(now.items()) == list(OF_1_2.items())
    assert list(types_of(EVENTS_SCHEMA)) == [name for name in types_of(CLIPS_SCHEMA) if name != "video"]
    assert [field.name for field in CLIPS_SCHEMA if field.nullable] == ["video"]
    assert all(field.nullable for field in ACTION_TYPE), "as the fields of a struct always were"
    assert CLIPS_SCHEMA.metadata[b"goaltrace_schema_version"] == SCHEMA_VERSION.encode()


def test_what_was_added_later_can_be_filled_in() -> None:
    assert {name: older.since for name, older in OLDER.items()} == {
        "caption_short": "1.1", "caption_detailed": "1.1", "picture": "1.1", "frame_redacted": "1.1",
        "screen_text": "1.1", "control": "1.3",
    }  # fmt: skip
    assert all(older.of in COLUMNS for older in OLDER.values())
    assert [str(kind) for kind in ACTION_TYPES] == [
        f"list<item: struct<{ACTION}, repeat: bool>>",
        f"list<item: struct<{ACTION}>>",
    ]
    assert REQUIRED_FIELDS == ("t_ns", "slot", "ambiguous", "kind", "redacted")


def test_the_documentation_lists_exactly_the_columns() -> None:
    lines = (Path(__file__).parents[2] / "docs" / "clips.md").read_text(encoding="utf-8").splitlines()
    first = lines.index("| column | type | what it says |") + 2
    rows = [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in lines[first : lines.index("", first)]]
    said = {name: meaning for names, _, meaning in rows for name in re.findall(r"`(\w+)`", names)}
    assert said == {name: column.meaning for name, column in COLUMNS.items()}
    types = {name: kinds for names, kinds, _ in rows for name in re.findall(r"`(\w+)`", names)}
    for name, kind in types_of(EVENTS_SCHEMA).items():
        assert ("list of structs" if "struct" in kind else f"`{kind.replace('item: ', '')}`") in types[name]
    text = "\n".join(lines)
    for name, older in OLDER.items():
        assert re.search(rf"^\| {re.escape(older.since)} \|.*`{name}`", text, re.MULTILINE), name


class Inner(TypedDict):
    x: Int32 | None
    names: list[Text]


class Outer(TypedDict):
    inner: Annotated[Inner, Column("a struct")]
    flag: Annotated[Flag | None, Column("may be missing", nullable=True)]


def test_a_schema_is_made_from_annotations_alone() -> None:
    schema = schema_of(Outer, hub={})
    assert types_of(schema) == {"inner": "struct<x: int32, names: list<item: string>>", "flag": "bool"}
    assert [field.nullable for field in schema] == [False, True]
    with pytest.raises(TypeError, match="no Arrow type"):
        arrow_type(list[int])
