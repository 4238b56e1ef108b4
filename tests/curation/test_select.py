"""Selection keeps exactly what the condition names, byte for byte, and the condition can do nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from goaltrace import main
from manifests.clip_io import ClipReader
from manifests.dataset import DatasetFolder
from manifests.files import sha256_of
from tests.factories import make_dataset


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    dataset = make_dataset(tmp_path_factory.mktemp("select") / "data", per_arm=3, frames=90, pause=12)
    assert main(["score", str(dataset), "--workers", "1"]) == 0
    return dataset


def test_select_copies_video_bytes_unchanged(scored: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert main(["select", str(scored), "--where", "arm = 'scripted'", "--out", str(out)]) == 0
    parent, child = ClipReader(scored), ClipReader(out)
    assert child.clip_ids() == [name for name in parent.clip_ids() if name.startswith("scripted")]
    for clip_id in child.clip_ids():
        assert child.read(clip_id) == parent.read(clip_id)


def test_scores_follow_their_clips_and_need_no_new_run(
    scored: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert main(["select", str(scored), "--where", "seed = 1", "--out", str(out)]) == 0
    rows = {r["clip_id"]: r for p in (scored / "scores").iterdir() for r in pq.read_table(p).to_pylist()}
    kept = [r for p in (out / "scores").iterdir() for r in pq.read_table(p).to_pylist()]
    assert kept == [rows[name] for name in ClipReader(out).clip_ids()]
    capsys.readouterr()
    assert main(["score", str(out), "--workers", "1"]) == 0
    assert "up to date" in capsys.readouterr().out


def test_lineage_names_the_condition_and_the_parent(scored: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert main(["select", str(scored), "--where", "contingency > 0.6", "--out", str(out)]) == 0
    parent, child = DatasetFolder(scored).read_manifest(), DatasetFolder(out).read_manifest()
    assert child.lineage[:-1] == parent.lineage
    assert child.lineage[-1].parameters == {"where": "contingency > 0.6"}
    assert child.lineage[-1].inputs[0].sha256 == sha256_of(scored / "dataset.json")
    assert child.counts.clips == len(ClipReader(out).clip_ids())


def test_dry_run_writes_nothing(scored: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    where = "efficacy > 0.5 AND list_contains(list_transform(actions, lambda a: a.kind), 'button_down')"
    assert main(["select", str(scored), "--where", where, "--out", str(out), "--dry-run", "--json"]) == 0
    kept = {entry["arm"]: entry["clips"] for entry in json.loads(capsys.readouterr().out)["kept"]}
    assert kept == {"random-fast": 0, "scripted": 3}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "where",
    [
        "'root' IN (SELECT content FROM read_text('/etc/passwd'))",
        "(SELECT count(*) FROM read_csv('/etc/passwd')) > 0",
        "(SELECT count(*) FROM '/etc/passwd') > 0",
        "(SELECT count(*) FROM glob('/*')) > 0",
        "(SELECT count(*) FROM read_parquet('http://127.0.0.1:1/x.parquet')) > 0",
    ],
)
def test_where_cannot_read_files(scored: Path, where: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["select", str(scored), "--where", where, "--dry-run"]) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1


@pytest.mark.parametrize(
    "where",
    [
        "true; DROP TABLE clips",
        "true) UNION SELECT clip_id FROM clips WHERE (true",
        "seed = 1 ORDER BY seed",
        "seed, arm",
        "seed =",
        " ",
        "seed",
        "'yes'",
        "count(*) > 1",
        "nosuchfunction(seed)",
        "(SELECT 1 FROM scored) = 1",
    ],
)
def test_anything_but_one_condition_is_one_line(
    scored: Path, tmp_path: Path, where: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["select", str(scored), "--where", where, "--out", str(tmp_path / "out")]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith("goaltrace select: --where: ")
    assert list(tmp_path.iterdir()) == []


def test_condition_can_compare_with_the_whole_data_set(scored: Path, capsys: pytest.CaptureFixture[str]) -> None:
    where = "contingency >= (SELECT median(contingency) FROM clips)"
    assert main(["select", str(scored), "--where", where, "--dry-run", "--json"]) == 0
    assert sum(entry["clips"] for entry in json.loads(capsys.readouterr().out)["kept"]) == 3


def test_unknown_column_is_named(scored: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["select", str(scored), "--where", "efficcy > 0.2", "--dry-run"]) == 2
    error = capsys.readouterr().err
    assert "no column 'efficcy'" in error
    assert "did you mean efficacy" in error


def test_scores_asked_for_before_scoring_name_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dataset = make_dataset(tmp_path / "data", per_arm=1, frames=20)
    assert main(["select", str(dataset), "--where", "efficacy > 0.2", "--dry-run"]) == 2
    assert "run goaltrace score first" in capsys.readouterr().err


def test_keeping_nothing_writes_nothing(scored: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["select", str(scored), "--where", "seed > 99", "--out", str(tmp_path / "out")]) == 2
    assert "keeps none of the 6 clips" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_existing_output_is_left_alone(scored: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("keep")
    assert main(["select", str(scored), "--where", "true", "--out", str(tmp_path / "out")]) == 2
    assert "exists already" in capsys.readouterr().err
    assert (tmp_path / "out" / "mine.txt").read_text() == "keep"


def test_damaged_shard_leaves_no_output(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dataset = make_dataset(tmp_path / "data", per_arm=2, frames=30)
    shard = dataset / "clips" / "clips-00000.parquet"
    data = bytearray(shard.read_bytes())
    data[data.index(b"ftypisom") + 300] ^= 0xFF
    shard.write_bytes(data)
    assert main(["select", str(dataset), "--where", "true", "--out", str(tmp_path / "out")]) == 2
    assert str(shard) in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data"]
