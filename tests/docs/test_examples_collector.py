"""The examples of recording run as they stand in the documentation."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from manifests.clip_io import ClipReader

ROOT = Path(__file__).parents[2]


@pytest.mark.needs("ffmpeg")
def test_a_terminal_is_recorded_and_packed(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "docs/examples/record_terminal.py", tmp_path], cwd=ROOT, capture_output=True, text=True,
        check=False, timeout=200, env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert re.match(
        r"terminal-first-note-scripted-0003: success in [\d.]+ s\n.*/dataset: \d+ clips, \d+ frames, \d+ actions\n$",
        done.stdout,
    ), done.stdout
    (goal,) = {row["goal"] for row in ClipReader(tmp_path / "dataset").index().to_pylist()}
    assert re.fullmatch(r"Write \w+ \w+ into ~/note.txt, and look at it\.", goal)
