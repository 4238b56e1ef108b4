"""A person works in a container's desktop, seen through a page on 127.0.0.1 where they agree, begin and end."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from collector.campaign import EpisodeResult, recorded_before, require_sessions_folder
from collector.episodes.spec import CaptureChoice, EpisodeSpec
from collector.human.consent import new_consent_id, require_consent_id
from collector.record import RecordResult, TaskLike, plan_recording
from collector.recording.watch import require_space
from manifests.errors import GoaltraceError
from manifests.permissions import OWNER_ONLY, umask_at_least
from manifests.progress import ignore
from manifests.session import SessionFolder

if TYPE_CHECKING:
    from collector.human.visit import Visit

PERSON_S = 600.0
"""A person's time for a task unless they are given another; the tasks' own limits are made for scripts."""


@dataclass(frozen=True, kw_only=True)
class BrowserOptions:
    """How a person is recorded in a container's desktop."""

    out: Path
    """Folder of sessions."""
    episodes: int = 1
    """Of each task."""
    seed: int = 0
    """Of the first episode; the next is seed + 1."""
    fps: float = 15.0
    max_duration_s: float = PERSON_S
    """Of one episode."""
    min_free_gib: float = 2.0
    capture: CaptureChoice = "auto"
    system: str | None = None
    """Chooses among images of several systems."""
    consent_id: str | None = None
    """The person's pseudonym; None: a new one."""
    redact: tuple[str, ...] = ()
    """Strings of the person's own, to be taken out of what they type as well."""
    port: int = 0
    """Of the page; 0: any free one."""
    open_browser: bool = True
    """Open the page in a browser where there is a screen for one."""


def record_in_browser(
    tasks: TaskLike | Iterable[TaskLike],
    options: BrowserOptions,
    *,
    on_page: Callable[[str], object],
    on_result: Callable[[EpisodeResult], object] = ignore,
    on_note: Callable[[str], object] = ignore,
) -> RecordResult:
    """Record `tasks`, one after another, with the person who opens the page; what they do is for this user alone.

    `on_page` gets the page's address, which is for the person alone, `on_result` each session as it ends, and
    `on_note`, in any thread, what is worth knowing of the containers. Ctrl-C (and, in the main thread, SIGTERM and
    SIGHUP) ends the running session cleanly, removes its container and raises KeyboardInterrupt. Raises
    `GoaltraceError` for what people cannot record.
    """
    from collector.environments.docker import DockerEnvironment
    from collector.human.visit import Visit

    with umask_at_least(OWNER_ONLY):
        require_sessions_folder(options.out)
        require_space(options.out, int(options.min_free_gib * 2**30))
        if options.consent_id is not None:
            require_consent_id(options.consent_id)
        consent_id = options.consent_id or new_consent_id()
        specs = _specs(tasks, consent_id, options)
        environment = DockerEnvironment(options.system, on_note)
        environment.prepare({"desktop"})
        ended: list[EpisodeResult] = []

        def done(result: EpisodeResult) -> None:
            ended.append(result)
            on_result(result)

        left: list[EpisodeSpec] = []
        for spec in specs:
            before = recorded_before(SessionFolder(options.out / spec.episode_id))
            if before is None:
                left.append(spec)
            else:
                done(before)
        try:
            if left:
                asyncio.run(_serve(Visit(environment, left, options.out, consent_id, done=done), options, on_page))
        except asyncio.CancelledError:
            raise KeyboardInterrupt from None
        finally:
            environment.remove_all()
        return RecordResult(options.out, tuple(ended), consent_id)


def _specs(tasks: TaskLike | Iterable[TaskLike], consent_id: str, options: BrowserOptions) -> list[EpisodeSpec]:
    """The episodes as this person does them; two people who do the same task both keep a session."""
    specs = plan_recording(
        tasks, agent="human", episodes=options.episodes, seed=options.seed, fps=options.fps,
        max_duration_s=options.max_duration_s, min_free_gib=options.min_free_gib, capture=options.capture,
    )  # fmt: skip
    for spec in specs:
        if spec.task.kind != "desktop":
            raise GoaltraceError(
                f"task {spec.task.id}: people record desktop tasks (a desktop has a terminal in it); "
                "see: goaltrace tasks"
            )
    who = {"consent_id": consent_id, "redact": tuple(options.redact)}
    return [spec.model_copy(update={"episode_id": f"{spec.episode_id}-{consent_id}", **who}) for spec in specs]


async def _serve(visit: Visit, options: BrowserOptions, on_page: Callable[[str], object]) -> None:
    from collector.human.server import make_app
    from manifests.pages import new_token, opened, serving

    token = new_token()
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGTERM, *((signal.SIGHUP,) if hasattr(signal, "SIGHUP") else ())):
        try:
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
        except (NotImplementedError, RuntimeError):  # Windows; a thread that is not the main one
            pass
    async with serving(make_app(token, visit), token, options.port) as address:
        on_page(address)
        # without a screen there is only a text browser, and it would take the terminal
        screen = sys.platform != "linux" or {"DISPLAY", "WAYLAND_DISPLAY"} & set(os.environ)
        with opened(address) if screen and options.open_browser else nullcontext():
            await visit.run()
