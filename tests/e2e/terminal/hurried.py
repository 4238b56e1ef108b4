"""Runs one instance of each terminal task as the scripted agent would, but without its pauses; prints what failed.

Run inside the terminal image by test_terminal_tasks_e2e: a person's pace is not what is tested there.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from collector.episodes.spec import EpisodeSpec
from collector.runner.terminal import run_episode
from collector.shell.typist import Typist
from manifests.errors import GoaltraceError
from manifests.task import builtin_tasks, load_task

_at_a_person_s_pace = Typist.sleep


def _hurry(typist: Typist, seconds: float) -> None:
    _at_a_person_s_pace(typist, min(seconds, 1) * 0.02)


def main(seed: int) -> int:
    setattr(Typist, "sleep", _hurry)  # noqa: B010
    failed = 0
    for name, path in builtin_tasks().items():
        task = load_task(path)
        if task.kind != "terminal":
            continue
        spec = EpisodeSpec.of(
            task.instantiate(seed), session_id=name, agent="scripted", fps=15, environment="docker"
        )  # fmt: skip
        try:
            manifest = run_episode(spec, Path(tempfile.mkdtemp()) / name)
            outcome, detail = manifest.outcome, manifest.outcome_detail
        except GoaltraceError as error:
            outcome, detail = "failure", str(error)
        if outcome != "success" or detail.startswith("step"):
            print(f"FAILED {name} {seed}: {outcome}, {detail}")
            failed += 1
    return failed


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
