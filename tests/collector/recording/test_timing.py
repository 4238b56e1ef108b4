"""A recording that did not keep up says so while it is made and afterwards, and is left out of data sets."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from collector.campaign import result_of
from collector.packing.pack import pack
from collector.packing.recorded_session import why_left_out
from collector.recording.timing import BAD, LONGEST_GAP_S, MOST_DROPPED, Timing, timing_reasons
from manifests.clip_io import ClipReader
from manifests.errors import GoaltraceError
from manifests.files import read_jsonl
from manifests.session import Action, Frame, SessionFolder

S = 10**9


def keys(*times_ns: int) -> list[Action]:
    return [Action(seq=n, t_ns=t, kind="key_down", key="abcdefghijkl"[n % 12]) for n, t in enumerate(times_ns)]


def fed(dropped: list[int], fps: float = 15.0) -> Timing:
    timing, t_ns = Timing(fps), 0
    for missed in dropped:
        t_ns += round((missed + 1) * S / fps)
        timing.frame(t_ns, missed)
    return timing


def test_a_machine_that_drops_most_ticks_makes_no_valid_session() -> None:
    """As it was met: 1,083 of 1,400 ticks."""
    (reason,) = fed([3] * 300 + [9] * 17 + [30]).reasons()
    assert reason.startswith(BAD + "1,083 of 1,401 ticks dropped (77%")


def test_a_busy_moment_is_no_bad_session() -> None:
    assert fed([0] * 500 + [10, 5, 10] + [0] * 500).reasons() == []
    assert fed([14] + [0] * 3).reasons() == [], "the beginning of a short one may be slow"


def test_a_long_gap_is_named_by_its_seconds() -> None:
    assert fed([0] * 400 + [round(62.9 * 15) - 1] + [0] * 5000).reasons() == [
        f"{BAD}no frame for 62.9 s (at most {LONGEST_GAP_S:g} s is fair)"
    ]


def test_keys_of_one_millisecond_are_not_typed_by_fingers() -> None:
    timing = Timing(15)
    for action in keys(*range(0, 20 * S, S), *[30 * S] * 9):
        timing.action(action)
    (reason,) = timing.reasons()
    assert reason.startswith(BAD + "9 of 29 keys within a millisecond")


def test_chords_and_what_a_vnc_server_presses_along_are_fine() -> None:
    timing = Timing(15)
    for n in range(50):
        for key in ("Shift_L", "Control_L", "Caps_Lock", "a"):
            timing.action(Action(seq=n, t_ns=n * S, kind="key_down", key=key))
        timing.action(Action(seq=n, t_ns=n * S, kind="key_down", key="b"))
        for _ in range(5):
            timing.action(Action(seq=n, t_ns=n * S, kind="key_down", key="b", repeat=True))
    assert timing.reasons() == []


def test_a_warning_comes_while_it_lasts_and_goes_when_it_is_over() -> None:
    timing = fed([2] * 40)
    now_ns = 40 * 3 * S // 15
    assert "80 of the last 120 pictures were not taken" in timing.warning(now_ns)
    assert "no picture for 5 s" in timing.warning(now_ns + 5 * S)
    for n in range(200):
        timing.frame(now_ns + n * S // 15, 0)
    assert timing.warning(now_ns + 200 * S // 15) == ""
    timing.paused()
    assert timing.warning(now_ns + 900 * S) == "", "a pause has no pictures"


@pytest.fixture(scope="module")
def starved(xserver: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[SessionFolder, list[str]]:
    """A real recording whose recorder hardly ever gets a core: stopped and continued; and what it said meanwhile."""
    from collector.episodes.spec import EpisodeSpec
    from manifests.task import find_task

    root = tmp_path_factory.mktemp("starved")
    instance = find_task("desktop-editor-note").instantiate(1)
    bare = instance.manifest.model_copy(update={"setup": [], "script": [], "check": [], "requires": []})
    instance = instance.model_copy(update={"manifest": bare})
    spec = EpisodeSpec.of(instance, session_id="s", agent="random-fast", fps=15, environment="local", min_free_bytes=0)
    (root / "spec.json").write_text(spec.model_copy(update={"width": 640, "height": 480}).model_dump_json())
    command = [sys.executable, "-m", "collector.runner", str(root / "spec.json"), str(root / "s")]
    with ExitStack() as stack:
        recorder = stack.enter_context(
            subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "HOME": str(root)})
        )
        assert recorder.stdout is not None
        rng = random.Random(1)
        while not (root / "s/frames.jsonl").exists() or (root / "s/frames.jsonl").stat().st_size < 500:
            time.sleep(0.05)
        until = time.monotonic() + 8
        while time.monotonic() < until:
            recorder.send_signal(signal.SIGSTOP)
            time.sleep(rng.uniform(0.6, 0.9))
            recorder.send_signal(signal.SIGCONT)
            time.sleep(0.1)
        said = recorder.stdout.read()
        assert recorder.wait(90) == 0
    warnings = [json.loads(line) for line in said.splitlines()]
    return SessionFolder(root / "s"), [line["text"] for line in warnings if line["event"] == "warning"]


@pytest.mark.needs("xvfb", "ffmpeg")
def test_it_says_so_while_it_is_made(starved: tuple[SessionFolder, list[str]]) -> None:
    _, warnings = starved
    assert "the machine is too busy" in warnings[0] and warnings[-1] == ""


@pytest.mark.needs("xvfb", "ffmpeg")
def test_its_verdict_says_so_and_it_is_packed_only_when_asked(
    starved: tuple[SessionFolder, list[str]], tmp_path: Path
) -> None:
    session, _ = starved
    manifest = session.read_manifest()
    (reason,) = manifest.invalid_reasons
    assert reason.startswith(BAD) and "ticks dropped" in reason
    assert reason in result_of(session).detail
    assert manifest.dropped > MOST_DROPPED * (manifest.frames + manifest.dropped)
    reason_given = why_left_out(session) or ""
    assert reason in reason_given and "--keep-bad-timing" in reason_given
    with pytest.raises(GoaltraceError, match="ticks dropped"):
        pack([session], out=tmp_path / "none")
    kept = pack([session], out=tmp_path / "kept", keep_bad_timing=True).manifest
    assert kept.counts.sessions == 1 and kept.lineage[0].parameters["keep_bad_timing"] is True
    rows = ClipReader(tmp_path / "kept").index(["invalid_reasons"]).to_pylist()
    assert {tuple(row["invalid_reasons"]) for row in rows} == {(reason,)}, "each clip says why not to trust it"


@pytest.mark.needs("xvfb", "ffmpeg")
def test_a_session_of_an_older_release_is_judged_by_its_logs(starved: tuple[SessionFolder, list[str]]) -> None:
    session, _ = starved
    manifest = session.read_manifest()
    older = manifest.model_copy(update={"invalid_reasons": []})
    frames = read_jsonl(session.frames_path, Frame)
    assert timing_reasons(older, frames, session.actions()) == manifest.invalid_reasons
    assert timing_reasons(older.model_copy(update={"kind": "terminal"}), frames, []) == []
    calm = older.model_copy(update={"keep_ns": (frames[-3].t0_ns, frames[-1].t1_ns)})
    assert timing_reasons(calm, frames, session.actions()) == [], "a review may keep the part that is sound"
