"""A run that is stopped, in whatever way, goes on as if it had not been."""

from __future__ import annotations

import os
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

from tests.trainer.runs import SETTINGS, copy, goal, losses, refused, tensors
from trainer.checkpoint import folder
from trainer.training import loop
from trainer.training.optimise import StepResult


def test_stopping_and_going_on_gives_the_same_weights_bit_for_bit(
    run: Path, dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "halves"
    taken: list[StepResult] = []
    whole_step = loop.train_step

    def interrupted(*given: object) -> StepResult:
        taken.append(whole_step(*given))  # type: ignore[arg-type]
        if len(taken) == 2:
            os.kill(os.getpid(), signal.SIGTERM)
        return taken[-1]

    monkeypatch.setattr(loop, "train_step", interrupted)
    status, _, err = goal(capsys, "train", dataset, "--out", out, *SETTINGS)
    assert status == 128 + signal.SIGTERM and "--resume" in err
    assert folder.steps(out)[0] == 2
    monkeypatch.setattr(loop, "train_step", whole_step)
    assert goal(capsys, "train", dataset, "--out", out, "--resume")[0] == 0
    one, two = tensors(run, 4), tensors(out, 4)
    assert set(one) == set(two) and all(torch.equal(one[name], two[name]) for name in one)
    assert {name.split(".")[0] for name in one} == {"model", "average", "optimizer", "step"}
    assert losses(run) == losses(out)


def test_memory_knobs_may_change_and_the_run_stays_the_same(
    run: Path, dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    knobs = ("--set", "train.micro=1", "--set", "train.recompute=true")
    assert goal(capsys, "train", dataset, "--out", out, *SETTINGS, *knobs)[0] == 0
    assert losses(out) == pytest.approx(losses(run), rel=1e-4)


def test_a_checkpoint_that_cannot_be_written_is_one_line_and_the_last_one_stays(
    run: Path, dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = copy(run, tmp_path / "run")
    with _files_of_at_most(100_000):
        line = refused(capsys, "train", dataset, "--out", out, "--resume", "--steps", "6", "--logger", "none")
        new = refused(capsys, "train", dataset, "--out", tmp_path / "new", *SETTINGS)
    assert "step-00000005: rank 0 could not write it" in line and "File too large" in line and "File too large" in new
    assert folder.newest(out) == folder.step_folder(out, 4)
    assert not list((out / "checkpoints").glob(".*")) and [path.name for path in tmp_path.iterdir()] == ["run"]


@contextmanager
def _files_of_at_most(size: int) -> Iterator[None]:
    """As on a disk that is full: longer writes fail."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
