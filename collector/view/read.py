"""What can be read of a session, also of a broken one: a page that shows half of it beats a page that shows nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from collector.view.remux import own_times
from manifests.errors import GoaltraceError
from manifests.files import is_plain
from manifests.session import Action, Event, Frame, Intent, Record, SessionFolder, SessionManifest

LONGEST_NS = 10**15  # eleven days; also what a browser's numbers hold exactly
MOST_FRAMES = 5_000_000
R = TypeVar("R", bound=Record)


@dataclass(frozen=True)
class Session:
    """A session folder's documents, and one line for each thing that is wrong with them."""

    folder: SessionFolder
    manifest: SessionManifest | None
    frames: list[Frame]
    actions: list[Action]
    intents: list[Intent]
    events: list[Event]
    problems: list[str] = field(default_factory=list)

    @property
    def pictures(self) -> list[int]:
        """The picture of screen.mkv that shows each frame."""
        return [frame.index if frame.picture is None else frame.picture for frame in self.frames]

    @property
    def end_ns(self) -> int:
        """When the session's last known thing happened."""
        times = [frame.t1_ns for frame in self.frames[-1:]] + [action.t_ns for action in self.actions[-1:]]
        times += [intent.t_end_ns for intent in self.intents] + [event.t_ns for event in self.events]
        times.append(self.manifest.duration_ns if self.manifest else 0)
        return max((t for t in times if 0 <= t <= LONGEST_NS), default=0)


def read_session(folder: SessionFolder) -> Session:
    """All that is readable; never raises for what the folder holds."""
    problems: list[str] = []
    manifest = None
    try:
        manifest = folder.read_manifest()
    except GoaltraceError as error:
        problems.append(str(error))
    if manifest is not None and manifest.state == "recording":
        problems.append(
            "the recording has not ended, or its recorder was killed; "
            "'goaltrace sessions check' says which, 'goaltrace sessions recover' repairs it"
        )
    frames = _in_order(_records(folder.frames_path, Frame, problems), problems) or _from_video(folder, problems)
    actions = _records(folder.actions_path, Action, problems)
    intents = _records(folder.intents_path, Intent, problems, needed=False)
    events = _records(folder.events_path, Event, problems, needed=False)
    return Session(
        folder=folder,
        manifest=manifest,
        frames=frames,
        actions=sorted((a for a in actions if 0 <= a.t_ns <= LONGEST_NS), key=lambda action: action.t_ns),
        intents=[i for i in intents if 0 <= i.t_ns <= i.t_end_ns <= LONGEST_NS],
        events=sorted((e for e in events if 0 <= e.t_ns <= LONGEST_NS), key=lambda event: event.t_ns),
        problems=problems,
    )


def _records(path: Path, model: type[R], problems: list[str], needed: bool = True) -> list[R]:
    """The good lines of a log."""
    if not is_plain(path):
        if needed:
            problems.append(f"{path.name} is missing")
        return []
    records: list[R] = []
    bad: list[int] = []
    try:
        with path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                try:
                    records.append(model.model_validate_json(line))
                except ValidationError:
                    bad.append(number)
    except OSError as error:
        problems.append(f"{path.name} cannot be read ({error.strerror})")
    if bad:
        count = "1 line" if len(bad) == 1 else f"{len(bad)} lines"
        problems.append(f"{path.name}: {count} cannot be read (line {bad[0]}{' and others' if len(bad) > 1 else ''})")
    return records


def _in_order(frames: list[Frame], problems: list[str]) -> list[Frame]:
    """The frames whose times and pictures run forward; the slot rule and the video need that."""
    kept: list[Frame] = []
    last_ns = last_picture = 0
    for frame in frames:
        picture = frame.index if frame.picture is None else frame.picture
        forward = last_ns <= frame.t0_ns <= frame.t1_ns <= LONGEST_NS and last_picture <= picture <= frame.index
        if forward and frame.index < MOST_FRAMES:
            kept.append(frame)
            last_ns, last_picture = frame.t1_ns, picture
    if len(kept) < len(frames):
        problems.append(f"frames.jsonl: {len(frames) - len(kept)} frames are out of order and left out")
    return kept


def _from_video(folder: SessionFolder, problems: list[str]) -> list[Frame]:
    """Frames made up from the video alone."""
    times = [t for t in own_times(folder.screen) if t <= LONGEST_NS] if is_plain(folder.screen) else []
    if times:
        problems.append("no frame times: those of the video are shown, and they are not exact")
    return [Frame(index=i, t0_ns=t, t1_ns=t, picture=i) for i, t in enumerate(times)]
