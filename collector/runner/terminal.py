"""One terminal episode, from a fresh home to a session folder; frames are drawn afterwards by `render`.

Needs nothing but the standard library, pydantic and PyYAML: it runs in the terminal image as it does on the host.
"""

from __future__ import annotations

import platform
import subprocess
from pathlib import Path

from collector.agent_registry import agent_entry
from collector.agents.terminal.base import TerminalAgent
from collector.containers.system import image_versions
from collector.episodes.endings import EpisodeOver
from collector.episodes.progress import report_progress
from collector.episodes.spec import EpisodeSpec
from collector.recording.session import Recording
from collector.recording.watch import Watch, require_space
from collector.runner.checks import check_task
from collector.runner.setup import set_up
from collector.shell.home import Home, bash, fresh_home, missing_tools
from collector.shell.pty import Shell
from collector.shell.typist import STEP_LIMIT_S, Typist
from collector.terminal.geometry import frame_size
from manifests.errors import GoaltraceError
from manifests.files import raise_if_full
from manifests.session import Outcome, SessionManifest


def run_episode(spec: EpisodeSpec, folder: Path) -> SessionManifest:
    """Record one episode of a terminal task into `folder`.

    Returns the session's manifest: outcome success or failure as the task's check saw it, aborted with the reason
    when time ran out or the shell ended. Raises `GoaltraceError` before anything is recorded when a tool the task
    needs is missing or its setup fails, and when the disk is full.
    """
    with fresh_home() as home:
        missing = missing_tools(spec.task.requires, home)
        if missing:
            raise GoaltraceError(
                f"task {spec.task.id}: needs {', '.join(missing)}, not found on this machine; "
                "install it or record with --env docker"
            )
        agent: TerminalAgent = agent_entry(spec.agent).load("terminal")(spec)
        home = agent.home(home)
        set_up(spec.task, home.path, home.environment)
        folder.mkdir(parents=True, exist_ok=True)
        require_space(folder, spec.min_free_bytes)
        width, height = frame_size(spec.task.columns, spec.task.rows)
        try:
            with Recording(
                folder, spec, clock="pty", width=width, height=height, cursor_in_pixels=True, versions=_versions()
            ) as recording:
                outcome, detail = _perform(agent, home, recording)
                recording.end(outcome, detail)
        except OSError as error:
            raise_if_full(error, folder)
            raise
    return recording.manifest


def _perform(agent: TerminalAgent, home: Home, recording: Recording) -> tuple[Outcome, str]:
    """Act, then look at what is true; returns the outcome and its reason."""
    shell = agent.open(home, recording)
    watch = Watch(recording)
    watch.start()
    try:
        problem = _act(agent, shell, Typist(shell, recording, watch))
    except EpisodeOver as over:
        if shell.failure is not None:
            raise shell.failure from None
        return "aborted", str(over)
    finally:
        watch.stop()
        shell.close()
    outcome, detail = check_task(recording.spec.task, home.path, home.environment)
    report_progress("check", outcome=outcome, detail=detail)
    return outcome, "; ".join(part for part in (problem, agent.remark, detail) if part)


def _act(agent: TerminalAgent, shell: Shell, typist: Typist) -> str | None:
    """Let the agent act; None, or which step failed. Raises `EpisodeOver`."""
    if not shell.marks.wait_prompt(0, typist.seconds_left(STEP_LIMIT_S)):
        typist.require_time()
        raise EpisodeOver("the shell showed no prompt")
    return agent.act(shell, typist)


def _versions() -> dict[str, str]:
    output = subprocess.run([bash(), "--version"], capture_output=True, text=True, errors="replace", check=False).stdout
    bash_version = output.partition("version ")[2].partition(" ")[0]
    return {"python": platform.python_version(), "bash": bash_version, **image_versions("terminal")}
