"""Importing NeuralComputer's sessions: each whole, or named with the reason why not."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from collector.importers.neuralcomputer.convert import convert, read_source, session_name
from collector.importers.neuralcomputer.layout import SourceRecording, find_sources
from manifests.errors import GoaltraceError
from manifests.files import DiskFull
from manifests.item_errors import one_item
from manifests.plain_text import one_line
from manifests.progress import OnProgress, Progress, ignore


@dataclass(frozen=True)
class NeuralComputerResult:
    """One session of theirs, and what became of it."""

    video: Path
    state: Literal["imported", "there already", "would import", "skipped"]
    session: Path | None = None
    reason: str | None = None
    """Why it was skipped."""
    frames: int | None = None
    rows: int | None = None
    """Of its log, where nothing was imported."""
    actions: int | None = None
    reasons: tuple[str, ...] = ()
    """Why its times cannot be trusted."""


def import_neuralcomputer(
    folders: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    *,
    out: str | os.PathLike[str],
    dry_run: bool = False,
    on_result: Callable[[NeuralComputerResult], object] = ignore,
    on_progress: OnProgress = ignore,
) -> tuple[NeuralComputerResult, ...]:
    """Import every session in `folders` and below into `out`; what became of each, in order of name.

    `dry_run` reads the logs and writes nothing. `on_progress` counts frames. Raises `GoaltraceError` for a folder
    without sessions, and when the disk is full; a session that cannot be used is skipped with its reason.
    """
    given = [folders] if isinstance(folders, str | os.PathLike) else folders
    results: list[NeuralComputerResult] = []
    frames = 0

    def on_frame() -> None:
        nonlocal frames
        frames += 1
        on_progress(Progress("importing", frames, unit="frame"))

    for source in find_sources([Path(folder) for folder in given]):
        try:
            with one_item(source.video):
                result = _one(source, Path(out), dry_run, on_frame)
        except DiskFull:
            raise
        except GoaltraceError as error:
            result = NeuralComputerResult(source.video, "skipped", reason=one_line(str(error)))
        results.append(result)
        on_result(result)
    return tuple(results)


def _one(source: SourceRecording, out: Path, dry_run: bool, on_frame: Callable[[], None]) -> NeuralComputerResult:
    read = read_source(source)
    session = out / session_name(source)
    if (session / "session.json").is_file():
        return NeuralComputerResult(source.video, "there already", session)
    if dry_run:
        return NeuralComputerResult(source.video, "would import", session, frames=read.facts.frames, rows=len(read.log))
    manifest = convert(read, session, on_frame)
    return NeuralComputerResult(
        source.video, "imported", session, frames=manifest.frames, actions=manifest.actions,
        reasons=tuple(manifest.clock.reasons),
    )  # fmt: skip
