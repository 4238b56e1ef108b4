"""The clip schema and its reader and writer."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets import Features, Video, load_dataset

from manifests.clip import CLIPS_SCHEMA, EVENTS_SCHEMA
from manifests.clip_io import ClipReader, ClipWriter
from manifests.errors import GoaltraceError
from manifests.older import ACTION_TYPES
from manifests.video import decode, iter_frames
from tests.factories import make_clip, make_dataset, named_anew, write_dataset


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


@pytest.fixture(scope="module")
def of_1_0(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same data set as the release before wrote it: without `picture` and `frame_redacted`."""
    old = tmp_path_factory.mktemp("old") / "set"
    shutil.copytree(dataset, old)
    for path in old.glob("*/*.parquet"):
        table = pq.read_table(path).drop_columns(["picture", "frame_redacted"])
        pq.write_table(table.replace_schema_metadata({"goaltrace_schema_version": "1.0"}), path)
    return named_anew(old)


def test_a_data_set_of_1_0_is_read_as_one_picture_a_frame(dataset: Path, of_1_0: Path) -> None:
    new, old = ClipReader(dataset), ClipReader(of_1_0)
    assert old.index().sort_by("clip_id").to_pylist() == new.index().sort_by("clip_id").to_pylist()
    assert old.read("scripted-1-0000", ["picture"]) == {"picture": list(range(30))}
    assert old.read("scripted-1-0000", ["video", "frame_redacted"]).keys() == {"video", "frame_redacted"}
    assert [clip["picture"] for clip in old.iter_clips(["picture", "goal"])] == [list(range(30))] * 6
    assert "picture" not in old.index(["goal"]).column_names


def test_each_picture_is_decoded_once_and_given_to_every_frame_that_shows_it() -> None:
    row = make_clip("scripted", 0, frames=60, pause=12, once=True)
    stored = decode(row["video"]["bytes"])
    frames = list(iter_frames(row["video"]["bytes"], pictures=row["picture"]))
    assert len(stored) < len(frames) == 60
    for number, (frame, before) in enumerate(zip(frames[1:], frames, strict=False), start=1):
        assert (frame is before) == (row["picture"][number] == row["picture"][number - 1])
        assert np.array_equal(frame, stored[row["picture"][number]])
    with pytest.raises(ValueError, match="read-only"):
        frames[0][0] = 0


@pytest.mark.parametrize(
    ("pictures", "message"),
    [([0, 1, 2, 3], "no picture 3"), ([0, 1], "more than the 2"), ([0, 2], "no picture 2"), ([1], "no picture 1"),
     ([0, 1, 0], "no picture 0"), ([0, -1], "no picture -1"), ([], "more than the 0")],
)  # fmt: skip
def test_a_video_without_the_pictures_that_are_named_is_refused(pictures: list[int], message: str) -> None:
    video = make_clip("scripted", 0, frames=3)["video"]["bytes"]
    with pytest.raises(GoaltraceError, match=message):
        list(iter_frames(video, pictures=pictures))


def test_every_column_but_the_video_is_compressed_and_texts_have_dictionaries(dataset: Path) -> None:
    for config in ("clips", "events"):
        group = pq.ParquetFile(dataset / f"{config}/{config}-00000.parquet").metadata.row_group(0)
        for column in (group.column(i) for i in range(group.num_columns)):
            name, video = column.path_in_schema, column.path_in_schema.startswith("video.")
            assert column.compression == ("UNCOMPRESSED" if video else "ZSTD"), name
            text = column.physical_type == "BYTE_ARRAY" and not video
            assert ("RLE_DICTIONARY" in column.encodings) == text, name


def test_clips_of_1_1_are_read_as_if_no_key_were_repeated(dataset: Path, tmp_path: Path) -> None:
    """Older actions do not say whether the system repeated them; scores, indexes and copies read them still."""
    from curation.scores.shard import measure_rows

    old = shutil.copytree(dataset, tmp_path / "old")
    for config in ("clips", "events"):
        for shard in (old / config).iterdir():
            table = pq.read_table(shard)
            place = table.schema.get_field_index("actions")
            rows = [
                [{k: v for k, v in a.items() if k != "repeat"} for a in row] for row in table["actions"].to_pylist()
            ]
            column = pa.chunked_array([pa.array(rows[:1], ACTION_TYPES[1]), pa.array(rows[1:], ACTION_TYPES[1])])
            table = table.set_column(place, "actions", column)
            pq.write_table(table, shard, row_group_size=1)  # as each session has one clip
    named_anew(old)
    reader, now = ClipReader(old), ClipReader(dataset)
    for clip_id in now.clip_ids():
        before = reader.read(clip_id)["actions"]
        assert before == [action | {"repeat": False} for action in now.read(clip_id)["actions"]]
    assert reader.index(["actions"]).schema.field("actions") == EVENTS_SCHEMA.field("actions")
    shard = next((old / "clips").iterdir())
    assert [m.plain["actions_per_s"] for m in measure_rows(shard, 0)] == [
        m.plain["actions_per_s"] for m in measure_rows(dataset / "clips" / shard.name, 0)
    ]


def sized(clip_id: str, session: str, video: int) -> dict[str, object]:
    """A clip that is as large as asked for; nobody decodes it."""
    row = make_clip("scripted", 0, frames=3, session=session)
    return row | {"clip_id": clip_id, "video": {"bytes": bytes(video), "path": f"{clip_id}.mp4"}}


def test_row_groups_of_large_clips_stay_within_what_the_viewer_reads(tmp_path: Path) -> None:
    rows = [sized(f"big-{number}", "big", 20 * 10**6) for number in range(3)]
    rows += [sized(f"small-{number}", "small", 10**5) for number in range(6)]
    dataset = write_dataset(tmp_path / "data", rows)
    shard = pq.ParquetFile(dataset / "clips/clips-00000.parquet").metadata
    groups = [shard.row_group(number) for number in range(shard.num_row_groups)]
    assert [group.num_rows for group in groups] == [1, 1, 1, 4, 2]
    assert max(group.total_byte_size for group in groups) < 40 * 10**6 < 300 * 10**6
    assert len(ClipReader(dataset).read("big-1")["video"]["bytes"]) == 20 * 10**6


def test_a_session_has_the_same_bytes_wherever_it_stands(tmp_path: Path) -> None:
    def groups(name: str, sessions: list[str]) -> list[bytes]:
        """The bytes of each row group."""
        rows = [sized(f"{session}-{n}", session, 1000 + n) for session in sessions for n in range(2)]
        path = write_dataset(tmp_path / name, rows) / "clips/clips-00000.parquet"
        data, meta = path.read_bytes(), pq.ParquetFile(path).metadata
        starts = [meta.row_group(number).column(0).dictionary_page_offset for number in range(meta.num_row_groups)]
        sizes = [sum(g.column(c).total_compressed_size for c in range(g.num_columns))
                 for g in (meta.row_group(n) for n in range(meta.num_row_groups))]  # fmt: skip
        return [data[start : start + size] for start, size in zip(starts, sizes, strict=True)]

    before = groups("before", ["b", "d"])
    assert set(before) < set(groups("after", ["a", "b", "c", "d"]))
