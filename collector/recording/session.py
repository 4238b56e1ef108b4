"""The life of a session on disk: opened before the first frame, appended to, reconciled and closed at the end."""

from __future__ import annotations

import shutil
import threading
import time
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType

from collector.episodes.spec import EpisodeSpec
from collector.recording.append_log import AppendLog
from collector.recording.gate import HOLD_NS, Gate
from collector.recording.hotkey import Hotkey
from collector.recording.spread import spread
from collector.recording.timing import Timing
from collector.recording.typed import redact_typed, redacted
from manifests import __version__
from manifests.session import Action, Clock, ClockSource, Intent, Outcome, SessionFolder, SessionManifest


class Recording:
    """One session being recorded. `now_ns` is its clock; close it with what the check saw.

    Used as a context manager: an exception inside leaves a session marked `aborted` with the reason.
    What a person does is held back for a moment (see `gate.py`); what an agent does is written at once.
    """

    def __init__(self, path: Path, spec: EpisodeSpec, *, clock: ClockSource, width: int, height: int,
                 cursor_in_pixels: bool, versions: dict[str, str]) -> None:  # fmt: skip
        path.mkdir(parents=True, exist_ok=True)
        self.folder = SessionFolder(path)
        self.spec = spec
        self._origin = time.monotonic_ns()
        human = spec.by_person
        self.manifest = SessionManifest(
            recorder_version=__version__,
            session_id=spec.session_id,
            episode_id=spec.episode_id,
            kind=spec.task.kind,
            task_id=spec.task.id,
            family=spec.task.family,
            goal=spec.task.goal,
            parameters=spec.parameters,
            actor=f"human:{spec.consent_id}" if human else spec.agent,
            arm=spec.arm,
            control=spec.control,
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
            consent_id=spec.consent_id,
            versions=versions,
        )
        self._updating = threading.Lock()
        self.folder.write_manifest(self.manifest)
        self.frames = AppendLog(self.folder.frames_path)
        self.actions = AppendLog(self.folder.actions_path)
        self.intents = AppendLog(self.folder.intents_path)
        self.events = AppendLog(self.folder.events_path)
        self.cursors = AppendLog(self.folder.cursors_path)
        self._logs = (self.frames, self.actions, self.intents, self.events, self.cursors)
        self.gate = Gate(self.events.write, HOLD_NS if human else 0)
        self.outcome: tuple[Outcome, str] | None = None
        """How the episode ended, where the task's check is not to decide it."""
        self._hotkey = Hotkey(spec.hotkey) if spec.hotkey else None
        self._held: deque[Action] = deque()
        self._releasing = threading.Lock()
        self._down: set[str] = set()
        self.timing = Timing(spec.fps)
        """Whether frames and keys keep up; fed by desktops."""
        self._brackets: list[int] = []
        self._lateness: list[int] = []

    def now_ns(self) -> int:
        """Nanoseconds of CLOCK_MONOTONIC since the session's start."""
        return time.monotonic_ns() - self._origin

    def since_start(self, monotonic_ns: int) -> int:
        """A CLOCK_MONOTONIC time on the session's clock."""
        return monotonic_ns - self._origin

    def opened(self, capture: str, width: int, height: int) -> None:
        """The screen as it turned out to be, and the back end that reads it."""
        with self._updating:
            self._change(capture=capture, width=width, height=height)

    def distrust(self, reasons: Sequence[str]) -> None:
        """Say in the manifest why the times cannot be fully trusted."""
        with self._updating:
            clock = self.manifest.clock
            self._change(clock=clock.model_copy(update={"reasons": [*clock.reasons, *reasons]}))

    def note(self, text: str) -> None:
        """Keep something worth knowing about this recording."""
        with self._updating:
            self._change(notes=[*self.manifest.notes, text])

    @property
    def view(self) -> str:
        """What may be recorded now: "open", "hidden" or "paused"."""
        return "paused" if self.gate.paused else "hidden" if self.gate.hidden else "open"

    def discard(self) -> None:
        """Remove everything that was recorded."""
        for log in self._logs:
            log.close()
        for path in self.folder.path.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
        self.manifest = self.manifest.model_copy(update={"state": "complete"})

    def log(self, *actions: Action) -> None:
        """Input events, in the order seen."""
        if not self.gate.hold_ns:
            self._write(*actions)
            return
        for action in actions:
            key = action.shortcut or action.key
            if self._hotkey and key and self._hotkey.feed(action.kind, key, action.t_ns):
                self.gate.toggle_pause(action.t_ns, "hotkey")
        self._held.extend(actions)
        self.release()

    def hold_until(self, t_ns: int) -> None:
        """Wait until the gate can be asked about `t_ns`."""
        if self.gate.hold_ns:
            time.sleep(max(0, t_ns + self.gate.hold_ns - self.now_ns()) / 1e9)

    def release(self, *, everything: bool = False) -> None:
        """Write the held input that is old enough, as much of it as the gate allows."""
        with self._releasing:
            until = self.now_ns() - self.gate.hold_ns
            while self._held and (everything or self._held[0].t_ns < until):
                action = self._allowed(self._held.popleft())
                if action is not None:
                    self._write(action)

    def _write(self, *actions: Action) -> None:
        self.actions.write(*actions)
        for action in actions:
            self.timing.action(action)

    def _allowed(self, action: Action) -> Action | None:
        key = action.shortcut or action.key
        if self._hotkey and key and self._hotkey.owns(action.kind, key, action.t_ns):
            return None
        view = self.gate.view(action.t_ns, action.t_ns)
        held = action.key or action.button
        if view == "paused":
            self._down.clear()
            return None
        if action.kind in ("key_down", "button_down") and held:
            self._down.add(held)
        elif action.kind in ("key_up", "button_up") and held:
            if held not in self._down:
                return None  # pressed while paused: a release alone says nothing
            self._down.discard(held)
        if view == "open":
            return action
        return redacted(action)

    def measured(self, bracket_ns: int, lateness_ns: int) -> None:
        """Keep what one frame's grab took, and how late it began."""
        self._brackets.append(bracket_ns)
        self._lateness.append(lateness_ns)

    def end(self, outcome: Outcome, detail: str, dropped: int = 0, invalid: Sequence[str] = (),
            input_lag_ns: Sequence[int] = ()) -> None:  # fmt: skip
        """Close the logs, reconcile what was meant with what was seen, and write the final manifest.

        `invalid` are further reasons why the session cannot be trusted.
        """
        self.release(everything=True)
        for log in self._logs:
            log.close()
        invalid = [*invalid, *self._reconcile(), *self.timing.reasons()]
        typed = redact_typed(self.folder, self.spec.redact) if self.spec.by_person else {}
        with self._updating:
            self._change(
                typed_in_clear=typed,
                state="complete",
                outcome=outcome,
                outcome_detail=detail,
                duration_ns=self.now_ns(),
                frames=self.frames.count,
                actions=self.actions.count,
                events=self.events.count,
                dropped=dropped,
                bracket_ms=spread(self._brackets),
                lateness_ms=spread(self._lateness),
                input_lag_ms=spread(input_lag_ns),
                invalid_reasons=invalid,
            )

    def _change(self, **changes: object) -> None:
        """Called with the lock held: the mark, the password watch and the capture write here from their own threads."""
        self.manifest = self.manifest.model_copy(update=changes)
        self.folder.write_manifest(self.manifest)

    def _reconcile(self) -> list[str]:
        if self.spec.by_person:
            return []  # a person announces nothing
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
    Moves are left out: the X server merges moves that arrive faster than it samples. So are presses that the system
    repeats: nobody sends them.
    """
    seen: Counter[str] = Counter(action.kind for action in actions if not action.repeat)
    sent: Counter[str] = Counter()
    for intent in intents:
        sent.update(intent.sent)
    kinds = (set(sent) | set(seen)) - {"move", "resize", "marker"}
    return [f"{kind}: {sent[kind]} sent, {seen[kind]} seen" for kind in sorted(kinds) if sent[kind] != seen[kind]]
