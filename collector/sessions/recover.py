"""Making a killed session whole: what every log and the video agree on is kept, the rest is set aside.

Nothing is deleted: the files as they were found stay in SESSION/damaged/. session.json is written last, so that a
recovery that is itself killed is simply done again.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel

from collector.sessions.cast_cut import cut_cast
from collector.sessions.check import check_session, is_being_recorded
from collector.sessions.logs import Log
from collector.sessions.pictures import copy_pictures, count_decodable
from collector.sessions.plan import RECOVERED, RecoveryPlan, SessionLost, make_plan, never_closed, new_manifest
from collector.sessions.problem import Problem, one_line
from collector.sessions.set_aside import set_aside
from manifests.errors import GoaltraceError
from manifests.files import append_jsonl, raise_if_full
from manifests.session import SessionFolder, SessionManifest

Status = Literal["fine", "recording", "recovered", "recoverable", "lost"]

_FIRST = 16
"""So many pictures show whether a video decodes at all."""


@dataclass
class Recovery:
    """What became of one session."""

    path: Path
    status: Status
    """recoverable: what would be recovered, had it not been a dry run; lost: nothing can be made of it."""
    detail: str = ""
    outcome: str = ""
    frames: int = 0
    frames_lost: int = 0
    actions: int = 0
    actions_lost: int = 0
    invalid_reasons: list[str] = field(default_factory=list)
    set_aside: list[str] = field(default_factory=list)
    """Files in SESSION/damaged/ that hold what was replaced."""
    remaining: list[Problem] = field(default_factory=list)
    """What recovery cannot mend."""


def recover_session(
    folder: SessionFolder, *, dry_run: bool = False, keep: bool = False, decode: bool = False
) -> Recovery:
    """Keep what is whole of a session that its recorder did not finish; one that is fine is left alone.

    With `keep`, a session that reconciles up to some moment is cut there and gets the outcome "unverified" instead
    of "aborted", so that it can be packed. With `decode`, damage inside pictures counts as damage.
    Raises `GoaltraceError` when the disk is full; a second run goes on.
    """
    problems = check_session(folder, decode)
    if is_being_recorded(problems):
        return Recovery(folder.path, "recording", "it is being recorded now; recover it when it has ended")
    remaining = [problem for problem in problems if problem.damage and not problem.recoverable]
    try:
        manifest = folder.read_manifest()
    except GoaltraceError:
        return Recovery(folder.path, "lost", str(remaining[0]), remaining=remaining)
    again = keep and manifest.outcome == "aborted" and RECOVERED in manifest.outcome_detail
    if not again and not any(problem.recoverable for problem in problems):
        detail = "; ".join(map(str, remaining))
        status: Status = "lost" if remaining else "fine"
        return Recovery(folder.path, status, detail, manifest.outcome, manifest.frames, 0, manifest.actions,
                        remaining=remaining)  # fmt: skip
    try:
        plan = make_plan(folder, manifest, keep)
        if again and not plan.kept and not any(problem.recoverable for problem in problems):
            detail = "it does not reconcile, so it stays aborted"
            return Recovery(folder.path, "fine", detail, manifest.outcome, manifest.frames, 0, manifest.actions)
        new = new_manifest(manifest, plan)
        aside = [] if dry_run else _rebuild(folder, manifest, new, plan)
    except SessionLost as why:
        return Recovery(folder.path, "lost", one_line(str(why)), remaining=remaining)
    except OSError as error:
        raise_if_full(error, folder.path)
        raise
    return Recovery(
        folder.path,
        "recoverable" if dry_run else "recovered",
        one_line(new.outcome_detail),
        new.outcome,
        plan.frame_count,
        plan.frames_lost,
        len(plan.actions),
        plan.actions_lost,
        new.invalid_reasons,
        aside,
        remaining,
    )


def _rebuild(folder: SessionFolder, old: SessionManifest, new: SessionManifest, plan: RecoveryPlan) -> list[str]:
    """Write the better files beside the old ones, keep those, put the new in their places; session.json comes last."""
    logs = plan.logs
    with tempfile.TemporaryDirectory(prefix=".recover-", dir=folder.path) as scratch:
        made = Path(scratch)
        if plan.video is not None:
            _write_log(logs.frames, plan.frames, made)
            if never_closed(old) or plan.pictures < len(plan.video) or plan.video.reason:
                copy_pictures(folder.screen, made / folder.screen.name, plan.pictures)
                _require_decodable(made / folder.screen.name, min(plan.pictures, _FIRST))
        else:
            _cut_cast(folder.cast, made, plan.end_ns)
        _write_log(logs.actions, plan.actions, made)
        _write_log(logs.intents, plan.intents, made)
        _write_log(logs.events, plan.events, made)
        _write_log(logs.cursors, logs.cursors.records, made)
        better = sorted(made.iterdir())
        drawn = [folder.screen, folder.frames_path] if plan.video is None else []
        aside = set_aside(folder.path, [*(folder.path / path.name for path in better), *drawn, folder.manifest_path])
        for path in better:
            path.replace(folder.path / path.name)
    if plan.video is None:
        new = _draw(folder, old, new)
    folder.write_manifest(new)
    return aside


def _require_decodable(copy: Path, first: int) -> None:
    """A video's header may be damaged so that it still decodes where it is, but not in a copy."""
    if count_decodable(copy, first) < first:
        raise SessionLost(f"{copy.name}: its header is damaged, no picture of a copy decodes; record it again")


def _write_log(log: Log[Any], records: Sequence[BaseModel], made: Path) -> None:
    if log.path.is_file() and log.whole and len(records) == len(log.records):
        return
    if records or log.path.is_file() or log.path.name == "actions.jsonl":  # which every session has
        append_jsonl(made / log.path.name, records)


def _cut_cast(cast: Path, made: Path, end_ns: int) -> None:
    cut = made / cast.name
    cut_cast(cast, cut, end_ns)
    if cut.stat().st_size == cast.stat().st_size:
        cut.unlink()


def _draw(folder: SessionFolder, old: SessionManifest, new: SessionManifest) -> SessionManifest:
    """Draw a terminal's frames from its cast; still unfinished until the new session.json is written."""
    from collector.terminal.render import render_session
    from collector.terminal.session_look import available_look

    look, notes = available_look(old.look)
    folder.write_manifest(old.model_copy(update={"duration_ns": new.duration_ns}))
    render_session(folder, old.fps, look)
    drawn = folder.read_manifest()
    return new.model_copy(
        update={"width": drawn.width, "height": drawn.height, "frames": drawn.frames, "look": look,
                "notes": [*new.notes, *notes]}
    )  # fmt: skip
