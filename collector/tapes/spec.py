"""A tape as an episode like any other: what the runner needs to know, derived from the tape."""

from __future__ import annotations

import hashlib
import re
import uuid
from pathlib import Path

from collector.episodes.spec import EnvironmentName, EpisodeSpec
from collector.episodes.tape import Tape, TapeError
from collector.tapes.options import least_seconds, options_of
from manifests.task import TaskManifest
from manifests.versions import SCHEMA_VERSION

ARM = "tape"
_DEFAULT_FPS = 15.0


def spec_of(
    tape: Tape, path: Path, *, environment: EnvironmentName, fps: float | None, max_duration_s: float
) -> EpisodeSpec:
    """The episode of a tape. Its id holds a digest of what the tape does, so that a changed tape is another episode.

    Raises `TapeError` for a tape that cannot be done in `max_duration_s`.
    """
    options = options_of(tape.commands)
    least = least_seconds(tape.commands)
    if least > max_duration_s:
        raise TapeError(
            f"{path}:1:1: takes at least {least:.0f} s (Sleep and typing alone), more than the {max_duration_s:g} s "
            "allowed; shorten it or give a longer --max-duration"
        )
    digest = hashlib.sha256(tape.model_dump_json(include={"commands"}).encode()).hexdigest()
    slug = re.sub(r"[^a-z0-9]+", "-", tape.name.lower().removesuffix(".tape")).strip("-")[:40].strip("-") or "unnamed"
    task = TaskManifest.model_validate(
        {"schema_version": SCHEMA_VERSION, "id": f"tape-{slug}", "kind": "terminal", "family": ARM, "goal": tape.goal,
         "script": [], "check": [], "timeout_s": max_duration_s, "columns": options.columns, "rows": options.rows}
    )  # fmt: skip
    return EpisodeSpec(
        session_id=uuid.uuid4().hex, episode_id=f"{task.id}-{digest[:8]}", task=task,
        parameters={"tape": tape.name, "sha256": digest}, agent="tape", arm=ARM, seed=0,
        fps=fps or min(60.0, max(1.0, options.fps or _DEFAULT_FPS)), max_duration_s=max_duration_s,
        environment=environment, tape=tape,
    )  # fmt: skip
