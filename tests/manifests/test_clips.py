"""The clip schema and its reader and writer."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from datasets import Features, Video, load_dataset

from manifests.clip import CLIPS_SCHEMA, EVENTS_SCHEMA
from manifests.clip_io import ClipReader, ClipWriter
from manifests.errors import GoaltraceError
from manifests.video import decode
from tests.factories import make_clip, make_dataset


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_dataset(tmp_path_factory.mktemp("data") / "set", per_arm=3, frames=30)


def test_a_clip_comes_back_as_it_was_written(dataset: Path) -> None:
    row = make_clip("scripted", 1, frames=30)
    back = ClipReader(dataset).read("scripted-1-0000")
    assert back["video"]["bytes"] == row["video"]["bytes"]
    assert back["t1_ns"] == row["t1_ns"]
    assert [a["slot"] for a in back["actions"]] == [a["slot"] for a in row["actions"]]
    assert decode(back["video"]["bytes"]).shape == (30, 192, 256, 3)


def test_the_events_config_is_the_same_rows_without_video(dataset: Path) -> None:
    reader = ClipReader(dataset)
    assert reader.index().column("clip_id").to_pylist() == reader.clip_ids()
    assert "video" not in reader.index().column_names
    assert len(reader) == 6


def test_video_is_stored_plain_and_the_rest_compressed(dataset: Path) -> None:
    group = pq.ParquetFile(dataset / "clips/clips-00000.parquet").metadata.row_group(0)
    columns = {group.column(i).path_in_schema: group.column(i) for i in range(group.num_columns)}
    assert columns["video.bytes"].compression == "UNCOMPRESSED"
    assert "RLE_DICTIONARY" not in columns["video.bytes"].encodings
    assert columns["goal"].compression == "ZSTD"
    assert columns["goal"].has_column_index
    assert group.num_rows <= 10


def test_shards_roll_over_at_the_size_given(tmp_path: Path) -> None:
    path = make_dataset(tmp_path / "small", per_arm=3, frames=30, shard_bytes=1_000)
    reader = ClipReader(path)
    assert len(list((path / "clips").iterdir())) > 1
    assert len(reader.clip_ids()) == 6
    assert all(reader.read(clip_id)["clip_id"] == clip_id for clip_id in reader.clip_ids())


def test_the_schema_says_to_datasets_what_datasets_says_itself() -> None:
    for schema in (CLIPS_SCHEMA, EVENTS_SCHEMA):
        features = Features.from_arrow_schema(schema)
        ours = json.loads(schema.metadata[b"huggingface"])
        assert json.loads(features.arrow_schema.metadata[b"huggingface"]) == ours


@pytest.mark.parametrize("streaming", [False, True])
def test_datasets_reads_clips_as_video(dataset: Path, tmp_path: Path, streaming: bool) -> None:
    rows = load_dataset(
        "parquet",
        data_files=str(dataset / "clips/*.parquet"),
        split="train",
        streaming=streaming,
        cache_dir=str(tmp_path),
    )
    assert isinstance(rows.features["video"], Video)
    first = next(iter(rows.cast_column("video", Video(decode=False))))
    assert decode(first["video"]["bytes"]).shape == (30, 192, 256, 3)
    assert first["actions"][0]["kind"] == "move"


def test_a_truncated_shard_is_one_line_that_names_it(tmp_path: Path) -> None:
    path = make_dataset(tmp_path / "set", per_arm=1, frames=15)
    shard = path / "clips/clips-00000.parquet"
    shard.write_bytes(shard.read_bytes()[:-100])
    with pytest.raises(GoaltraceError, match=r"clips-00000\.parquet: damaged or truncated") as caught:
        list(ClipReader(path).iter_clips())
    assert "\n" not in str(caught.value)


def test_a_flipped_bit_in_a_video_is_noticed(tmp_path: Path) -> None:
    path = make_dataset(tmp_path / "set", per_arm=1, frames=15)
    shard = path / "clips/clips-00000.parquet"
    data = bytearray(shard.read_bytes())
    at = data.index(b"mdat") + 500
    data[at] ^= 1
    shard.write_bytes(data)
    with pytest.raises(GoaltraceError, match="damaged"):
        list(ClipReader(path).iter_clips())


def test_a_failure_while_writing_leaves_no_shard_listed(tmp_path: Path) -> None:
    writer = ClipWriter(tmp_path)
    with pytest.raises(KeyError), writer:
        writer.write(make_clip("scripted", 0, frames=15))
        writer.write({"clip_id": "half a row"})
    assert writer.shards == []


def test_an_unknown_clip_shows_what_ids_look_like(dataset: Path) -> None:
    with pytest.raises(GoaltraceError, match="scripted-0-0000"):
        ClipReader(dataset).read("nope")
