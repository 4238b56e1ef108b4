"""Recording from Python: tasks in, session folders and a typed result out. `goaltrace record` calls it."""

from __future__ import annotations

import os
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from collector.agent_registry import agent_entry, recorded_agents
from collector.campaign import Campaign, EpisodeResult, require_sessions_folder
from collector.environments.choose import Unattended, environment_of
from collector.episodes.spec import CaptureChoice, EpisodeSpec
from collector.ranges import require_between, require_one_of
from collector.recording.watch import require_space
from manifests.errors import GoaltraceError
from manifests.progress import OnProgress, Progress, ignore
from manifests.task import TaskManifest, find_task

TaskLike = TaskManifest | str | os.PathLike[str]
"""A task itself, its id, or the .yaml file that holds it."""


@dataclass(frozen=True)
class RecordResult:
    """What was recorded, or had been recorded before."""

    out: Path
    episodes: tuple[EpisodeResult, ...]
    """In the order in which they ended."""
    consent_id: str | None = None
    """The pseudonym of the person who was recorded; None for agents."""

    @property
    def aborted(self) -> bool:
        """Whether no session came to its end."""
        return all(episode.outcome == "aborted" for episode in self.episodes)


def record(
    tasks: TaskLike | Iterable[TaskLike],
    *,
    out: str | os.PathLike[str],
    agent: str = "scripted",
    env: Unattended = "docker",
    episodes: int = 1,
    workers: int = 1,
    seed: int = 0,
    fps: float = 15.0,
    max_duration_s: float | None = None,
    min_free_gib: float = 2.0,
    capture: CaptureChoice = "auto",
    system: str | None = None,
    on_result: Callable[[EpisodeResult], object] = ignore,
    on_progress: OnProgress = ignore,
) -> RecordResult:
    """Record `episodes` of each task into `out`, `workers` at a time; what is complete there is not recorded again.

    `on_result` is called with each episode as it ends, `on_progress` counts them, both in the thread that called.
    Ctrl-C, or an exception in one of them, ends the running sessions cleanly, removes their containers and is raised;
    the same call goes on where it stopped. Raises `GoaltraceError` for options and tasks that cannot be recorded.
    """
    folder = Path(out)
    require_one_of("--agent", agent, [entry.name for entry in recorded_agents() if not entry.person])
    require_between("--workers", workers, 1, 256)
    specs = plan_recording(
        tasks, agent=agent, env=env, episodes=episodes, seed=seed, fps=fps, max_duration_s=max_duration_s,
        min_free_gib=min_free_gib, capture=capture,
    )  # fmt: skip
    require_sessions_folder(folder)
    require_space(folder, int(min_free_gib * 2**30))
    notes: deque[str] = deque()
    environment = environment_of(env, system, notes.append)
    environment.prepare({spec.task.kind for spec in specs})
    ended: list[EpisodeResult] = []
    seconds: dict[str, float] = {}

    def progress(*messages: str) -> None:
        lasted = " ".join(f"{s:.0f}s" for s in seconds.values())
        noted = [notes.popleft() for _ in range(len(notes))]
        for message in (*noted, *messages) or ("",):
            on_progress(Progress("recording", len(ended), len(specs), "episode", message, lasted))

    def done(result: EpisodeResult) -> None:
        ended.append(result)
        seconds.pop(result.episode_id, None)
        on_result(result)
        progress()

    def report(episode: str, event: dict[str, Any]) -> None:
        if event.get("event") == "time":
            seconds[episode] = float(event["seconds"])
            progress()
        elif event.get("event") == "warning" and event.get("text"):
            progress(f"warning: {episode}: {event['text']}")

    progress()
    Campaign(environment, folder, workers).run(specs, done, report)
    return RecordResult(folder, tuple(ended))


def plan_recording(
    tasks: TaskLike | Iterable[TaskLike],
    *,
    agent: str = "scripted",
    env: Unattended = "docker",
    episodes: int = 1,
    seed: int = 0,
    fps: float = 15.0,
    max_duration_s: float | None = None,
    min_free_gib: float = 2.0,
    capture: CaptureChoice = "auto",
) -> list[EpisodeSpec]:
    """The episodes that `record` would record with these options, in order; nothing is started or written."""
    require_one_of("--agent", agent, [entry.name for entry in recorded_agents()])
    require_one_of("--env", env, get_args(Unattended))
    require_between("--episodes", episodes, 1, 100_000)
    require_between("--fps", fps, 1, 60)
    require_between("--min-free", min_free_gib, 0, 1e6)
    require_one_of("--capture", capture, get_args(CaptureChoice))
    chosen, entry = _tasks(tasks), agent_entry(agent)
    for task in chosen:
        if not entry.acts_on(task.kind):
            raise GoaltraceError(f"task {task.id}: agent {agent} does not act on {task.kind}s; choose another --agent")
        if entry.scripted and not task.script:
            raise GoaltraceError(f"task {task.id}: has no script for an agent; record it with --agent human")
    return [
        EpisodeSpec.of(
            task.instantiate(seed + number), session_id=uuid.uuid4().hex, agent=agent, fps=fps, environment=env,
            max_duration_s=max_duration_s, min_free_bytes=int(min_free_gib * 2**30), capture=capture,
        )
        for number in range(episodes)
        for task in chosen
    ]  # fmt: skip


def _tasks(tasks: TaskLike | Iterable[TaskLike]) -> Sequence[TaskManifest]:
    given = [tasks] if isinstance(tasks, TaskManifest | str | os.PathLike) else list(tasks)
    if not given:
        raise GoaltraceError("which task? give one or more of: goaltrace tasks")
    return [manifest_of(task) for task in given]


def manifest_of(task: TaskLike) -> TaskManifest:
    """The task that is meant; `GoaltraceError` where there is none."""
    return task if isinstance(task, TaskManifest) else find_task(os.fspath(task))
