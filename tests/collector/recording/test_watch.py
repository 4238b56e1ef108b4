"""A recording ends by itself, with the reason, when the disk or the time runs out."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from collector.recording.session import Recording
from collector.recording.watch import Sleep, Watch, require_space
from manifests.errors import GoaltraceError
from tests.collector.desktop.test_xserver import open_recording
from tests.waiting import comes


def reason_of(recording: Recording) -> str:
    watch = Watch(recording)
    watch.start()
    comes(lambda: watch.reason is not None)
    watch.stop()
    recording.end("aborted", watch.reason or "")
    return watch.reason or ""


def test_too_little_space_is_a_reason_to_end(tmp_path: Path) -> None:
    recording = open_recording(tmp_path / "s")
    recording.spec.min_free_bytes = 2**60
    assert "GiB to be kept" in reason_of(recording)
    (event,) = recording.folder.events()
    assert event.kind == "stop" and "free on the disk" in event.reason
    assert recording.folder.read_manifest().events == 1


def test_time_that_is_over_is_a_reason_to_end(tmp_path: Path) -> None:
    recording = open_recording(tmp_path / "s")
    recording.spec.max_duration_s = 0.1
    assert reason_of(recording).endswith("s are over")


def test_nothing_begins_on_a_disk_that_is_nearly_full(tmp_path: Path) -> None:
    require_space(tmp_path, 1)
    with pytest.raises(GoaltraceError, match="give a lower --min-free"):
        require_space(tmp_path, 2**60)


def test_a_suspended_machine_is_noticed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """CLOCK_BOOTTIME is moved here, since a test cannot suspend the machine it runs on."""
    boot, real = {"ns": 0}, time.clock_gettime_ns
    monkeypatch.setattr(
        time, "clock_gettime_ns", lambda clock: real(clock) + (boot["ns"] if clock == time.CLOCK_BOOTTIME else 0)
    )
    sleep = Sleep()
    assert sleep.event(1) is None
    boot["ns"] = 90 * 10**9
    event = sleep.event(2)
    assert event is not None and event.kind == "sleep" and event.t_ns == 2
    assert abs(event.gap_ns - 90 * 10**9) < 10**7
    assert sleep.event(3) is None


def test_a_thread_that_waits_for_a_core_between_two_clocks_is_no_suspended_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real, stalls = time.clock_gettime_ns, iter([0.6])

    def late(clock: int) -> int:
        now = real(clock)
        time.sleep(next(stalls, 0))
        return now

    monkeypatch.setattr(time, "clock_gettime_ns", late)
    assert Sleep().event(1) is None
