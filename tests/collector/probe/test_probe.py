"""The probe finds nothing in a good recording, and finds what is wrong in one that was tampered with."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.probe.counter import BITS, LEFT, SQUARE, TOP
from collector.probe.judge import CountedKey, contradicts, judge, read_count
from collector.probe.run import run_scenario
from manifests.session import Action, Frame, SessionFolder
from tests.waiting import PATIENCE_S

MS = 1_000_000


def picture_of(count: int) -> np.ndarray:
    luma = np.full((64, 400), 90, np.uint8)
    for bit in range(BITS):
        x, lit = LEFT + bit * SQUARE, count >> bit & 1
        luma[TOP : TOP + SQUARE, x : x + SQUARE] = 235 if lit else 16
        luma[TOP + SQUARE : TOP + 2 * SQUARE, x : x + SQUARE] = 16 if lit else 235
    return luma


@given(st.integers(0, 2**BITS - 1))
def test_every_count_is_read_back(count: int) -> None:
    assert read_count(picture_of(count)) == count


def test_a_screen_without_the_counter_has_no_count() -> None:
    assert read_count(np.full((64, 400), 90, np.uint8)) is None


def frame(t0_ms: int, t1_ms: int) -> Frame:
    return Frame(index=0, t0_ns=t0_ms * MS, t1_ns=t1_ms * MS)


KEYS = [CountedKey(1, 100 * MS, 105 * MS), CountedKey(2, 200 * MS, 230 * MS), CountedKey(4, 300 * MS, 304 * MS)]


@pytest.mark.parametrize(
    ("t0_ms", "t1_ms", "count", "wrong"),
    [
        (90, 99, 0, False),
        (90, 99, 1, True),  # shows a key that the log places later
        (99, 101, 0, False),  # pressed during the grab: both are possible
        (99, 101, 1, False),
        (104, 106, 0, False),  # pressed, perhaps not drawn yet
        (106, 107, 0, True),  # lacks a key that was on the screen before
        (210, 220, 1, False),
        (231, 232, 1, True),
        (250, 251, 3, False),  # key 3 was not logged: no proof
        (290, 299, 4, True),
        (310, 311, 3, True),
    ],
)
def test_a_contradiction_is_what_cannot_have_been(t0_ms: int, t1_ms: int, count: int, wrong: bool) -> None:
    assert contradicts(frame(t0_ms, t1_ms), count, KEYS) == wrong


@pytest.fixture(scope="module")
def probed(xserver: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("probe") / "kept"
    run_scenario("idle", 5, display=xserver, fps=15, capture="auto", seed=1, keep=root)
    return root / "idle-0"


@pytest.mark.needs("xvfb", "ffmpeg")
def test_a_real_recording_has_no_contradiction(probed: Path) -> None:
    verdict = judge(probed)
    assert verdict.events > 15
    assert (verdict.contradictions, verdict.unreadable, verdict.unlogged, verdict.leaked) == (0, 0, 0, 0)


@pytest.mark.needs("xvfb", "ffmpeg")
@pytest.mark.parametrize("shift_ms", [-400, -100, -20, 20, 100, 400])
def test_times_that_are_off_are_found(probed: Path, tmp_path: Path, shift_ms: int) -> None:
    """The same session with its frames' times moved: the error of a recorder that stamps carelessly."""
    moved = tmp_path / "moved"
    moved.mkdir()
    for path in probed.iterdir():
        if path.is_file():
            (moved / path.name).write_bytes(path.read_bytes())
    folder = SessionFolder(moved)
    lines = [
        f.model_copy(update={"t0_ns": f.t0_ns + shift_ms * MS, "t1_ns": f.t1_ns + shift_ms * MS})
        for f in SessionFolder(probed).frames()
    ]
    folder.frames_path.write_text("".join(line.model_dump_json() + "\n" for line in lines))
    assert judge(moved).contradictions > 0


@pytest.mark.needs("xvfb", "ffmpeg")
def test_a_key_missing_from_the_log_is_found(probed: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut"
    cut.mkdir()
    for path in probed.iterdir():
        if path.is_file():
            (cut / path.name).write_bytes(path.read_bytes())
    folder = SessionFolder(cut)
    actions = folder.actions()
    index = next(i for i, a in enumerate(actions) if a.kind == "key_down")
    left: list[Action] = actions[:index] + actions[index + 1 :]
    folder.actions_path.write_text("".join(a.model_dump_json() + "\n" for a in left))
    assert judge(cut).unlogged == 1


def test_an_unknown_scenario_is_one_line() -> None:
    command = [sys.executable, "-m", "goaltrace", "probe", "--scenarios", "idel"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert done.returncode == 2
    assert "no scenario 'idel'" in done.stderr and done.stderr.count("\n") == 1


def test_a_display_that_is_not_there_is_one_line() -> None:
    command = [sys.executable, "-m", "goaltrace", "probe", "--display", ":4099", "--seconds", "2"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert done.returncode == 2
    assert "no X server answers" in done.stderr and "Traceback" not in done.stderr
