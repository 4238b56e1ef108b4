"""A small data set and small settings, made once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

import goaltrace
from manifests.clip_io import ClipReader
from tests.factories import make_dataset
from trainer.data.index import Index, load_index
from trainer.data.windows import ClipStore, Loader
from trainer.settings import override
from trainer.settings.config import Config
from trainer.settings.presets import preset

SMALL = [
    "data.width=64", "data.height=48", "data.crop_width=32", "data.crop_height=32", "data.whole_every=2",
    "data.workers=0", "codec.channels=24", "model.dim=48", "model.layers=2", "model.ffn_dim=96", 
    "train.batch=2", "train.steps=4", "train.reader_steps=5", "train.head_steps=3", "train.max_seconds=0",
    "sample.frames=4", "codec.fit_frames=16",
]  # fmt: skip


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_dataset(tmp_path_factory.mktemp("trainer") / "boxes", per_arm=3, frames=45)


@pytest.fixture(scope="session")
def small_settings() -> list[str]:
    return SMALL


@pytest.fixture(scope="session")
def small() -> Config:
    return override(preset("tiny"), SMALL)


@pytest.fixture(scope="session")
def index(dataset: Path, small: Config) -> Index:
    return load_index(dataset, small.data)


@pytest.fixture
def store(dataset: Path, small: Config) -> ClipStore:
    return ClipStore(ClipReader(dataset), small)


@pytest.fixture
def loader(store: ClipStore, index: Index, small: Config) -> Loader:
    return Loader(store, index.train, small, seed=0)


@pytest.fixture(scope="session")
def run(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of four steps with all its checkpoints; not to be changed."""
    out = tmp_path_factory.mktemp("runs") / "run"
    kept = ["train.save_steps=1", "train.keep=0"]
    words = [part for setting in SMALL + kept for part in ("--set", setting)]
    assert goaltrace.main(["train", str(dataset), "--out", str(out), "--logger", "none", *words]) == 0
    return out
