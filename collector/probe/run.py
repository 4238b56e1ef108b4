"""Runs a scenario where the recorder would run, in a container or on a display, and judges what came out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from collector.episodes.spec import CaptureChoice, EpisodeSpec
from collector.probe.judge import Verdict, judge
from collector.probe.scenario import COUNTER_LOG
from manifests.errors import GoaltraceError
from manifests.progress import ignore
from manifests.task import TaskManifest
from manifests.versions import SCHEMA_VERSION

if TYPE_CHECKING:
    from docker.models.containers import Container

    from collector.environments.docker import DockerEnvironment

SCENARIOS = {
    "idle": "an idle machine",
    "loaded": "with a busy loop on every core",
    "paused": "paused and resumed every two seconds",
    "drift": "for at least ten minutes",
    "six": "six recorders at once",
}
DRIFT_S = 600
_PATIENCE_S = 180
_SETTLE_S = 5
RECORDERS = 6


_TASK = {
    "schema_version": SCHEMA_VERSION, "id": "probe", "kind": "desktop", "family": "probe", "goal": "Count the keys",
    "script": [], "check": [],
}  # fmt: skip


OnSeconds = Callable[[float], None]
"""Called with the seconds that a recorder has recorded."""


def run_scenario(
    name: str, seconds: float, *, display: str | None, fps: float, capture: CaptureChoice, seed: int,
    system: str | None = None, keep: Path | None = None, on_seconds: OnSeconds = ignore,
) -> list[Verdict]:  # fmt: skip
    """The verdict of each recorder of one scenario; `display` None: in containers of `system`.

    `on_seconds` is called with the seconds that the first recorder has recorded, `keep` is a folder in which the
    sessions stay.
    Raises `GoaltraceError` when a recorder could not record.
    """
    seconds = max(seconds, DRIFT_S) if name == "drift" else seconds
    specs = [_spec(name, display, fps, capture, seed + number) for number in range(RECORDERS if name == "six" else 1)]
    with _folder(keep) as root, ThreadPoolExecutor(len(specs)) as pool:
        where = _on_display if display else _Containers(len(specs), system).run
        runs = [
            pool.submit(where, spec, root / f"{name}-{number}", name, seconds, on_seconds if number == 0 else ignore)
            for number, spec in enumerate(specs)
        ]
        for run in runs:
            run.result()
        return [judge(root / f"{name}-{number}") for number in range(len(specs))]


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        yield keep
        return
    with tempfile.TemporaryDirectory(prefix="goaltrace-probe-") as scratch:
        yield Path(scratch)


def _spec(name: str, display: str | None, fps: float, capture: CaptureChoice, seed: int) -> EpisodeSpec:
    task = TaskManifest.model_validate(_TASK)
    paused = name == "paused"  # only a person's recording can pause, and holds everything back for that
    return EpisodeSpec(
        session_id=uuid.uuid4().hex, episode_id=f"probe-{name}", task=task, parameters={},
        agent="human" if paused else "scripted", arm="probe", seed=seed, fps=fps, max_duration_s=7200,
        environment="display" if display else "docker", display=display, capture=capture,
        consent_id="p-probe" if paused else None,
    )  # fmt: skip


def _arguments(spec: Path, folder: str, name: str, seconds: float, seed: int) -> list[str]:
    return ["-m", "collector.probe.scenario", str(spec), folder, name, str(seconds), str(seed)]


def _on_display(spec: EpisodeSpec, folder: Path, name: str, seconds: float, on_seconds: OnSeconds) -> None:
    folder.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "spec.json"
        path.write_text(spec.model_dump_json(), encoding="utf-8")
        command = [sys.executable, *_arguments(path, str(folder), name, seconds, spec.seed)]
        environment = dict(os.environ) | {"DISPLAY": spec.display or ""}
        recorder = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace", env=environment
        )
        assert recorder.stdout is not None and recorder.stderr is not None
        try:
            for line in recorder.stdout:
                _report_seconds(line, on_seconds)
            errors = recorder.stderr.read().strip().splitlines()
        finally:
            if recorder.poll() is None:
                recorder.terminate()
            recorder.wait()
    if recorder.returncode != 0:
        raise GoaltraceError(f"probe, {name}: {errors[-1] if errors else f'exit status {recorder.returncode}'}")


class _Containers:
    """Each run in a container of its own, of the desktop image; all begin when all desktops are up."""

    def __init__(self, count: int, system: str | None) -> None:
        from collector.environments.docker import DockerEnvironment

        self._all_up = threading.Barrier(count)
        self._environment: DockerEnvironment = DockerEnvironment(system, partial(print, file=sys.stderr))
        self._environment.prepare({"desktop"})

    def run(self, spec: EpisodeSpec, folder: Path, name: str, seconds: float, on_seconds: OnSeconds) -> None:
        from collector.containers.confined import PYTHON
        from collector.containers.program import Program
        from collector.environments.docker import SOURCE, follow_recorder

        with self._begin_together(spec, folder) as container:
            arguments = _arguments(Path("/tmp/spec.json"), "/session", name, seconds, spec.seed)
            scenario = Program(container, [PYTHON, *arguments], SOURCE, takes_input=False)
            follow_recorder(scenario, container, spec, lambda event: on_seconds(float(event.get("seconds", 0))))

    @contextmanager
    def _begin_together(self, spec: EpisodeSpec, folder: Path) -> Iterator[Container]:
        try:
            described = self._environment.describe(spec)
            with self._environment.container(described, folder, also=(COUNTER_LOG,)) as container:
                self._all_up.wait(_PATIENCE_S)
                if self._all_up.parties > 1:
                    time.sleep(_SETTLE_S)  # a desktop that has just come up is busy for a while yet
                yield container
        except threading.BrokenBarrierError:
            raise GoaltraceError("the desktops were not all up: see the first error, or probe fewer at once") from None
        except BaseException:
            self._all_up.abort()
            raise


def _report_seconds(line: str, on_seconds: OnSeconds) -> None:
    event = json.loads(line)
    on_seconds(float(event.get("seconds", 0)))


def in_short(verdicts: Sequence[Verdict]) -> dict[str, object]:
    """One scenario as a JSON object; with several recorders: sums, and the worst of each time."""
    found: dict[str, object] = {
        name: sum(getattr(verdict, name) for verdict in verdicts)
        for name in ("events", "frames", "contradictions", "unreadable", "leaked", "unlogged", "dropped")
    }
    for name in ("bracket_ms", "input_lag_ms", "lateness_ms"):
        spreads = [value for verdict in verdicts if (value := getattr(verdict, name)) is not None]
        worst = {part: max(getattr(one, part) for one in spreads) for part in ("p50", "p95", "p99", "max")}
        found[name] = worst if spreads else None
    if len(verdicts) > 1:
        found["recorders"] = len(verdicts)
    return found
