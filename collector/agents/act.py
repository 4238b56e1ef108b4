"""The agent's own process: acting must never delay the recorder's threads.

`python -m collector.agents.act SPEC.json SESSION_FOLDER ORIGIN_NS` acts on $DISPLAY and appends to
intents.jsonl. Exit status 0: done; 3: a step could not be done, its reason on standard error.
"""

from __future__ import annotations

import sys
from pathlib import Path
from time import monotonic_ns

from collector.agent_registry import agent_entry
from collector.agents.desktop.base import DesktopAgent
from collector.episodes.endings import StepFailed
from collector.episodes.spec import read_spec
from collector.recording.append_log import AppendLog
from manifests.errors import GoaltraceError
from manifests.session import SessionFolder

GAVE_UP = 3


def main(spec_path: str, folder: str, origin_ns: str) -> int:
    spec = read_spec(Path(spec_path))
    log = AppendLog(SessionFolder(Path(folder)).intents_path)
    origin = int(origin_ns)

    def now_ns() -> int:
        return monotonic_ns() - origin

    try:
        agent: DesktopAgent = agent_entry(spec.agent).load("desktop")(spec, now_ns, log.write)
        agent.run()
    except (StepFailed, GoaltraceError) as error:
        print(error, file=sys.stderr)
        return GAVE_UP
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
