"""Recording many episodes: a few at a time, each kept whatever its outcome, and none recorded twice."""

from __future__ import annotations

import queue
import threading
import uuid
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from collector.environments.base import STOPPED, Environment
from collector.episodes.spec import EpisodeSpec
from collector.recording.timing import in_words
from manifests.errors import GoaltraceError
from manifests.item_errors import one_item
from manifests.session import SessionFolder

STOP_S = 20
_LOOK_S = 0.5
"""A wait without end does not see Ctrl-C on Windows."""


@dataclass(frozen=True)
class EpisodeResult:
    """How one episode ended: the outcome of its session, or `failed` when there is none."""

    episode_id: str
    outcome: str
    detail: str
    seconds: float = 0.0
    reused: bool = False


def require_sessions_folder(out: Path) -> None:
    """Raise `GoaltraceError` for a folder that holds something else than sessions."""
    if out.exists() and not out.is_dir():
        raise GoaltraceError(f"{out}: is a file; --out wants a folder")
    if not out.is_dir():
        return
    for path in sorted(out.iterdir()):
        ours = path.name == "aborted" or (
            path.is_dir() and ((path / "session.json").exists() or not any(path.iterdir()))
        )
        if not ours:
            raise GoaltraceError(f"{out}: exists and holds other things ({path.name}); choose another --out")


def recorded_before(folder: SessionFolder) -> EpisodeResult | None:
    """The result of a session that need not be recorded again, or None."""
    if not folder.manifest_path.is_file():
        return None
    manifest = folder.read_manifest()
    if manifest.state != "complete" or manifest.outcome == "aborted":
        return None
    seconds = manifest.duration_ns / 1e9
    return EpisodeResult(folder.path.name, manifest.outcome, "recorded before", seconds, reused=True)


def result_of(folder: SessionFolder) -> EpisodeResult:
    """The result of a session that has just ended."""
    manifest = folder.read_manifest()
    problems = [in_words(reason) for reason in manifest.invalid_reasons]
    if manifest.typed_in_clear:
        kinds = ", ".join(f"{kind} {count}" for kind, count in sorted(manifest.typed_in_clear.items()))
        problems.append(
            f"typed in clear: {kinds}; the keys are taken out, the pictures may show it: look at it, trim it"
        )
    detail = "; ".join([manifest.outcome_detail, *problems])
    return EpisodeResult(folder.path.name, manifest.outcome, detail, manifest.duration_ns / 1e9)


def move_to_aborted(folder: SessionFolder) -> None:
    """Move what an earlier, unfinished try left into OUT/aborted, so that nothing is lost."""
    if folder.path.exists():
        aside = folder.path.parent / "aborted" / f"{folder.path.name}-{uuid.uuid4().hex[:6]}"
        aside.parent.mkdir(exist_ok=True)
        folder.path.rename(aside)


def mark_aborted(folder: SessionFolder, reason: str) -> None:
    """Mark a session as aborted whose recorder died and so could not do it itself."""
    if not folder.manifest_path.is_file():
        return
    try:
        manifest = folder.read_manifest()
    except GoaltraceError:  # what is there came out of the container, and is no manifest
        return
    update = {"state": "complete", "outcome": "aborted", "outcome_detail": reason}
    folder.write_manifest(manifest.model_copy(update=update))


class Campaign:
    """Records `specs` into `out`, `workers` at a time."""

    def __init__(self, environment: Environment, out: Path, workers: int) -> None:
        self._environment = environment
        self._out = out
        self._workers = workers
        self._stopping = threading.Event()

    def run(
        self,
        specs: Iterable[EpisodeSpec],
        done: Callable[[EpisodeResult], None],
        report: Callable[[str, dict[str, Any]], None],
    ) -> None:
        """Record every episode.

        `done` is called with each as it ends, `report` with progress inside one, both in this thread. Ctrl-C,
        or an exception in either of them, ends the running sessions cleanly, removes their containers and is raised.
        """
        news: queue.SimpleQueue[Future[EpisodeResult] | tuple[str, dict[str, Any]]] = queue.SimpleQueue()
        running: set[Future[EpisodeResult]] = set()
        with ThreadPoolExecutor(self._workers, thread_name_prefix="episode") as pool:
            try:
                for spec in specs:
                    future = pool.submit(self._episode, spec, lambda *event: news.put(event))
                    running.add(future)
                    future.add_done_callback(news.put)
                while running:
                    try:
                        item = news.get(timeout=_LOOK_S)
                    except queue.Empty:
                        continue
                    if isinstance(item, Future):
                        running.discard(item)
                        done(item.result())
                    else:
                        report(*item)
            except BaseException:
                self._stop(pool, running, done)
                raise

    def _stop(
        self, pool: ThreadPoolExecutor, running: set[Future[EpisodeResult]], done: Callable[[EpisodeResult], None]
    ) -> None:
        self._stopping.set()
        pool.shutdown(wait=False, cancel_futures=True)
        try:
            self._environment.stop_all()
            finished, late = wait([f for f in running if not f.cancelled()], timeout=STOP_S)
        except KeyboardInterrupt:  # pressed twice: no more waiting
            finished, late = set(), running
        if late:
            self._environment.remove_all()
        for future in finished:
            if not future.cancelled():
                done(future.result())

    def _episode(self, spec: EpisodeSpec, report: Callable[[str, dict[str, Any]], None]) -> EpisodeResult:
        folder = SessionFolder(self._out / spec.episode_id)
        if (before := recorded_before(folder)) is not None:
            return before
        if self._stopping.is_set():
            return EpisodeResult(spec.episode_id, "aborted", STOPPED)
        move_to_aborted(folder)
        try:
            with one_item(f"episode {spec.episode_id}"):
                return self._recorded(spec, folder, report)
        except (GoaltraceError, OSError) as error:
            detail = str(error).removeprefix(f"episode {spec.episode_id}: ")
            mark_aborted(folder, detail)
            return EpisodeResult(spec.episode_id, "aborted", detail)

    def _recorded(
        self, spec: EpisodeSpec, folder: SessionFolder, report: Callable[[str, dict[str, Any]], None]
    ) -> EpisodeResult:
        described = self._environment.describe(spec)
        self._environment.run(described, folder.path, lambda event: report(spec.episode_id, event))
        if described.task.kind == "terminal":
            from collector.terminal.render import render_session

            render_session(folder, described.fps)
        return result_of(folder)
