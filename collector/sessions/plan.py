"""Plans a recovery: which parts of a damaged session are whole, and what its session.json will say. Writes nothing."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from collector.recording.session import reconcile
from collector.recording.spread import spread
from collector.recording.timing import BAD
from collector.sessions.cast_cut import has_cast, last_whole_ns
from collector.sessions.frames import picture_of, whole_frames
from collector.sessions.logs import Log, read_log
from collector.sessions.pictures import Pictures, count_decodable, read_pictures
from manifests.errors import GoaltraceError
from manifests.session import Action, Cursor, Event, Frame, Intent, SessionFolder, SessionManifest

TAIL_NS = 10**9
"""Input of the last second may not have reached the log before the recorder was killed."""
DOUBT = "the recorder was killed: the agent may have sent events that were never logged"
RECOVERED = "recovered: "
_COUNTS = re.compile(r"\w+: \d+ sent, \d+ seen")
_NOTHING = "no frame of it is whole, so there is nothing to keep; delete the folder and record it again"


class SessionLost(Exception):
    """Why nothing can be made of a session."""


@dataclass
class RecoveryPlan:
    """The parts to keep. `video` is None for a terminal, whose frames are drawn again from its cast."""

    killed: bool
    kept: bool
    """It reconciles up to `end_ns` and is to be packed."""
    end_ns: int
    video: Pictures | None
    frames: list[Frame]
    actions: list[Action]
    intents: list[Intent]
    events: list[Event]
    logs: Logs
    frame_count: int

    @property
    def pictures(self) -> int:
        return picture_of(self.frames[-1]) + 1 if self.frames else 0

    @property
    def frames_lost(self) -> int:
        if self.video is None:
            return 0
        return len(self.logs.frames.records) + self.logs.frames.lost - len(self.frames)

    @property
    def actions_lost(self) -> int:
        return len(self.logs.actions.records) + self.logs.actions.lost - len(self.actions)


@dataclass
class Logs:
    """The logs of a session, as far as they are whole."""

    frames: Log[Frame]
    actions: Log[Action]
    intents: Log[Intent]
    events: Log[Event]
    cursors: Log[Cursor]

    @classmethod
    def of(cls, folder: SessionFolder) -> Logs:
        return cls(
            read_log(folder.frames_path, Frame),
            read_log(folder.actions_path, Action),
            read_log(folder.intents_path, Intent),
            read_log(folder.events_path, Event),
            read_log(folder.cursors_path, Cursor),
        )

    @property
    def damaged(self) -> list[str]:
        """Logs with more wrong than a last line cut short."""
        logs: tuple[Log[Any], ...] = (self.frames, self.actions, self.intents, self.events)
        return [
            f"{log.path.name}: line {log.bad_line} was damaged, {log.lost} lines are lost"
            for log in logs
            if log.bad_line is not None
        ]


def make_plan(folder: SessionFolder, manifest: SessionManifest, keep: bool) -> RecoveryPlan:
    """What to keep of a session; raises `SessionLost` with the reason when that is nothing."""
    logs = Logs.of(folder)
    killed = manifest.state == "recording" or manifest.outcome == "aborted"
    video, whole = None, logs.frames.records[:0]
    if has_cast(folder, manifest):
        last_ns = _terminal_end(folder, manifest)
    else:
        video = _readable(folder)
        count, _ = whole_frames(logs.frames.records, video, timed=manifest.environment != "import")
        whole = logs.frames.records[:count]
        if not whole:
            raise SessionLost(_NOTHING)
        last_ns = whole[-1].t1_ns
    until = _reconciled_until(manifest, logs, last_ns) if keep and killed else None
    kept, end_ns = until is not None, last_ns if until is None else until
    cut = killed or (video is not None and len(whole) < len(logs.frames.records))
    return RecoveryPlan(
        killed=killed,
        kept=kept,
        end_ns=end_ns,
        video=video,
        frames=[frame for frame in whole if frame.t1_ns <= end_ns],
        actions=[a for a in logs.actions.records if not cut or a.t_ns <= end_ns],
        intents=[i for i in logs.intents.records if not cut or (i.t_end_ns if kept else i.t_ns) <= end_ns],
        events=[e for e in logs.events.records if not cut or e.t_ns <= end_ns],
        logs=logs,
        frame_count=int(end_ns * manifest.fps // 10**9) + 1 if video is None else sum(f.t1_ns <= end_ns for f in whole),
    )


def never_closed(manifest: SessionManifest) -> bool:
    """True if the recorder did not end the session; who waited for it may have marked it as aborted since."""
    return manifest.state == "recording" or not manifest.duration_ns


def new_manifest(old: SessionManifest, plan: RecoveryPlan) -> SessionManifest:
    """session.json as it will be."""
    lost = f"{plan.frames_lost} frames and {plan.actions_lost} actions are lost"
    whole = f"{plan.frame_count} frames and {len(plan.actions)} actions are whole, {lost}"
    frames = plan.logs.frames.records
    killed_ns = max(plan.end_ns, frames[-1].t1_ns if frames else 0)
    if never_closed(old):
        killed = f"{RECOVERED}the recorder was killed after {killed_ns / 1e9:.1f} s; {whole}"
        detail = "; ".join(filter(None, [old.outcome_detail, killed]))
    elif RECOVERED in old.outcome_detail:
        detail = f"{old.outcome_detail}; cut at {plan.end_ns / 1e9:.1f} s, up to where it reconciles"
    else:
        detail = "; ".join(filter(None, [old.outcome_detail, f"{RECOVERED}{whole}"]))
    shortened = plan.killed or bool(plan.frames_lost)
    update: dict[str, Any] = {
        "state": "complete",
        "outcome": "unverified" if plan.kept else "aborted" if plan.killed else old.outcome,
        "outcome_detail": detail,
        "duration_ns": plan.end_ns if shortened else old.duration_ns,
        "frames": plan.frame_count,
        "actions": len(plan.actions),
        "dropped": sum(frame.dropped_before for frame in plan.frames),
        "events": len(plan.events),
        "keep_ns": _clipped(old.keep_ns, plan.end_ns) if shortened else old.keep_ns,
        "invalid_reasons": _invalid(old, plan, lost),
    }
    if never_closed(old):
        update["bracket_ms"] = spread([frame.t1_ns - frame.t0_ns for frame in plan.frames])
    return old.model_copy(update=update)


def _invalid(old: SessionManifest, plan: RecoveryPlan, lost: str) -> list[str]:
    """Why it may not be trusted: what was known before, what the logs' ends leave open, and the counts anew."""
    reasons = [r for r in old.invalid_reasons if r != DOUBT and not _COUNTS.fullmatch(r)] + plan.logs.damaged
    if not plan.killed and (plan.frames_lost or plan.actions_lost):
        reasons.append(f"damaged after it was recorded: {lost}")
    if not _by_a_person(old):
        if plan.killed and not plan.kept:
            reasons.append(DOUBT)
        reasons += reconcile(plan.actions, plan.intents)
    return list(dict.fromkeys(reasons))


def _reconciled_until(manifest: SessionManifest, logs: Logs, last_ns: int) -> int | None:
    """The last moment up to which nothing is missing, ns; None if there is no such moment."""
    known = [r for r in manifest.invalid_reasons if r != DOUBT and not _COUNTS.fullmatch(r) and not r.startswith(BAD)]
    if known or logs.damaged:
        return None
    if _by_a_person(manifest):
        return last_ns - TAIL_NS if last_ns > 2 * TAIL_NS else None
    ends = sorted({intent.t_end_ns for intent in logs.intents.records if 0 < intent.t_end_ns <= last_ns}, reverse=True)
    for end in ends[:500]:
        actions = [action for action in logs.actions.records if action.t_ns <= end]
        if not reconcile(actions, [intent for intent in logs.intents.records if intent.t_end_ns <= end]):
            return end
    return None


def _by_a_person(manifest: SessionManifest) -> bool:
    return manifest.actor.partition(":")[0] == "human"


def _readable(folder: SessionFolder) -> Pictures:
    """The pictures that decode, from the first on."""
    try:
        video = read_pictures(folder.screen)
        whole = count_decodable(folder.screen, len(video))
    except GoaltraceError as error:
        raise SessionLost(
            f"{str(error).removeprefix(f'{folder.path}/')}; no picture is left, so record it again"
        ) from None
    return replace(video, pictures=video.pictures[:whole])


def _terminal_end(folder: SessionFolder, manifest: SessionManifest) -> int:
    if not (math.isfinite(manifest.fps) and 0 < manifest.fps <= 240):
        raise SessionLost(f"session.json: fps {manifest.fps} is no rate to draw frames at; restore it from a copy")
    try:
        return last_whole_ns(folder.cast)
    except GoaltraceError as error:
        raise SessionLost(
            f"{str(error).removeprefix(f'{folder.path}/')}; nothing can be drawn, so record it again"
        ) from None


def _clipped(span: Sequence[int] | None, end_ns: int) -> tuple[int, int] | None:
    return (span[0], min(span[1], end_ns)) if span and span[0] < end_ns else None
