"""data.mix: how often each clip is seen."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from goaltrace import main
from manifests.clip_io import ClipReader
from manifests.errors import GoaltraceError
from trainer.data.index import Index
from trainer.data.mixture import clip_weights
from trainer.data.windows import ClipStore, Loader
from trainer.settings import override
from trainer.settings.config import Config


def test_weights_of_arm_family_and_kind_are_multiplied(dataset: Path, index: Index) -> None:
    reader = ClipReader(dataset)
    arms = np.array([clip.row["arm"] for clip in index.train])
    weights = clip_weights(index.train, "arm:scripted=3, kind:desktop=0.5, family:boxes=2", reader)
    assert weights.tolist() == np.where(arms == "scripted", 3.0, 1.0).tolist()
    controls = clip_weights(index.train, "control:yes=0", reader)
    assert controls.tolist() == np.where(arms == "random-fast", 0.0, 1.0).tolist()
    assert clip_weights(index.train, "", reader).tolist() == [1.0] * len(arms)


@pytest.mark.parametrize(
    ("mix", "line"),
    [
        ("arm:scripted", "'arm:scripted' is not a weight"),
        ("arm:scripted=-1", "'-1' is not a weight of 0 or more"),
        ("arm:scripted=nan", "not a weight"),
        ("colour:red=2", 'unknown; write it as "arm:scripted=3'),
        ("arm:human=2", "no clip to train on has arm 'human'; there are random-fast, scripted"),
        ("intent=1", "has no intent scores of these clips; run: goaltrace score"),
        ("kind:desktop=0", "leaves every clip with weight 0"),
    ],
)
def test_a_rule_that_cannot_work_is_one_line(dataset: Path, index: Index, mix: str, line: str) -> None:
    with pytest.raises(GoaltraceError, match=line):
        clip_weights(index.train, mix, ClipReader(dataset))


def test_intent_weighs_by_the_score_table(dataset: Path, index: Index, tmp_path: Path) -> None:
    scored = Path(shutil.copytree(dataset, tmp_path / "scored"))
    assert main(["score", str(scored), "--workers", "1"]) == 0
    reader = ClipReader(scored)
    once, twice = (clip_weights(index.train, f"intent={power}", reader) for power in (1, 2))
    assert ((once >= 0) & (once <= 1)).all() and len(set(once.tolist())) > 1
    assert np.allclose(twice, once**2) and clip_weights(index.train, "intent=0", reader).tolist() == [1.0] * len(once)


def test_the_loader_sees_clips_as_often_as_they_weigh(dataset: Path, index: Index, small: Config) -> None:
    config = override(small, ["data.mix=arm:scripted=0", "data.crop_width=0", "data.crop_height=0", "data.cache_mb=0"])
    loader = Loader(ClipStore(ClipReader(dataset), config), index.train, config, seed=0)
    arms = [loader.segments[which].clips[0].row["arm"] for which, _ in loader.windows]
    order = loader.order
    assert {arms[order.at(position)] for position in range(len(arms))} == {"random-fast"} < set(arms)
