"""What a rank knows of the others, and what is refused; whole runs of two ranks are in tests/e2e/test_ranks_e2e.py."""

from __future__ import annotations

import argparse
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from manifests.errors import GoaltraceError
from tests.trainer.runs import SETTINGS, refused
from trainer.commands.train import configure
from trainer.machine.parallel import Ranks, from_environment, joined, own_device

ROOT = Path(__file__).resolve().parents[3]


def test_a_rank_that_hangs_is_told_by_its_silence() -> None:
    code = """
import sys, time, torch.distributed as dist
from trainer.machine import parallel
parallel.BEAT_SECONDS, parallel.SILENT_SECONDS = 0.1, 1.0
store = dist.TCPStore("127.0.0.1", 0, is_master=True)
store.set("1", "12")
parallel.RankWatch(store, parallel.Ranks(0, 2)).start()
time.sleep(30)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert done.stderr.strip() == (
        "goaltrace train: rank 0: rank 1 has died, so this one stops; the last checkpoint is whole: go on with --resume"
    )


def test_a_batch_that_ranks_cannot_share_is_refused(
    dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"WORLD_SIZE": "3", "RANK": "0", "LOCAL_RANK": "0"}.items():
        monkeypatch.setenv(name, value)
    line = refused(capsys, "train", dataset, "--out", tmp_path / "run", *SETTINGS)
    assert "train.batch" in line and "3 ranks" in line
    monkeypatch.setenv("RANK", "two")
    assert "torchrun" in refused(capsys, "train", dataset, "--out", tmp_path / "run", *SETTINGS)


def test_more_ranks_than_gpus_are_refused_by_the_rank_that_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    told = {"WORLD_SIZE": "8", "RANK": "0", "LOCAL_RANK": "0", "LOCAL_WORLD_SIZE": "8"}
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    with pytest.raises(GoaltraceError, match=r"8 ranks .* 4 usable GPUs; .*--nproc-per-node=4"):
        own_device(torch.device("cuda"), from_environment())


@pytest.mark.parametrize("fault", ["MASTER_ADDR", "address already in use"])
def test_ranks_that_cannot_meet_are_told_why(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        for name, value in {"WORLD_SIZE": "2", "RANK": "0", "MASTER_PORT": str(taken.getsockname()[1])}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.delenv("MASTER_ADDR", raising=False)
        if fault != "MASTER_ADDR":
            monkeypatch.setenv("MASTER_ADDR", "127.0.0.1")
        joining = joined(from_environment(), torch.device("cpu"))
        with pytest.raises(GoaltraceError, match=f"rank 0: cannot meet the others .*{fault}.*torchrun"), joining:
            pass


def test_a_single_process_has_no_group(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    assert from_environment() == Ranks()
    assert Ranks().table([1.0, 2.0]).tolist() == [[1.0, 2.0]]
    assert not torch.distributed.is_initialized()


def test_torchrun_hands_every_option_on() -> None:
    """It looks for its own options, and for their beginnings, behind the command's name too."""
    from torch.distributed.run import get_args_parser

    parser = argparse.ArgumentParser()
    configure(parser)
    words = ["train", "DATASET", *(name for action in parser._actions for name in action.option_strings)]
    taken = get_args_parser().parse_args(["--nproc-per-node=2", "-m", "goaltrace", *words])
    assert taken.training_script_args == words
