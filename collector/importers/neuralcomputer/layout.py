"""Which files make a session: the two recorders name them differently."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from manifests.errors import GoaltraceError

_RANDOM = re.compile(r"(?:record_(\d{1,9})\.(?:mp4|csv)|actions_(\d{1,9})\.json)")
_AGENT = re.compile(r"(?:screen_)?(.{1,200})\.(?:mp4|csv)")


@dataclass(frozen=True)
class SourceRecording:
    """The files of one session; some may be missing."""

    tool: Literal["random", "agent"]
    name: str
    """"0" of record_0.mp4, "t1" of t1.mp4."""
    video: Path
    log: Path
    """What was logged: a row a frame (random), or a row before and after each action (agent)."""
    plan: Path
    """What was to be done (random), or the agent's calls (agent)."""
    pointer: Path | None = None
    """Where the pointer was, a row a frame (agent)."""

    @property
    def task_id(self) -> str:
        name = re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-")[:40]
        return f"nc-{self.tool}-{name or 'session'}"

    @property
    def files(self) -> list[Path]:
        return [path for path in (self.video, self.log, self.pointer, self.plan) if path is not None]


def find_sources(folders: Sequence[Path]) -> list[SourceRecording]:
    """Every session in `folders` and below, in order of name; `GoaltraceError` for a folder that has none."""
    found: dict[Path, SourceRecording] = {}
    for folder in folders:
        if not folder.is_dir():
            raise GoaltraceError(f"{folder}: no such folder; give one with record_N.mp4 or NAME.mp4 and their logs")
        below = [source for inner in _folders(folder) for source in _in_folder(inner)]
        if not below:
            raise GoaltraceError(
                f"{folder}: no NeuralComputer session in it or below (record_N.mp4, record_N.csv, actions_N.json; or "
                "NAME.mp4, NAME.csv, screen_NAME.csv, NAME.json)"
            )
        found.update({source.video.resolve(): source for source in below})
    return list(found.values())


def _folders(folder: Path) -> Iterator[Path]:
    yield folder
    for inner in sorted(folder.iterdir()):
        if inner.is_dir() and not inner.is_symlink():
            yield from _folders(inner)


def _in_folder(folder: Path) -> list[SourceRecording]:
    randoms: set[int] = set()
    agents: set[str] = set()
    for path in folder.iterdir():
        if match := _RANDOM.fullmatch(path.name):
            randoms.add(int(match[1] or match[2]))
        elif match := _AGENT.fullmatch(path.name):
            agents.add(match[1])
    return [_random(folder, number) for number in sorted(randoms)] + [_agent(folder, name) for name in sorted(agents)]


def _random(folder: Path, number: int) -> SourceRecording:
    log, plan = folder / f"record_{number}.csv", folder / f"actions_{number}.json"
    return SourceRecording("random", str(number), folder / f"record_{number}.mp4", log, plan)


def _agent(folder: Path, name: str) -> SourceRecording:
    video, log, plan = (folder / f"{name}.{kind}" for kind in ("mp4", "csv", "json"))
    return SourceRecording("agent", name, video, log, plan, folder / f"screen_{name}.csv")
