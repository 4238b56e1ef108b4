"""The examples of curation run as they stand, on a small data set, each in seconds."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import goaltrace
from manifests.clip_io import ClipReader
from manifests.dataset import DatasetFolder
from tests.factories import make_dataset

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_dataset(tmp_path_factory.mktemp("examples") / "data", per_arm=2, frames=60, shard_bytes=20_000, pause=8)


@pytest.fixture
def dataset(small: Path, tmp_path: Path) -> Path:
    """A copy, to be changed."""
    return Path(shutil.copytree(small, tmp_path / "data"))


def run(script: Path | str, *words: object) -> str:
    command = [sys.executable, ROOT / "docs" / "examples" / script, *words]
    done = subprocess.run(
        list(map(str, command)), cwd=ROOT, env=None, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


def test_filter_with_pandas(dataset: Path) -> None:
    assert "2 of 4 clips:" in run("filter_with_pandas.py", dataset)
    goaltrace.score(dataset, workers=1)
    said = run("filter_with_pandas.py", dataset)
    assert "of 4 clips:" in said and "scripted-0-0000" in said


def test_read_with_datasets(dataset: Path) -> None:
    said = run("read_with_datasets.py", dataset)
    assert "scripted-0-0000: Light every box" in said and "frame 30 of 60: 256x192 px" in said


def test_custom_score_is_selected_by_and_carried_along(dataset: Path, tmp_path: Path) -> None:
    out = tmp_path / "faster"
    said = run("custom_score.py", dataset, "--out", out)
    shards = len(DatasetFolder.shard_names(DatasetFolder(dataset).read_manifest(), "clips"))
    assert f"{shards} tables made, 0 there already" in said and "scripted: " in said
    manifest = DatasetFolder(out).read_manifest()
    assert {(table.name, tuple(table.columns)) for table in manifest.scores} == {
        ("pace", ("clip_id", "clicks_per_minute"))
    }
    assert [step.command for step in manifest.lineage][-2:] == ["custom_score.py", "goaltrace select"]
    assert set(goaltrace.select(out, "clicks_per_minute > 0").clip_ids) == set(ClipReader(out).clip_ids())
    assert "0 tables made, 1 there already" in run("custom_score.py", out)
