"""train, evaluate, rollout, encode and compare as a program calls them."""

from __future__ import annotations

import math
import pickle
import shutil
import signal
import threading
from collections.abc import Callable
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

import goaltrace
from manifests.errors import GoaltraceError
from manifests.permissions import umask
from manifests.progress import Progress
from tests.trainer.conftest import SMALL
from trainer.checkpoint import folder
from trainer.checkpoint.lock import locked


@pytest.fixture
def silent(capfd: pytest.CaptureFixture[str]) -> Callable[[], bool]:
    """Whether nothing was written to stdout or stderr so far, by whatever means."""
    return lambda: capfd.readouterr() == ("", "")


def in_order(heard: list[Progress]) -> None:
    """Each kind of work counts up, and one that knows its total ends there."""
    works = dict.fromkeys(progress.work for progress in heard if not progress.message)
    for work in works:
        own = [progress for progress in heard if progress.work == work]
        counts = [progress.done for progress in own]
        assert counts == sorted(counts), work
        if own[-1].done and own[-1].total is not None:
            assert own[-1].done == own[-1].total, work


def test_a_run_is_trained_measured_and_rolled_out(dataset: Path, tmp_path: Path, silent: Callable[[], bool]) -> None:
    out, heard = tmp_path / "run", list[Progress]()
    mask, before = umask(), {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    trained = goaltrace.train(dataset, out=out, settings=SMALL, steps=3, on_progress=heard.append)
    assert (trained.run, trained.step, trained.stopped) == (out, 3, False) and math.isfinite(trained.loss)
    assert 0 < trained.train_seconds < trained.total_seconds and trained.mfu is None
    in_order(heard)
    steps = [progress for progress in heard if isinstance(progress, goaltrace.TrainingProgress)]
    assert [(progress.done, progress.step, progress.total) for progress in steps] == [
        (0, 0, 3), (1, 1, 3), (2, 2, 3), (3, 3, 3),
    ]  # fmt: skip
    assert steps[-1] is heard[-1] and steps[-1].loss == pytest.approx(trained.loss)
    with pytest.raises(FrozenInstanceError):
        trained.step = 4  # type: ignore[misc]

    more = goaltrace.train(str(dataset), out=str(out), resume=True, steps=4, logger="none")
    assert more.step == 4

    heard.clear()
    measured = goaltrace.evaluate(out, clips=1, frames=2, on_progress=heard.append)
    assert measured.step == 4 and measured.seeds == (0,) and measured.json.is_file() and measured.page.is_file()
    assert measured.figures["desktop"]["true"]["psnr"] > 0
    in_order(heard)
    other = shutil.copytree(out, tmp_path / "other")
    compared = goaltrace.compare([out, other], out=tmp_path / "page.html")
    assert compared.page == tmp_path / "page.html" and "desktop, true actions" in compared.text

    heard.clear()
    rolled = goaltrace.rollout(out, frames=2, on_progress=heard.append)
    assert rolled.held_out and [path.suffix for path in rolled.files] == [".gif", ".mp4", ".png"]
    assert all(path.is_file() for path in rolled.files)
    in_order(heard)
    assert umask() == mask and {number: signal.getsignal(number) for number in before} == before
    assert silent()


def test_a_plan_writes_nothing(dataset: Path, tmp_path: Path, silent: Callable[[], bool]) -> None:
    plan = goaltrace.plan_training(dataset, out=tmp_path / "run", settings={"train.steps": 4, "data.workers": 0})
    assert plan.total > 0 and plan.windows > 0 and "4 steps" in plan.text
    assert not list(tmp_path.iterdir()) and silent()


def test_latents_are_encoded(dataset: Path, tmp_path: Path, silent: Callable[[], bool]) -> None:
    out, heard = tmp_path / "latents", list[Progress]()
    made = goaltrace.encode(dataset, out=out, settings=SMALL, on_progress=heard.append)
    assert made.shards_made == made.plan.shards == 1 and made.frames_left_out == 0 and made.plan.frames == 90
    in_order(heard)
    assert {progress.work for progress in heard} == {"decoding for the codec", "encoding"}
    assert goaltrace.encode(dataset, out=out, settings=SMALL).shards_made == 0 and silent()


def test_what_a_callback_raises_ends_the_run_cleanly(
    run: Path, dataset: Path, tmp_path: Path, silent: Callable[[], bool]
) -> None:
    def at(work: str, done: int) -> Callable[[Progress], None]:
        def on_progress(progress: Progress) -> None:
            if (progress.work, progress.done) == (work, done):
                raise LookupError(work)

        return on_progress

    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    out, threads = tmp_path / "run", threading.active_count()
    with pytest.raises(LookupError):  # as the run is made: nothing of it is left
        goaltrace.train(dataset, out=out, settings=SMALL, on_progress=at("decoding for the codec", 2))
    assert not list(tmp_path.iterdir())
    workers = [*SMALL, "data.workers=2", "train.save_steps=1"]
    with pytest.raises(LookupError):
        goaltrace.train(dataset, out=out, settings=workers, logger="none", on_progress=at("training", 3))
    assert folder.steps(out)[0] == 2 and threading.active_count() == threads
    with locked(out):
        pass
    with pytest.raises(LookupError):
        goaltrace.evaluate(out, clips=1, frames=2, on_progress=at("rolling out", 1))
    assert not (out / "evaluation.json").exists()
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == handlers
    assert goaltrace.train(dataset, out=out, resume=True, logger="none").step == 4 and silent()


def test_a_signal_saves_the_run_and_is_the_callers_again(dataset: Path, tmp_path: Path) -> None:
    def interrupt(progress: Progress) -> None:
        if (progress.work, progress.done) == ("training", 2):
            signal.raise_signal(signal.SIGINT)

    out = tmp_path / "run"
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            goaltrace.train(dataset, out=out, settings=SMALL, logger="none", on_progress=interrupt)
    finally:
        signal.signal(signal.SIGINT, before)
    assert folder.steps(out)[0] == 2


def test_training_needs_not_the_main_thread(dataset: Path, tmp_path: Path) -> None:
    results = []
    work = threading.Thread(
        target=lambda: results.append(goaltrace.train(dataset, out=tmp_path / "run", settings=SMALL, logger="none"))
    )
    work.start()
    work.join()
    assert results[0].step == 4


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda data, run, new: goaltrace.train(data, out=new, settings={"lr": 3}), "--set lr: unknown key; known: tr"),
        (lambda data, run, new: goaltrace.train(data, out=new, settings="train.lr=3"), "as a list"),
        (lambda data, run, new: goaltrace.train(data, out=new, device="gpu"), "--device gpu: unknown; one of: auto,"),
        (lambda data, run, new: goaltrace.train(data, out=new, logger="x"), "--logger x: unknown; one of: auto, ten"),
        (lambda data, run, new: goaltrace.train(data, out=new, seed=-1), "--seed -1: must be a whole number from 0"),
        (lambda data, run, new: goaltrace.train(data, out=run), "holds a run already"),
        (lambda data, run, new: goaltrace.train(new / "none", out=new), "no such data set"),
        (lambda data, run, new: goaltrace.plan_training(data, out=new, steps=0), "--steps 0: must be at least 1"),
        (lambda data, run, new: goaltrace.encode(data, out=new, run=run, preset="tiny"), "has its own settings"),
        (lambda data, run, new: goaltrace.evaluate(run, clips=0), "--clips: must be at least 1"),
        (lambda data, run, new: goaltrace.evaluate(new), "not a run"),
        (lambda data, run, new: goaltrace.rollout(run, clip="x", frames=2), "--clip x: no such clip"),
        (lambda data, run, new: goaltrace.compare([run]), "at least two"),
        (lambda data, run, new: goaltrace.windows(data, frames=1), "--frames: must be at least 2"),
        (lambda data, run, new: goaltrace.windows(data, split="test"), "--split test: unknown; one of: train, held_"),
    ],
)  # fmt: skip
def test_a_bad_option_is_one_clear_line(
    call: Callable[[Path, Path, Path], Any], words: str, dataset: Path, run: Path, tmp_path: Path,
    silent: Callable[[], bool],
) -> None:  # fmt: skip
    with pytest.raises(GoaltraceError) as refused:
        call(dataset, run, tmp_path / "new")
    assert words in str(refused.value) and "\n" not in str(refused.value)
    assert not list(tmp_path.iterdir()) and silent()


def test_what_is_made_of_a_private_data_set_is_private(dataset: Path, tmp_path: Path) -> None:
    own = shutil.copytree(dataset, tmp_path / "own")
    own.chmod(0o700)
    goaltrace.train(own, out=tmp_path / "run", settings=SMALL, steps=1, logger="none")
    modes = {path.stat().st_mode & 0o077 for path in [tmp_path / "run", *(tmp_path / "run").rglob("*")]}
    assert modes == {0}


def test_windows_have_the_actions_that_led_to_each_frame(dataset: Path) -> None:
    windows = goaltrace.windows(dataset, frames=6, fps=5.0, size=(64, 48), substeps=2, split="all")
    window = windows[3]
    assert window.frames.shape == (6, 48, 64, 3) and window.actions.shape == (6, 2, 182)
    assert window.frames.any() and np.isfinite(window.pointer).all() and window.goal == "Light every box"
    parts = [goaltrace.windows(dataset, frames=6, size=(64, 48), split=split) for split in ("train", "held_out")]  # type: ignore[arg-type]
    assert len(windows) == len(parts[0]) + len(parts[1]) and {w.clip for w in parts[0]}.isdisjoint(
        w.clip for w in parts[1]
    )
    again = pickle.loads(pickle.dumps(windows))[3]
    assert all(np.array_equal(one, two) for one, two in zip(window, again, strict=True))
    batch = next(iter(DataLoader(windows, batch_size=4)))  # type: ignore[arg-type]
    assert batch.actions.dtype == torch.uint8 and batch.frames.shape == (4, 6, 48, 64, 3) and len(batch.clip) == 4
