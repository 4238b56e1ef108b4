"""The life of a session on disk: opened before the first frame, appended to, reconciled and closed at the end."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import TextIO

from pydantic import BaseModel

from collector.episode import EpisodeSpec
from manifests import __version__
from manifests.session import Action, Clock, ClockSource, Intent, Outcome, SessionFolder, SessionManifest


class AppendLog:
    """A JSON-lines log that is on disk after every batch, so that kill -9 loses at most the line being written."""

    def __init__(self, path: Path) -> None:
        self._out: TextIO = path.open("a", encoding="utf-8")
        self.count = 0

    def write(self, *records: BaseModel) -> None:
        self._out.writelines(record.model_dump_json(exclude_none=True) + "\n" for record in records)
        self._out.flush()
        self.count += len(records)

    def close(self) -> None:
        self._out.close()


class Recording:
    """One session being recorded. `now_ns` is its clock; close it with what the check saw.

    Used as a context manager: an exception inside leaves a session marked `aborted` with the reason.
    """

    def __init__(self, path: Path, spec: EpisodeSpec, *, clock: ClockSource, width: int, height: int,
                 cursor_in_pixels: bool, versions: dict[str, str]) -> None:  # fmt: skip
        path.mkdir(parents=True, exist_ok=True)
        self.folder = SessionFolder(path)
        self.spec = spec
        self._origin = time.monotonic_ns()
        self.manifest = SessionManifest(
            recorder_version=__version__,
            session_id=spec.session_id,
            episode_id=spec.episode_id,
            kind=spec.task.kind,
            task_id=spec.task.id,
            family=spec.task.family,
            goal=spec.task.goal,
            parameters=spec.parameters,
            actor=spec.agent,
            arm=spec.arm,
            seed=spec.seed,
            width=width,
            height=height,
            fps=spec.fps,
            columns=spec.task.columns if spec.task.kind == "terminal" else None,
            rows=spec.task.rows if spec.task.kind == "terminal" else None,
            cursor_in_pixels=cursor_in_pixels,
            clock=Clock(source=clock, origin_monotonic_ns=self._origin, wall_unix_ns=time.time_ns()),
            environment=spec.environment,
            image=spec.image,
            image_digest=spec.image_digest,
            versions=versions,
        )
        self.folder.write_manifest(self.manifest)
        self.frames = AppendLog(self.folder.frames_path)
        self.actions = AppendLog(self.folder.actions_path)
        self.intents = AppendLog(self.folder.intents_path)

    def now_ns(self) -> int:
        """Nanoseconds of CLOCK_MONOTONIC since the session's start."""
        return time.monotonic_ns() - self._origin

    def since_start(self, monotonic_ns: int) -> int:
        """A CLOCK_MONOTONIC time on the session's clock."""
        return monotonic_ns - self._origin

    def end(self, outcome: Outcome, detail: str, dropped: int = 0, invalid: Sequence[str] = ()) -> None:
        """Close the logs, reconcile what was meant with what was seen, and write the final manifest.

        `invalid` are further reasons why the session cannot be trusted.
        """
        for log in (self.frames, self.actions, self.intents):
            log.close()
        self.manifest = self.manifest.model_copy(
            update={
                "state": "complete",
                "outcome": outcome,
                "outcome_detail": detail,
                "duration_ns": self.now_ns(),
                "frames": self.frames.count,
                "actions": self.actions.count,
                "dropped": dropped,
                "invalid_reasons": [*invalid, *self._reconcile()],
            }
        )
        self.folder.write_manifest(self.manifest)

    def _reconcile(self) -> list[str]:
        # intents.jsonl may have been written by the agent's own process: the files are what counts
        return reconcile(self.folder.actions(), self.folder.intents())

    def __enter__(self) -> Recording:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.manifest.state == "recording":
            reason = f"{kind.__name__}: {error}" if kind else "the recorder ended without a result"
            self.end("aborted", " ".join(reason.split())[:500])


def reconcile(actions: Iterable[Action], intents: Iterable[Intent]) -> list[str]:
    """Compare the events the actor sent with the events that were seen, kind by kind.

    Returns one line per kind whose counts differ; an empty list for a session that reconciles.
    Moves are left out: the X server merges moves that arrive faster than it samples.
    """
    seen: Counter[str] = Counter(action.kind for action in actions)
    sent: Counter[str] = Counter()
    for intent in intents:
        sent.update(intent.sent)
    kinds = (set(sent) | set(seen)) - {"move", "resize", "marker"}
    return [f"{kind}: {sent[kind]} sent, {seen[kind]} seen" for kind in sorted(kinds) if sent[kind] != seen[kind]]
