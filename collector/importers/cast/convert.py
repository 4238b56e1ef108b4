"""Makes one cast into one session: repaired, masked and drawn, whole or not at all."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from collector.importers.cast import mask as masking
from collector.importers.cast.actions import actions_of
from collector.importers.cast.repair import RepairedCast
from collector.importers.cast.result import CastResult
from collector.importers.cast.source import DEFAULT_LIMIT, Unusable, digest
from collector.terminal.cast import Cast, open_cast, write_cast
from collector.terminal.geometry import frame_size
from collector.terminal.render import largest_size, render_session
from manifests import __version__
from manifests.errors import GoaltraceError
from manifests.files import DiskFull, append_jsonl, new_folder
from manifests.item_errors import one_item
from manifests.machine_names import without_machine_names
from manifests.plain_text import one_line
from manifests.secrets import MASK, NO_NAMES, OwnNames, SecretSearch
from manifests.session import Action, Clock, SessionFolder, SessionManifest

Sensitive = Literal["mask", "refuse", "keep"]
_NOMINAL = "the times are the cast's own; who stamped them, and how late, is unknown"
_BATCH = 1000
_IN_THE_MAKING = re.compile(r"^[^\n]{0,4096}/\.[^/\n]{1,255}\.tmp(?:/[a-z.]+)?: ")
"""How a reason begins that names the session's folder, which is gone."""


@dataclass(frozen=True)
class ImportOptions:
    """How casts are imported."""

    sensitive: Sensitive = "mask"
    idle_limit: float | None = None
    fps: float = 15.0
    render: bool = True
    limit: int = DEFAULT_LIMIT
    listed: tuple[str, ...] = ()
    """The user's own strings to mask."""
    names: OwnNames = NO_NAMES
    """Names of this machine, its user and home, to be masked as well."""
    keep_names: bool = False
    """Leave names of users and machines, these and those that casts report, as they are."""

    def wanted(self) -> SecretSearch:
        """What is looked for in one cast."""
        return SecretSearch(self.listed, self.names, self.keep_names)


def import_cast(path: Path, out: Path, options: ImportOptions) -> CastResult:
    """Import one cast into `out`; what became of it."""
    session: Path | None = None
    try:
        with one_item(path):
            task_id = _task_id(path, options)
            session = out / f"{task_id}-{digest(path, options.limit)[:12]}"
            return _imported(path, session, task_id, options)
    except (OSError, GoaltraceError) as error:
        if session and (session / "session.json").is_file():  # another process has imported the same cast meanwhile
            return CastResult(path, "there already", session)
        if isinstance(error, DiskFull) or not isinstance(error, GoaltraceError):
            raise  # no fault of the cast
        return CastResult(path, "quarantined", reason=one_line(_IN_THE_MAKING.sub("", str(error))))


def _imported(path: Path, session: Path, task_id: str, options: ImportOptions) -> CastResult:
    folder = SessionFolder(session)
    if folder.manifest_path.is_file():
        if options.render and not folder.screen.is_file():
            render_session(folder, options.fps)
        return CastResult(path, "there already", session)
    manifest, repairs = _convert(path, session, task_id, options)
    return CastResult(
        path, "imported", session, actions=manifest.actions, frames=manifest.frames, repairs=repairs,
        times=tuple(manifest.clock.reasons[1:]), notes=tuple(manifest.notes),
    )  # fmt: skip


def _convert(path: Path, out: Path, task_id: str, options: ImportOptions) -> tuple[SessionManifest, dict[str, int]]:
    with new_folder(out) as root:
        folder = SessionFolder(root)
        reading = RepairedCast(path, options.idle_limit)
        _write_whole(reading, folder.cast)
        found: dict[str, int] = {}
        if options.sensitive == "mask":
            found = masking.mask(folder.cast, options.wanted())
        elif options.sensitive == "refuse" and (found := masking.find(folder.cast, options.wanted())):
            raise Unusable(f"sensitive: {_listed(found)}; import it with --sensitive mask")
        cast = open_cast(folder.cast)
        actions = _write_actions(cast, folder, masked=options.sensitive == "mask")
        manifest = _manifest(reading, cast, out.name, task_id, actions, options)
        manifest.notes.extend(_notes(reading, found, options, actions))
        folder.write_manifest(manifest)
        if options.render:
            render_session(folder, options.fps)
            manifest = folder.read_manifest()
        manifest = manifest.model_copy(update={"state": "complete"})
        folder.write_manifest(manifest)
    return manifest, dict(reading.repairs)


def _write_whole(reading: RepairedCast, path: Path) -> None:
    """The mended cast as one of ours; its header is known when the first event is."""
    events = reading.events()
    first = next(events)

    def all_events() -> Iterator[Any]:
        yield first
        yield from events

    write_cast(path, reading.header, all_events())


def _write_actions(cast: Cast, folder: SessionFolder, masked: bool) -> int:
    count, batch = 0, list[Action]()
    folder.actions_path.touch()
    for event in cast.events():
        batch.extend(actions_of(event, count + len(batch), masked))
        if len(batch) >= _BATCH:
            append_jsonl(folder.actions_path, batch)
            count, batch = count + len(batch), []
    append_jsonl(folder.actions_path, batch)
    return count + len(batch)


def _manifest(
    reading: RepairedCast, cast: Cast, name: str, task_id: str, actions: int, options: ImportOptions
) -> SessionManifest:  # fmt: skip
    header = cast.header
    width, height = frame_size(*largest_size(cast))
    return SessionManifest(
        recorder_version=f"asciicast v{reading.version}",
        session_id=name,
        episode_id=name,
        state="recording",
        kind="terminal",
        task_id=task_id,
        family="cast",
        goal=_goal(header, options),
        actor="unknown",
        arm="cast",
        seed=0,
        width=width,
        height=height,
        fps=options.fps,
        columns=cast.columns,
        rows=cast.rows,
        clock=Clock(
            source="nominal",
            origin_monotonic_ns=0,
            wall_unix_ns=header.get("timestamp", 0) * 10**9,
            reasons=[_NOMINAL, *reading.times.reasons()],
        ),
        environment="import",
        outcome="unverified",
        outcome_detail="imported; nothing was checked",
        duration_ns=_to_a_frame(reading.end_ns, options.fps),
        actions=actions,
        versions={"importer": f"goaltrace {__version__}", "cast": f"asciicast v{reading.version}"},
    )


def _to_a_frame(end_ns: int, fps: float) -> int:
    """The end moved on to the first frame that shows the last event: a cast ends at once with it."""
    return math.ceil(math.ceil(end_ns * fps / 10**9 - 1e-6) * 10**9 / fps)


def _notes(reading: RepairedCast, found: dict[str, int], options: ImportOptions, actions: int) -> list[str]:
    notes = [f"repaired: {what}: {count}" for what, count in sorted(reading.repairs.items())]
    others = reading.codes["r"] + reading.codes["m"]
    if actions == others:
        why = "the input events are a terminal's answers" if reading.codes["i"] else "the cast holds no input events"
        others_kept = f"; actions.jsonl holds its {others} resizes and markers" if others else ""
        notes.append(f"actions: none ({why}{others_kept})")
    if not reading.codes["o"]:
        notes.append("the cast holds no output: the screen stays blank")
    if found:
        notes.append(f"sensitive strings masked: {_listed(found)}")
    if options.sensitive == "keep":
        notes.append("sensitive strings were not looked for (--sensitive keep)")
    return notes


def _goal(header: dict[str, Any], options: ImportOptions) -> str:
    """The title, else the command; of folders, which can identify whose machine it was, only the last part."""
    goal = _one_line(header.get("title") or header.get("command") or "")
    return goal if options.keep_names or options.sensitive == "keep" else without_machine_names(goal)


def _one_line(text: str) -> str:
    """A title as a goal: other people's control characters stay in the cast's header."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:1000]


def _listed(found: dict[str, int]) -> str:
    return ", ".join(f"{kind} {count}" for kind, count in sorted(found.items()))


def _task_id(path: Path, options: ImportOptions) -> str:
    """From the file's name, without what is sensitive in it."""
    stem = re.sub(r"(?i)(?:\.(?:cast|asciicast|json|gz))+$", "", path.name)
    stem = masking.mask_text(stem, options.wanted()).replace(MASK, "")
    slug = re.sub(r"[^a-z0-9]+", "-", stem.lower()).strip("-")[:60].strip("-")
    return slug or "cast"
