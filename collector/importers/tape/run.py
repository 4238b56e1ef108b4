"""Running VHS tapes, each in a terminal of its own, and recording them as sessions."""

from __future__ import annotations

import os
import re
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from collector.campaign import Campaign, EpisodeResult
from collector.environments.choose import Unattended, environment_of
from collector.episodes.spec import EpisodeSpec
from collector.episodes.tape import NothingToRun
from collector.ranges import require_between
from collector.tapes.load import load_tape
from collector.tapes.spec import spec_of
from manifests.errors import GoaltraceError
from manifests.files import require_writable
from manifests.item_errors import one_item
from manifests.progress import OnProgress, Progress, ignore
from manifests.session import SessionFolder

TapeState = Literal["recorded", "there already", "would record", "shows nothing", "stopped", "failed"]
MAX_TAPES = 100_000
_STOPPED = ("KeyboardInterrupt", "stopped before", "the recorder ended with status -15:")
"""How the result of a tape begins that Ctrl-C ended: the last, when its recorder had hardly begun."""


@dataclass(frozen=True)
class TapeResult:
    """One tape and what became of it."""

    tape: Path
    state: TapeState
    """"stopped": by Ctrl-C; "shows nothing": it was found in a folder, and has no commands to run."""
    session: Path | None = None
    reason: str | None = None
    """Why it failed."""
    seconds: float | None = None
    notes: tuple[str, ...] = ()
    """Where the run differs from what the tape asks for."""


def import_tapes(
    paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    *,
    out: str | os.PathLike[str],
    env: Unattended = "docker",
    workers: int = 1,
    fps: float | None = None,
    max_duration_s: float = 600.0,
    system: str | None = None,
    dry_run: bool = False,
    on_result: Callable[[TapeResult], object] = ignore,
    on_progress: OnProgress = ignore,
) -> tuple[TapeResult, ...]:
    """Run tapes (files, or folders of .tape files) and record each into `out`; what became of each, in order of name.

    A tape runs commands: with `env` "local" as the user who calls. `fps` None: the tape's own frame rate, else 15.
    `dry_run` only reads the tapes. `on_result` is called with each tape's result, in the thread that called.
    Ctrl-C, or an exception in a callback, ends the running tapes cleanly and is raised. Raises `GoaltraceError` for
    options out of range, paths without tapes and an `out` that cannot be written.
    """
    require_between("--workers", workers, 1, 256)
    if fps is not None:
        require_between("--fps", fps, 1, 60)
    require_between("--max-duration", max_duration_s, 1, 3600)
    folder = Path(out)
    require_writable(folder)
    results: list[TapeResult] = []

    def add(result: TapeResult) -> None:
        results.append(result)
        on_result(result)

    given = [paths] if isinstance(paths, str | os.PathLike) else paths
    specs, tapes = _read([Path(path) for path in given], env, fps, max_duration_s, add)
    if dry_run:
        for spec in specs:
            add(_result(tapes[spec.episode_id], spec, "would record", folder))
    elif specs:
        notes: deque[str] = deque()
        environment = environment_of(env, system, notes.append)
        environment.prepare({"terminal"})
        by_name = {spec.episode_id: spec for spec in specs}
        ran = 0

        def progress() -> None:
            for message in [notes.popleft() for _ in range(len(notes))] or [""]:
                on_progress(Progress("running", ran, len(specs), "tape", message))

        def done(result: EpisodeResult) -> None:
            nonlocal ran
            ran += 1
            progress()
            add(_ended(result, by_name[result.episode_id], tapes[result.episode_id], folder))

        def report(episode: str, event: dict[str, Any]) -> None:
            pass

        progress()
        Campaign(environment, folder, workers).run(specs, done, report)
    return tuple(sorted(results, key=lambda result: str(result.tape)))


def _read(
    paths: list[Path], env: Unattended, fps: float | None, max_duration_s: float, add: Callable[[TapeResult], None]
) -> tuple[list[EpisodeSpec], dict[str, Path]]:
    """The specifications of the tapes that can be run, and each one's tape by episode; `add` gets the others."""
    specs: dict[str, EpisodeSpec] = {}
    tapes: dict[str, Path] = {}
    for path, named in _find(paths).items():
        try:
            with one_item(path):
                tape = load_tape(path)
                spec = spec_of(tape, path, environment=env, fps=fps, max_duration_s=max_duration_s)
        except NothingToRun as error:
            add(TapeResult(path, "failed", reason=str(error)) if named else TapeResult(path, "shows nothing"))
        except GoaltraceError as error:
            add(TapeResult(path, "failed", reason=str(error)))
        else:
            specs.setdefault(spec.episode_id, spec)
            tapes.setdefault(spec.episode_id, path)
    return list(specs.values()), tapes


def _find(paths: list[Path]) -> dict[Path, bool]:
    """Every tape, in order, and whether it was named itself; `GoaltraceError` for a path without any."""
    found: dict[Path, bool] = {}
    for path in paths:
        if not path.is_dir():
            found[path] = True
            continue
        below = sorted(tape for tape in path.rglob("*.tape") if tape.is_file())
        if not below:
            raise GoaltraceError(f"{path}: no .tape file in it or below; give tapes or folders of them")
        for tape in below:
            found.setdefault(tape, False)
    if len(found) > MAX_TAPES:
        raise GoaltraceError(f"{len(found):,} tapes at once; give at most {MAX_TAPES:,}")
    return found


def _ended(result: EpisodeResult, spec: EpisodeSpec, tape: Path, out: Path) -> TapeResult:
    from collector.tapes.screenshots import draw_screenshots

    if result.detail.startswith(_STOPPED):
        return _result(tape, spec, "stopped", out)
    if result.outcome == "aborted":
        return _result(tape, spec, "failed", out, re.sub(r"^the recorder ended with status -?\d+: ", "", result.detail))
    try:
        with one_item("its pictures"):
            draw_screenshots(SessionFolder(out / result.episode_id))
    except (GoaltraceError, OSError) as error:
        return _result(tape, spec, "failed", out, f"Screenshot: {error}")
    return _result(tape, spec, "there already" if result.reused else "recorded", out, seconds=result.seconds)


def _result(
    tape: Path, spec: EpisodeSpec, state: TapeState, out: Path, reason: str | None = None,
    seconds: float | None = None,
) -> TapeResult:  # fmt: skip
    notes = tuple(spec.tape.notes) if spec.tape else ()
    return TapeResult(tape, state, out / spec.episode_id, reason, seconds, notes)
