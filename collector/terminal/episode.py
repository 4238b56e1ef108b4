"""One terminal episode, from a fresh home to a session folder; frames are drawn afterwards by `render`.

Needs nothing but the standard library, pydantic and PyYAML: it runs in the terminal image as it does on the host.
"""

from __future__ import annotations

import platform
import random
import subprocess
from pathlib import Path
from typing import Any

from collector.checks import check_task
from collector.episode import EpisodeSpec, say
from collector.images.system import image_versions
from collector.recording import Recording
from collector.setup import set_up
from collector.tapes.options import options_of
from collector.tapes.player import Player
from collector.tapes.shells import tape_home
from collector.terminal.geometry import frame_size
from collector.terminal.home import Home, bash, fresh_home, missing_tools
from collector.terminal.pty import Shell
from collector.terminal.random_keys import press_random_keys
from collector.terminal.sandbox import confine, give_up_rights
from collector.terminal.scripted import STEP_LIMIT_S, EpisodeOver, ScriptedAgent, Typist
from collector.watch import Watch, require_space
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
        if spec.tape is not None:
            home = tape_home(home, options_of(spec.tape.commands), spec.tape.commands)
        set_up(spec.task, home.path, home.environment)
        folder.mkdir(parents=True, exist_ok=True)
        require_space(folder, spec.min_free_bytes)
        width, height = frame_size(spec.task.columns, spec.task.rows)
        try:
            with Recording(
                folder, spec, clock="pty", width=width, height=height, cursor_in_pixels=True, versions=_versions()
            ) as recording:
                outcome, detail = _perform(spec, home, recording)
                recording.end(outcome, detail)
        except OSError as error:
            raise_if_full(error, folder)
            raise
    return recording.manifest


def _perform(spec: EpisodeSpec, home: Home, recording: Recording) -> tuple[Outcome, str]:
    """Act, then look at what is true; returns the outcome and its reason."""
    at_random = spec.agent == "random-fast"
    confined = at_random and spec.environment == "local"
    player = Player(spec.tape, recording) if spec.tape is not None else None
    shell = Shell(
        confine(home) if confined else home,
        recording,
        give_up_rights if confined else None,
        **_of_player(player) if player else {},
    )
    watch = Watch(recording)
    watch.start()
    try:
        problem = _act(spec, shell, Typist(shell, recording, watch), player)
    except EpisodeOver as over:
        if shell.failure is not None:
            raise shell.failure from None
        return "aborted", str(over)
    finally:
        watch.stop()
        shell.close()
    outcome, detail = check_task(spec.task, home.path, home.environment)
    say("check", outcome=outcome, detail=detail)
    if at_random:
        detail = f"random keys, no goal; {detail}"
    return outcome, f"{problem}; {detail}" if problem else detail


def _of_player(player: Player) -> dict[str, Any]:
    return {"listener": player.hear, "theme": player.theme, "shown": player.shown, "instead": player.instead}


def _act(spec: EpisodeSpec, shell: Shell, typist: Typist, player: Player | None) -> str | None:
    """Let the agent act; None, or which step failed. Raises `EpisodeOver`."""
    rng = random.Random(f"{spec.task.id}:{spec.agent}:{spec.seed}")
    if not shell.marks.wait_prompt(0, typist.left(STEP_LIMIT_S)):
        typist.require_time()
        raise EpisodeOver("the shell showed no prompt")
    if player is not None:
        player.run(shell, typist)
        return None
    typist.sleep(rng.uniform(0.4, 1.0))
    if spec.agent == "random-fast":
        press_random_keys(typist, rng)
        return None
    return ScriptedAgent(shell, typist, rng).run(spec.task.script)


def _versions() -> dict[str, str]:
    said = subprocess.run([bash(), "--version"], capture_output=True, text=True, errors="replace", check=False).stdout
    bash_version = said.partition("version ")[2].partition(" ")[0]
    return {"python": platform.python_version(), "bash": bash_version, **image_versions("terminal")}
