"""What a command shows of progress: bars on a terminal, lines in a file."""

from __future__ import annotations

import io
import sys

import pytest

from manifests.progress import Progress
from trainer.commands.bars import shown
from trainer.progress import Counter, TrainingProgress

STEP = TrainingProgress(
    "training", 1, 4, "step", step=11, step_loss=0.5, loss=0.25, tokens_per_second=1234.0, waiting=0.02, mfu=0.31,
    gpu_gib=2.0, clips_left_out=3,
)  # fmt: skip


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def work(stream: io.StringIO, monkeypatch: pytest.MonkeyPatch, begun: bool) -> str:
    monkeypatch.setattr(sys, "stderr", stream)
    with shown(begun) as on_progress:
        on_frame = Counter(on_progress, "fitting", "frame", 2)
        on_frame()
        on_progress(Progress("decoding", message="warning: left out: clip x"))
        on_bytes = Counter(on_progress, "clips/0.parquet", "B", 5000)
        on_bytes(5000)
        on_frame()
        on_progress(TrainingProgress("training", 0, 4, "step", step=10))
        on_progress(STEP)
        on_progress(STEP)
    return stream.getvalue()


def test_a_file_gets_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    line = "step 11: loss 0.5000, 1,234 tokens/s, MFU 31.0%, 2.0% waiting for data\n"  # the next one in a minute
    warning = "warning: left out: clip x\n"
    assert work(io.StringIO(), monkeypatch, begun=True) == f"fitting ...\n{warning}{line}"
    assert work(io.StringIO(), monkeypatch, begun=False) == f"{warning}{line}"


def test_a_terminal_gets_bars(monkeypatch: pytest.MonkeyPatch) -> None:
    out = work(Terminal(), monkeypatch, begun=True)
    assert "fitting ..." not in out and "fitting: 100%" in out and "2/2" in out
    assert "warning: left out: clip x\n" in out and "clips/0.parquet" in out
    for figure in ("loss=0.2500", "tok/s=1,234", "left out=3", "MFU=31.0%", "waiting=2%", "GPU=2.0 GiB"):
        assert figure in out
