"""The recorder's own process, beside the screen: `python -m collector.runner SPEC.json SESSION_FOLDER`.

The same program runs in a container and, for terminals, on the host. It reports progress as JSON lines.
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from collector.episodes.progress import report_progress
from collector.episodes.spec import EpisodeSpec, read_spec
from manifests.errors import GoaltraceError
from manifests.permissions import OTHERS_CANNOT_WRITE, OWNER_ONLY, umask_at_least
from manifests.session import SessionManifest


def main(spec_path: str, folder: str) -> int:
    """Record one episode into `folder`; 0 when the session is complete, whatever its outcome."""
    spec = read_spec(Path(spec_path))
    for number in (signal.SIGINT, signal.SIGTERM):  # a stop from the host ends like Ctrl-C
        signal.signal(number, signal.default_int_handler)
    try:
        with umask_at_least(OWNER_ONLY if spec.by_person else OTHERS_CANNOT_WRITE):
            session = _run_episode(spec, Path(folder))
    except GoaltraceError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        report_progress("end", outcome="aborted", detail="stopped")
        return 130
    if session is None:
        report_progress("end", outcome="discarded", detail="thrown away", invalid=[])
    else:
        report_progress("end", outcome=session.outcome, detail=session.outcome_detail, invalid=session.invalid_reasons)
    return 0


def _run_episode(spec: EpisodeSpec, folder: Path) -> SessionManifest | None:
    if spec.task.kind == "terminal":
        from collector.runner.terminal import run_episode as run_terminal

        return run_terminal(spec, folder)
    from collector.runner.desktop import run_episode as run_desktop

    return run_desktop(spec, folder)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
