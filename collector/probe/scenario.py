"""One scenario, beside the screen: the counter counts while the recorder records.

`python -m collector.probe.scenario SPEC.json FOLDER NAME SECONDS SEED` leaves a session and counter.jsonl in FOLDER.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from collector.desktop.capture import Capture
from collector.desktop.input_log import InputLog
from collector.episodes.progress import report_progress
from collector.episodes.spec import read_spec
from collector.recording.session import Recording
from manifests.errors import GoaltraceError

COUNTER_LOG = "counter.jsonl"
_BURN = "while True: pass"


def main(spec_path: str, folder: str, name: str, seconds: str, seed: str) -> int:
    spec = read_spec(Path(spec_path))
    display = spec.display or os.environ.get("DISPLAY")
    burners = [
        subprocess.Popen([sys.executable, "-c", _BURN])
        for _ in range(os.cpu_count() or 1 if name == "loaded" else 0)
    ]  # fmt: skip
    try:
        with Recording(
            Path(folder), spec, clock="xserver", width=1, height=1, cursor_in_pixels=True, versions={}
        ) as recording:
            capture, inputs = Capture(recording, display, spec.fps), InputLog(recording, display)
            capture.start()
            inputs.start()
            capture.started.wait(10)
            try:
                _count(recording, capture, name, float(seconds), seed)
            finally:
                capture.stop()
                inputs.stop()
            if capture.error is not None:
                raise capture.error
            recording.end("unverified", f"probe, {name}", capture.dropped, inputs.problems, inputs.lags)
    except GoaltraceError as error:
        print(error, file=sys.stderr)
        return 2
    finally:
        for burner in burners:
            burner.kill()
            burner.wait()
    return 0


def _count(recording: Recording, capture: Capture, name: str, seconds: float, seed: str) -> None:
    log = recording.folder.path / COUNTER_LOG
    display = recording.spec.display
    environment = dict(os.environ) | ({"DISPLAY": display} if display else {})
    counter = subprocess.Popen(
        [sys.executable, "-m", "collector.probe.counter", str(seconds), seed, str(log)],
        stderr=subprocess.PIPE, text=True, errors="replace", env=environment,
    )  # fmt: skip
    turn = 0
    while counter.poll() is None:
        if capture.error is not None:
            counter.kill()
            counter.wait()
            return  # the caller says why
        time.sleep(0.1)
        report_progress("time", seconds=round(recording.now_ns() / 1e9, 1))
        turn += 1
        if name == "paused" and turn % 20 == 0:  # every two seconds
            recording.gate.toggle_pause(recording.now_ns(), "probe")
    if counter.returncode != 0:
        assert counter.stderr is not None
        errors = counter.stderr.read().strip().splitlines()
        raise GoaltraceError(f"the counter did not run: {errors[-1] if errors else 'no message'}")


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
