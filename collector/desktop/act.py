"""The agent's own process: acting must never delay the recorder's threads.

`python -m collector.desktop.act SPEC.json SESSION_FOLDER ORIGIN_NS` acts on $DISPLAY and appends to
intents.jsonl. Exit status 0: done; 3: a step could not be done, its reason on standard error.
"""

from __future__ import annotations

import sys
from pathlib import Path
from time import monotonic_ns

from collector.agents.random_fast import RandomFastAgent
from collector.agents.scripted import ScriptedAgent, StepFailed
from collector.episode import read_spec
from collector.recording import AppendLog
from manifests.errors import GoaltraceError
from manifests.session import SessionFolder

RANDOM_S = 20.0
GAVE_UP = 3


def main(spec_path: str, folder: str, origin_ns: str) -> int:
    spec = read_spec(Path(spec_path))
    log = AppendLog(SessionFolder(Path(folder)).intents_path)
    origin = int(origin_ns)

    def now_ns() -> int:
        return monotonic_ns() - origin

    try:
        if spec.agent == "random-fast":
            seconds = min(RANDOM_S, spec.max_duration_s)
            RandomFastAgent(f"{spec.task.id}:{spec.seed}", seconds, now_ns, log.write).run()
        else:
            ScriptedAgent(spec.task, spec.seed, now_ns, log.write).run()
    except (StepFailed, GoaltraceError) as error:
        print(error, file=sys.stderr)
        return GAVE_UP
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
