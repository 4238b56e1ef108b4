"""Makes one session of theirs into one of ours: times stay, and the manifest says what cannot be trusted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from collector.importers.neuralcomputer.actions import actions_of
from collector.importers.neuralcomputer.layout import SourceRecording
from collector.importers.neuralcomputer.log import LogRow, read_rows
from collector.importers.neuralcomputer.plan import PlannedRun, read_plan
from collector.importers.neuralcomputer.reasons import reasons
from collector.importers.video import CopiedVideo, VideoFacts, copy_video, video_facts
from manifests import __version__
from manifests.errors import GoaltraceError
from manifests.files import append_jsonl, new_folder, sha256_of
from manifests.session import Clock, Frame, SessionFolder, SessionManifest

ARMS = {"random": "random-fast", "agent": "agent"}
RECORDER = "neuralcomputer"
NOTES = {
    "random": ["made by NeuralComputer's random recorder and imported as it was"],
    "agent": ["made by NeuralComputer's agent recorder and imported as it was; 0, 0 in its log stands for no place"],
}


@dataclass(frozen=True)
class ReadRecording:
    """A session's documents, and what its video's header says."""

    source: SourceRecording
    facts: VideoFacts
    log: list[LogRow]
    pointer: list[LogRow] | None
    plan: PlannedRun

    @property
    def screen_rows(self) -> list[LogRow]:
        """The rows that are meant to be one a frame."""
        return self.log if self.pointer is None else self.pointer


def read_source(source: SourceRecording) -> ReadRecording:
    """Read all but the pictures; `GoaltraceError` naming the file that is missing or broken."""
    for path in source.files:
        if not path.is_file():
            raise GoaltraceError(f"{path}: missing; {', '.join(p.name for p in source.files)} make a session")
    pointer = read_rows(source.pointer) if source.pointer else None
    return ReadRecording(source, video_facts(source.video), read_rows(source.log), pointer, read_plan(source.plan))


def session_name(source: SourceRecording) -> str:
    """The session's id and folder: from its video's content, so that many record_0 can live side by side."""
    return f"{source.task_id}-{sha256_of(source.video)[:8]}"


def convert(read: ReadRecording, out: Path, on_frame: Callable[[], None] = lambda: None) -> SessionManifest:
    """Write the session into the new folder `out`, whole or not at all.

    Raises `GoaltraceError` when its video is broken, `out` exists, or the disk is full.
    """
    with new_folder(out) as root:
        folder = SessionFolder(root)
        copied = copy_video(read.source.video, folder.screen, on_frame)
        frames, actions = _with_pointer(copied.frames, read.screen_rows), actions_of(read.log, read.pointer)
        append_jsonl(folder.frames_path, frames)
        append_jsonl(folder.actions_path, actions)
        append_jsonl(folder.intents_path, read.plan.intents)
        manifest = _manifest(read, copied, out.name, len(actions))
        folder.write_manifest(manifest)
    return manifest


def _with_pointer(frames: Sequence[Frame], rows: Sequence[LogRow]) -> list[Frame]:
    """Row i of the log is made beside frame i; where they do not come out even, nothing is said of the pointer."""
    if len(frames) != len(rows):
        return list(frames)
    places = ({"cursor_x": max(row.x, -1), "cursor_y": max(row.y, -1)} for row in rows)
    return [frame.model_copy(update=place) for frame, place in zip(frames, places, strict=True)]


def _manifest(read: ReadRecording, copied: CopiedVideo, name: str, actions: int) -> SessionManifest:
    source, facts, arm = read.source, copied.facts, ARMS[read.source.tool]
    why = reasons(source.tool, len(copied.frames), facts.fps, read.log, read.pointer, read.plan)
    if copied.stamps_off_s > 1 / facts.fps:
        why.append(f"the video's own time stamps lie up to {copied.stamps_off_s:.2f} s from these times")
    return SessionManifest(
        recorder_version=RECORDER,
        session_id=name,
        episode_id=name,
        state="complete",
        kind="desktop",
        task_id=source.task_id,
        family=RECORDER,
        goal="",
        actor=arm,
        arm=arm,
        control=source.tool == "random",
        seed=0,
        width=facts.width,
        height=facts.height,
        fps=facts.fps,
        cursor_in_pixels=True,
        clock=Clock(source="nominal", origin_monotonic_ns=0, wall_unix_ns=read.plan.start_unix_ns, reasons=why),
        environment="import",
        outcome="unverified",
        outcome_detail="imported; nothing was checked",
        duration_ns=round(len(copied.frames) * 1e9 / facts.fps),
        frames=len(copied.frames),
        actions=actions,
        notes=[*NOTES[source.tool], f"pictures were re-encoded from {facts.codec}"],
        versions={
            "importer": f"goaltrace {__version__}",
            "pictures": f"re-encoded from {facts.codec}",
            **{f"sha256 of {path.name}": sha256_of(path) for path in source.files},
        },
    )
