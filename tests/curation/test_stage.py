"""The score stage resumes, stays whole when a shard is bad, and names what it did."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from goaltrace import main
from manifests.dataset import DatasetFolder, DatasetManifest
from tests.factories import make_clip, make_dataset, write_dataset
from tests.waiting import PATIENCE_S


@pytest.fixture(scope="module")
def unscored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set of three clips shards."""
    path = tmp_path_factory.mktemp("score") / "data"
    dataset = make_dataset(path, per_arm=3, frames=60, shard_bytes=20_000, pause=10)
    assert len(names(dataset)) == 3
    return dataset


@pytest.fixture
def shards(unscored: Path, tmp_path: Path) -> Path:
    """A copy of `unscored`, to be changed."""
    return Path(shutil.copytree(unscored, tmp_path / "data"))


@pytest.fixture(scope="module")
def scored(unscored: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`unscored`, scored by one worker."""
    dataset = Path(shutil.copytree(unscored, tmp_path_factory.mktemp("scored") / "data"))
    assert main(["score", str(dataset), "--workers", "1"]) == 0
    return dataset


@pytest.fixture
def again(scored: Path, tmp_path: Path) -> Path:
    """A copy of `scored`, to be changed."""
    return Path(shutil.copytree(scored, tmp_path / "data"))


def manifest(dataset: Path) -> DatasetManifest:
    return DatasetFolder(dataset).read_manifest()


def names(dataset: Path) -> list[str]:
    return DatasetFolder.shard_names(manifest(dataset), "clips")


def tables(dataset: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in (dataset / "scores").glob("*.parquet")}


def test_every_clip_is_scored_and_the_tables_are_registered(scored: Path) -> None:
    entries = manifest(scored).scores
    clips = [row for s in names(scored) for row in pq.read_table(scored / s, columns=["clip_id"])[0].to_pylist()]
    assert [r for e in entries for r in pq.read_table(scored / e.shard.path).column("clip_id").to_pylist()] == clips
    assert manifest(scored).lineage[-1].command == "goaltrace score"
    assert [source.name for source in manifest(scored).lineage[-1].inputs] == names(scored)


def test_score_resumes_without_recomputing_finished_shards(again: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = tables(again)
    gone = sorted(before)[1]
    (again / "scores" / gone).unlink()
    assert main(["score", str(again), "--workers", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["scored"] == [f"scores/{gone}"]
    after = tables(again)
    assert {name for name in before if after[name] == before[name]} == before.keys() - {gone}


def test_second_run_is_up_to_date_and_changes_nothing(scored: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (scored / "dataset.json").read_bytes(), tables(scored)
    assert main(["score", str(scored)]) == 0
    assert "up to date" in capsys.readouterr().out
    assert ((scored / "dataset.json").read_bytes(), tables(scored)) == before


def test_scores_do_not_depend_on_the_number_of_workers(again: Path) -> None:
    one = [pq.read_table(path) for path in sorted((again / "scores").iterdir())]
    assert main(["score", str(again), "--workers", "2", "--force"]) == 0
    assert one == [pq.read_table(path) for path in sorted((again / "scores").iterdir())]


def test_truncated_shard_is_one_line_and_keeps_finished_work(shards: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = shards / names(shards)[1]
    bad.write_bytes(bad.read_bytes()[:-2000])
    assert main(["score", str(shards), "--workers", "1"]) != 0
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    assert str(bad) in lines[0]
    assert len(manifest(shards).scores) == len(tables(shards)) == 2


def test_flipped_byte_in_a_video_is_refused(shards: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = shards / names(shards)[0]
    data = bytearray(bad.read_bytes())
    data[data.index(b"ftypisom") + 400] ^= 0xFF
    bad.write_bytes(data)
    assert main(["score", str(shards), "--workers", "1"]) != 0
    assert str(bad) in capsys.readouterr().err


def test_score_table_cut_short_is_made_again(again: Path) -> None:
    table = again / manifest(again).scores[0].shard.path
    whole = table.read_bytes()
    table.write_bytes(whole[:100])
    assert main(["score", str(again), "--workers", "1"]) == 0
    assert pq.read_table(table).num_rows == manifest(again).scores[0].shard.rows


def test_missing_data_set_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["score", str(tmp_path / "nothing")]) == 2
    assert "no such data set" in capsys.readouterr().err


STOPS_IN_THE_SECOND_TABLE = """
import sys, time
import pyarrow.parquet as pq
from goaltrace import main

whole, written = pq.write_table, []

def write_table(table, path, **options):
    whole(table, path, **options)
    written.append(path)
    if len(written) == 2:
        print("half", flush=True)
        time.sleep(60)

pq.write_table = write_table
sys.exit(main())
"""


def test_ctrl_c_stops_and_leaves_nothing_half_written(tmp_path: Path) -> None:
    clip = make_clip("scripted", 0, frames=60)
    many = ({**clip, "clip_id": f"s{n}-0000", "session_id": f"s{n}", "episode_id": f"s{n}"} for n in range(8))
    shards = write_dataset(tmp_path / "data", many, shard_bytes=20_000)
    process = subprocess.Popen(
        [sys.executable, "-c", STOPS_IN_THE_SECOND_TABLE, "score", str(shards), "--workers", "1"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None and process.stdout.readline() == "half\n"
    assert len(list((shards / "scores").glob(".*"))) == 1
    os.killpg(process.pid, signal.SIGINT)
    _, error = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130, error
    assert "Traceback" not in error
    assert not list((shards / "scores").glob(".*"))
    assert [entry.shard.path for entry in manifest(shards).scores] == [f"scores/{name}" for name in tables(shards)]
    assert len(tables(shards)) == 1
    assert main(["score", str(shards), "--workers", "1"]) == 0
    assert len(manifest(shards).scores) == len(names(shards))
