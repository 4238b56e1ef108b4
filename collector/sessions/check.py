"""Checks a session folder: what is wrong with it, problem by problem, whatever its files hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from collector.recording.live import is_live
from collector.recording.timing import in_words
from collector.sessions.cast_cut import has_cast
from collector.sessions.frames import picture_of, whole_frames
from collector.sessions.logs import Log, read_log
from collector.sessions.person import consent_problems, event_problems, leaks
from collector.sessions.pictures import Pictures, count_decodable, read_pictures
from collector.sessions.problem import MEND_DECODED, Problem
from collector.terminal.cast import open_cast
from manifests.errors import GoaltraceError
from manifests.item_errors import one_item
from manifests.session import Action, Cursor, Event, Frame, Intent, SessionFolder, SessionManifest

_GOP_LIMIT_MS = 2000
"""Twice the second after which a GOP should end."""
LIVE = "is being recorded now"


def check_session(folder: SessionFolder, decode: bool = False) -> list[Problem]:
    """Everything that is wrong with a session; an empty list for one that is fine.

    With `decode`, every picture is decoded, which finds damage inside pictures. Never raises for what files hold;
    a file that cannot be opened at all is a problem too.
    """
    try:
        with one_item(folder.path):
            return list(_problems(folder, decode))
    except GoaltraceError as fault:
        error = fault.__cause__
        if not isinstance(error, OSError):
            return [Problem("folder", str(fault), "nothing more can be said", "restore it from a copy")]
        name = Path(error.filename).name if isinstance(error.filename, str) else "folder"
        mend = "give yourself the right to read it, or mend the disk"
        return [Problem(name, f"cannot be read: {error.strerror}", "nothing more can be said", mend)]


def is_being_recorded(problems: Sequence[Problem]) -> bool:
    return any(problem.what == LIVE for problem in problems)


def _problems(folder: SessionFolder, decode: bool) -> Iterator[Problem]:
    manifest = None
    try:
        manifest = folder.read_manifest()
    except GoaltraceError as error:
        problem = str(error).removeprefix(f"{folder.manifest_path}: ").removeprefix(f"{folder.path}: ")
        yield Problem("session.json", problem, "nothing else says what was recorded", "restore it from a copy")
    if manifest is not None and manifest.state == "recording":
        if is_live(folder):
            yield Problem("session.json", LIVE, "its logs are in use", "check it when it has ended", damage=False)
            return
        yield Problem("session.json", "the recording did not finish", "the recorder was killed")
    frames = read_log(folder.frames_path, Frame)
    actions = read_log(folder.actions_path, Action)
    events = read_log(folder.events_path, Event)
    logs: list[Log[Any]] = [
        frames,
        actions,
        read_log(folder.intents_path, Intent),
        events,
        read_log(folder.cursors_path, Cursor),
    ]
    yield from (log.problem for log in logs if log.problem is not None)
    yield from _sequence(actions)
    if manifest is not None:
        cast = has_cast(folder, manifest)
        undrawn = cast and not folder.screen.exists()
        if undrawn:
            yield Problem("screen.mkv", "missing", "the terminal was recorded, its frames were not drawn yet")
        else:
            yield from _screen(folder, manifest, frames.records, decode)
        if manifest.state == "complete":
            yield from _counts(manifest, frames, actions, undrawn)
        if cast:
            yield from cast_problems(folder)
        yield from consent_problems(folder, manifest)
        yield from event_problems(events.records)
        if manifest.actor.startswith("human"):
            yield from leaks(events.records, frames.records, actions.records)
        yield from _remarks(manifest)


def _sequence(actions: Log[Action]) -> Iterator[Problem]:
    for a, b in pairwise(actions.records):
        if b.seq <= a.seq:
            yield Problem("actions.jsonl", f"seq {b.seq} follows {a.seq}", "lines are doubled or out of order",
                          "record the session again")  # fmt: skip
            return


def _counts(manifest: SessionManifest, frames: Log[Frame], actions: Log[Action], undrawn: bool) -> Iterator[Problem]:
    for name, counted, log in (("frames", manifest.frames, frames), ("actions", manifest.actions, actions)):
        if undrawn and name == "frames":
            continue
        if not log.path.is_file():
            yield Problem(log.path.name, "missing", f"session.json counts {counted} {name}")
        elif counted != len(log.records) and log.whole:
            what = f"{len(log.records)} {name}, but session.json says {counted}"
            yield Problem(log.path.name, what, "something was lost, or session.json was not brought up to date")


def _screen(folder: SessionFolder, manifest: SessionManifest, frames: list[Frame], decode: bool) -> Iterator[Problem]:
    try:
        video = read_pictures(folder.screen)
    except GoaltraceError as error:
        problem = str(error).removeprefix(f"{folder.screen}: ")
        yield Problem("screen.mkv", problem, "no picture of it can be read")
        video = None
    _, reason = whole_frames(frames, video, timed=manifest.environment != "import")
    if reason:
        yield Problem("frames.jsonl", reason, "the frames from there on are not whole")
    if video is None:
        return
    if video.reason:
        what = f"cannot be read after picture {len(video)}: {video.reason}"
        yield Problem("screen.mkv", what, "it was cut short or damaged")
    elif frames and not reason and len(video) > picture_of(frames[-1]) + 1:
        what = f"{len(video)} pictures, {picture_of(frames[-1]) + 1} are shown by frames"
        yield Problem("screen.mkv", what, "the last pictures belong to no frame")
    if (video.width, video.height) != (manifest.width, manifest.height):
        what = f"{video.width} x {video.height} px, session.json says {manifest.width} x {manifest.height}"
        yield Problem("screen.mkv", what, "the video of another session?", "restore the session's own video")
    if manifest.environment != "import":
        yield from _groups(video)
    if decode and (whole := count_decodable(folder.screen, len(video))) < len(video):
        yield Problem("screen.mkv", f"picture {whole} does not decode", "bytes inside it are damaged", MEND_DECODED)


def _groups(video: Pictures) -> Iterator[Problem]:
    """Packing cuts at key frames: the first picture is one, and the next ones follow about every second."""
    if not len(video):
        return
    mend = "record the session again: packing can only cut at key frames"
    if not video.pictures[0].key:
        yield Problem("screen.mkv", "does not begin with a key frame", "its first pictures cannot be decoded", mend)
        return
    start = 0.0
    for number, picture in enumerate(video.pictures):
        if picture.key:
            start = picture.t_ms
        elif picture.t_ms - start > _GOP_LIMIT_MS:
            what = f"picture {number} is {(picture.t_ms - start) / 1000:.1f} s after its key frame"
            yield Problem("screen.mkv", what, "a key frame is due every second", mend)
            return


def cast_problems(folder: SessionFolder) -> Iterator[Problem]:
    """What is wrong with a terminal's cast."""
    if not folder.cast.is_file():
        yield Problem("terminal.cast", "missing", "what the terminal showed is lost", "record the session again")
        return
    try:
        for _ in open_cast(folder.cast).events():
            pass
        with folder.cast.open("rb") as cast:
            cast.seek(-1, 2)
            if cast.read(1) != b"\n":
                yield Problem(
                    "terminal.cast", "the last line is cut short", "the recorder was killed while it wrote it"
                )
    except GoaltraceError as error:
        problem = str(error).removeprefix(f"{folder.cast}: ")
        yield Problem("terminal.cast", problem, "what the terminal showed cannot be drawn from there on")


def _remarks(manifest: SessionManifest) -> Iterator[Problem]:
    """What keeps a whole session out of data sets."""
    for reason in manifest.invalid_reasons:
        yield Problem("session.json", in_words(reason), "the log may not hold all that happened",
                      "pack leaves it out; record it again", damage=False)  # fmt: skip
    if manifest.state == "complete" and manifest.outcome == "aborted":
        what = f"aborted: {manifest.outcome_detail}"
        yield Problem("session.json", what, "the task was not finished", "pack leaves it out", damage=False)
