"""Runs as a user makes them, through the front door, and a look into their checkpoints."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch

import goaltrace
from tests.trainer.conftest import SMALL
from trainer.checkpoint import folder
from trainer.checkpoint.metadata import read_metadata

SETTINGS = [part for setting in SMALL for part in ("--set", setting)]


def goal(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    """Run a command; status, output, errors without the progress bars."""
    capsys.readouterr()
    status = goaltrace.main([str(word) for word in words])
    out, err = capsys.readouterr()
    return status, out, err


def refused(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    """The one line that a refused command prints."""
    status, _, err = goal(capsys, *words)
    assert status == 2
    lines = [line for line in err.splitlines() if line.startswith("goaltrace ")]
    assert len(lines) == 1 and "Traceback" not in err
    return lines[0]


def copy(run: Path, target: Path) -> Path:
    """A run of its own, to be broken."""
    shutil.copytree(run, target)
    return target


def back_to(run: Path, step: int) -> None:
    """Forget every checkpoint after `step`."""
    for later in folder.steps(run):
        if later > step:
            shutil.rmtree(folder.step_folder(run, later))


def tensors(run: Path, step: int) -> dict[str, torch.Tensor]:
    """Everything that a checkpoint holds, whole, whatever number of ranks wrote it."""
    path = folder.step_folder(run, step)
    entries = read_metadata(path).state_dict_metadata
    made = {
        name: torch.empty(entry.size, dtype=entry.properties.dtype)  # type: ignore[union-attr]
        for name, entry in entries.items()
    }
    folder.load(path, made)
    return made


def losses(run: Path) -> list[float]:
    return [json.loads(line)["loss"] for line in (run / "metrics.jsonl").open()]
