"""The examples of docs/examples that train, and that read clips for a model of one's own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.factories import make_dataset
from tests.trainer.conftest import SMALL

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_dataset(tmp_path_factory.mktemp("examples") / "boxes", per_arm=3, frames=45)


def example(name: str, *words: object) -> str:
    done = subprocess.run(
        [sys.executable, ROOT / "docs" / "examples" / name, *map(str, words)], cwd=ROOT, capture_output=True, text=True,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_torch_loader_of_clips_with_aligned_actions(dataset: Path) -> None:
    out = example("torch_loader.py", dataset)
    assert "frames (4, 8, 3, 96, 160), actions (4, 8, 1, 182), first goal: Light every box" in out
    assert "left clicks on the way to each frame: [0, " in out and " windows" in out


def test_train_and_evaluate(dataset: Path, tmp_path: Path) -> None:
    out = example("train_and_evaluate.py", dataset, tmp_path / "run", *SMALL)
    assert "parameters" in out and "step 4, loss" in out and "desktop: PSNR" in out
    assert (tmp_path / "run" / "evaluation.html").is_file() and out.rstrip().endswith(".png")
