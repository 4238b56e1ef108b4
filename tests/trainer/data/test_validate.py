"""An index that somebody else made, or damaged, is refused by clip and column before anything is trained."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from manifests.clip_io import ClipReader
from manifests.errors import GoaltraceError
from manifests.video import decode, pictures_at
from tests.factories import make_dataset, named_anew
from trainer.data.clip import COLUMNS
from trainer.data.index import load_index
from trainer.data.validate import validated
from trainer.settings.presets import preset


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> pa.Table:
    folder = make_dataset(tmp_path_factory.mktemp("sound") / "boxes", per_arm=1, frames=20)
    return ClipReader(folder).index(COLUMNS)


def changed(table: pa.Table, name: str, change: Callable[[Any], Any]) -> pa.Table:
    """The second clip's `name` is another."""
    values = table.column(name).to_pylist()
    values[1] = change(values[1])
    place = table.schema.get_field_index(name)
    return table.set_column(place, name, pa.array(values, table.schema.field(name).type))


def test_a_sound_index_stays_as_it_is(table: pa.Table) -> None:
    assert validated(table, Path("d")).equals(table)
    assert validated(table.slice(0, 0), Path("d")).num_rows == 0


@pytest.mark.parametrize(
    ("name", "change", "wrong"),
    [
        ("t1_ns", lambda times: times[:-1], "differ in length"),
        ("cursor_x", lambda values: [*values, 0], "cursor_x and t1_ns differ"),
        ("t1_ns", lambda times: [times[1], times[0], *times[2:]], "does not increase"),
        ("actions", lambda actions: [{**action, "slot": 20} for action in actions], "outside its frames"),
        ("actions", lambda actions: [{**action, "slot": -1} for action in actions], "outside its frames"),
        ("width", lambda width: 0, "width is not above 0"),
    ],
)
def test_lists_that_do_not_belong_together_name_the_clip(
    table: pa.Table, name: str, change: Callable[[Any], Any], wrong: str
) -> None:
    with pytest.raises(GoaltraceError, match=wrong) as caught:
        validated(changed(table, name, change), Path("d"))
    assert f"clip {table.column('clip_id')[1]}" in str(caught.value)


def test_a_column_of_another_type_is_named(table: pa.Table) -> None:
    place = table.schema.get_field_index("t1_ns")
    words = table.set_column(place, "t1_ns", pa.array(["x"] * len(table)))
    with pytest.raises(GoaltraceError, match="events: t1_ns is string"):
        validated(words, Path("d"))
    with pytest.raises(GoaltraceError, match="goal has 1 empty values"):
        validated(changed(table, "goal", lambda _: None), Path("d"))


def test_a_column_that_is_not_there_is_named(tmp_path: Path) -> None:
    folder = make_dataset(tmp_path / "boxes", per_arm=1, frames=20)
    shard = next(folder.glob("events/*.parquet"))
    pq.write_table(pq.read_table(shard).drop(["actions"]), shard)
    named_anew(folder)
    with pytest.raises(GoaltraceError, match="no column actions"):
        load_index(folder, preset("tiny").data)
    shard = next(folder.glob("clips/*.parquet"))
    clip = pq.read_table(shard, columns=["clip_id"]).column("clip_id")[0].as_py()
    pq.write_table(pq.read_table(shard).drop(["video"]), shard)
    named_anew(folder)
    with pytest.raises(GoaltraceError, match=r"clips-00000.parquet: no column video"):
        ClipReader(folder).read(clip, ["video"])


def test_a_shard_cut_short_is_said_before_anything_is_read(tmp_path: Path) -> None:
    folder = make_dataset(tmp_path / "boxes", per_arm=1, frames=20)
    shard = next(folder.glob("clips/*.parquet"))
    os.truncate(shard, shard.stat().st_size - 100)
    with pytest.raises(GoaltraceError, match=r"clips-00000.parquet: damaged or truncated"):
        load_index(folder, preset("tiny").data)
    shard.unlink()
    with pytest.raises(GoaltraceError, match=r"clips-00000.parquet: no such shard"):
        load_index(folder, preset("tiny").data)


def test_a_codec_without_a_decoder_is_one_line(tmp_path: Path) -> None:
    reader = ClipReader(make_dataset(tmp_path / "boxes", per_arm=1, frames=20))
    video = reader.read(reader.clip_ids()[0], ["video"])["video"]["bytes"]
    assert video.count(b"avc1") == 2  # one is among the brands
    strange = video.replace(b"avc1", b"zzz1")
    with pytest.raises(GoaltraceError, match="codec has no decoder"):
        pictures_at(strange, [0])
    with pytest.raises(GoaltraceError, match="codec has no decoder"):
        decode(strange)
