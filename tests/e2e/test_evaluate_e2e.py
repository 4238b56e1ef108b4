"""FVD from the front door: I3D with random weights on a run of four steps."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import torch

import goaltrace
from tests.factories import make_dataset
from tests.trainer.runs import SETTINGS, goal, refused
from trainer.evaluation.i3d import I3D

pytestmark = pytest.mark.e2e


def weights(path: Path) -> Path:
    """A state dict of I3D's shape with which pictures that differ have features that differ."""
    torch.manual_seed(0)
    state = I3D().state_dict()
    for value in state.values():
        if value.dim() == 5:
            value.normal_(0, (2 / value[0].numel()) ** 0.5)
    torch.save(state, path)
    return path


def test_fvd_is_measured_with_weights_that_are_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = make_dataset(tmp_path / "boxes", per_arm=3, frames=60)
    run, i3d = tmp_path / "run", weights(tmp_path / "i3d.pt")
    assert goaltrace.main(["train", str(data), "--out", str(run), "--logger", "none", *SETTINGS]) == 0
    words = ("evaluate", run, "--clips", 2, "--fvd", i3d)
    assert "add --frames 16" in refused(capsys, *words, "--frames", 4)
    status, out, _ = goal(capsys, *words, "--frames", 9)
    assert status == 0 and re.search(r"  FVD  +[\d.]+  +[\d.]+  +[\d.]+  +[\d.]+  +[\d.]+\n", out)
    assert "FVD over 2 windows of 9 frames" in out and "FVD from 2 windows is biased upwards" in out
    document = json.loads((run / "evaluation.json").read_text())
    told = document["kinds"]["desktop"]
    values = {row: figures["fvd"] for row, figures in told["rows"].items() if "fvd" in figures}
    assert set(values) == {"true", "shuffled", "null", "repeat", "codec"}
    assert 0 < values["codec"] < values["true"]  # what the codec loses, the model loses too
    assert told["fvd"]["windows"] == 2 and told["fvd"]["sessions"] == 2 and told["fvd"]["warning"]
    assert "fvd" not in told["intervals"]["true"] and told["obeys"]["fvd"]["low"] is None
    assert "biased upwards" in (run / "evaluation.html").read_text()
