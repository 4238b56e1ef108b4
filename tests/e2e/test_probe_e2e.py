"""The probe as a user runs it: every scenario, both back ends, in a container."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from collector.probe.run import in_short, run_scenario

pytestmark = pytest.mark.e2e


@pytest.mark.needs("xvfb", "ffmpeg")
@pytest.mark.parametrize("capture", ["xserver", "mss"])
def test_every_scenario_is_clean_with_either_back_end(xserver: str, capture: str) -> None:
    for name in ("loaded", "paused"):
        (verdict,) = run_scenario(name, 5, display=xserver, fps=15, capture=capture, seed=2)  # type: ignore[arg-type]
        short = in_short([verdict])
        assert short["events"], name
        assert not any(short[key] for key in ("contradictions", "unreadable", "leaked", "unlogged")), (name, short)


@pytest.mark.needs("xvfb", "ffmpeg")
def test_the_command_prints_one_json_object_a_scenario(xserver: str) -> None:
    command = [
        sys.executable,
        "-m",
        "goaltrace",
        "probe",
        "--display",
        xserver,
        "--seconds",
        "3",
        "--scenarios",
        "idle",
    ]
    done = subprocess.run([*command, "--json"], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert set(found) == {"idle"}
    assert set(found["idle"]["bracket_ms"]) == {"p50", "p95", "p99", "max"} == set(found["idle"]["input_lag_ms"])
    assert found["idle"]["contradictions"] == 0 < found["idle"]["events"]


@pytest.mark.needs("docker", "desktop", "ffmpeg")
def test_in_a_container_the_recorder_is_exact_also_when_six_run_at_once() -> None:
    for name in ("idle", "six"):
        verdicts = run_scenario(name, 10, display=None, fps=15, capture="auto", seed=3)
        short = in_short(verdicts)
        assert len(verdicts) == (6 if name == "six" else 1)
        assert all(verdict.events > 20 for verdict in verdicts)
        assert not any(short[key] for key in ("contradictions", "unreadable", "leaked", "unlogged")), (name, short)
