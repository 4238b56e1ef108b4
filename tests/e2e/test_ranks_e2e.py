"""Training in processes of its own: two ranks (gloo) are the same run as one, one that dies is told, Ctrl-C works."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

from tests.factories import make_dataset
from tests.trainer.conftest import SMALL
from tests.trainer.runs import SETTINGS, back_to, copy, goal, losses, tensors
from trainer.checkpoint import RunInfo, folder, load_model

pytestmark = pytest.mark.e2e
ROOT = Path(__file__).resolve().parents[2]
SHARED = [*SMALL, "train.batch=8", "train.save_steps=2", "train.keep=0"]
TOGETHER = [part for setting in SHARED for part in ("--set", setting)]


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_dataset(tmp_path_factory.mktemp("ranks") / "boxes", per_arm=3, frames=45)


@contextmanager
def two_ranks(*words: object) -> Iterator[list[subprocess.Popen[str]]]:
    """Both processes of a run, as torchrun starts them; whatever is left of them is ended."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "goaltrace", "train", *map(str, words)]
    started = []
    for rank in range(2):
        told = {"WORLD_SIZE": "2", "RANK": str(rank), "LOCAL_RANK": str(rank), "OMP_NUM_THREADS": "1",
                "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}  # fmt: skip
        started.append(
            subprocess.Popen(
                command, cwd=ROOT, env={**os.environ, **told}, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
            )
        )
    try:
        yield started
    finally:
        for process in started:
            process.kill()
            process.communicate()


def end(processes: list[subprocess.Popen[str]]) -> list[tuple[int, str, str]]:
    """Status, output and errors of each."""
    told = [process.communicate(timeout=90) for process in processes]
    return [(process.returncode, out, err) for process, (out, err) in zip(processes, told, strict=True)]


def wait_for_steps(run: Path, count: int, processes: list[subprocess.Popen[str]]) -> None:
    """Until the log has that many lines; fails when a rank ends before."""
    metrics, deadline = run / "metrics.jsonl", time.monotonic() + 90
    while metrics.read_text().count("\n") < count:
        assert time.monotonic() < deadline and all(process.poll() is None for process in processes)
        time.sleep(0.05)


@pytest.fixture(scope="module")
def alone(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four steps of one rank."""
    import goaltrace

    out = tmp_path_factory.mktemp("alone") / "run"
    assert goaltrace.main(["train", str(dataset), "--out", str(out), "--logger", "none", *TOGETHER]) == 0
    return out


@pytest.fixture(scope="module")
def both(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four steps of two ranks."""
    out = tmp_path_factory.mktemp("both") / "run"
    with two_ranks(dataset, "--out", out, "--logger", "none", "--json", *TOGETHER) as processes:
        (first, said, _), (second, nothing, silence) = end(processes)
    assert first == second == 0
    assert said.count("\n") == 1 and nothing == "" and "Traceback" not in silence
    return out


def test_two_ranks_are_the_same_run_as_one(alone: Path, both: Path) -> None:
    assert losses(both) == pytest.approx(losses(alone), rel=1e-4)
    one, two = tensors(alone, 4), tensors(both, 4)
    assert set(one) == set(two)
    # Adam makes a step of the learning rate even of rounding, where there is no gradient to speak of
    moved = [(one[name] - two[name]).abs().max().item() for name in one if name.startswith("model.")]
    assert max(moved) < 2e-3
    assert {path.name for path in folder.step_folder(both, 4).iterdir()} == {
        ".metadata", "__0_0.distcp", "__1_0.distcp",
    }  # fmt: skip


def test_two_ranks_go_on_bit_for_bit(both: Path, dataset: Path, tmp_path: Path) -> None:
    out = copy(both, tmp_path / "run")
    back_to(out, 2)
    with two_ranks(dataset, "--out", out, "--logger", "none", "--resume") as processes:
        assert [status for status, _, _ in end(processes)] == [0, 0]
    assert losses(out) == losses(both)
    one, two = tensors(both, 4), tensors(out, 4)
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_what_two_ranks_began_one_goes_on_with(
    both: Path, dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = copy(both, tmp_path / "run")
    back_to(out, 2)
    assert goal(capsys, "train", dataset, "--out", out, "--resume", "--logger", "none")[0] == 0
    assert losses(out)[:2] == losses(both)[:2] and losses(out) == pytest.approx(losses(both), rel=1e-4)
    model, _, step = load_model(both, RunInfo.read(both), torch.device("cpu"))  # evaluation reads shards whole
    saved = tensors(both, 4)
    assert step == 4
    assert all(torch.equal(value, saved[f"average.{name}"]) for name, value in model.state_dict().items())


def test_a_signal_to_one_rank_stops_both_at_one_step(alone: Path, dataset: Path, tmp_path: Path) -> None:
    out = copy(alone, tmp_path / "run")
    with two_ranks(dataset, "--out", out, "--logger", "none", "--resume", "--steps", "100000") as processes:
        wait_for_steps(out, 6, processes)
        processes[1].send_signal(signal.SIGTERM)
        (first, _, err), (second, _, _) = end(processes)
    assert first == second == 128 + signal.SIGTERM and "--resume" in err and "Traceback" not in err
    newest = folder.newest(out)
    assert newest == folder.step_folder(out, len(losses(out)))


def test_a_rank_that_dies_ends_the_others_with_one_line(alone: Path, dataset: Path, tmp_path: Path) -> None:
    out = copy(alone, tmp_path / "run")
    with two_ranks(dataset, "--out", out, "--logger", "none", "--resume", "--steps", "100000") as processes:
        wait_for_steps(out, 7, processes)
        processes[1].kill()
        killed = time.monotonic()
        (status, _, err), _ = end(processes)
    assert time.monotonic() - killed < 60 and status != 0
    lines = [line for line in err.splitlines() if line.startswith("goaltrace train:")]
    assert len(lines) == 1 and "rank 0" in lines[0] and "--resume" in lines[0] and "Traceback" not in err
    assert folder.problem(folder.newest(out)) is None and int(folder.newest(out).name[5:]) >= 6


def test_ctrl_c_leaves_a_run_that_goes_on(dataset: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    command = [sys.executable, "-m", "goaltrace", "train", str(dataset), "--out", str(out), *SETTINGS]
    words = ["--steps", "100000", "--set", "train.save_steps=1"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen([*command, *words], cwd=ROOT, stderr=subprocess.PIPE, text=True, env=environment)
    metrics = out / "metrics.jsonl"
    deadline = time.monotonic() + 120
    while not (metrics.is_file() and metrics.read_text().count("\n") > 1):  # so that there are two checkpoints to keep
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGINT and "Traceback" not in err and "--resume" in err
    assert folder.problem(folder.newest(out)) is None
    assert folder.steps(out)[0] == len(losses(out)) and len(folder.steps(out)) == 2
    assert not list(out.rglob(".*.tmp")) and not list(tmp_path.glob(".*.tmp"))
