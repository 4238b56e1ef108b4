"""The data-set manifest, dataset.json: the shards of a data set with their hashes, its counts, and its lineage."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from manifests import __version__
from manifests.errors import GoaltraceError
from manifests.files import parse_model, write_json
from manifests.versions import SCHEMA_VERSION, read_versioned

if TYPE_CHECKING:
    from manifests.clip import EventRow

MADE_BY = "<!-- made by goaltrace publish -->"
"""Marks a README.md that `goaltrace publish` generated, as opposed to one that a person wrote."""
_SHARD = re.compile(r"(clips|events|scores)/[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}\.parquet")


class DatasetPart(BaseModel):
    """Part of dataset.json; unknown keys of a later minor version are ignored."""

    model_config = ConfigDict(extra="ignore", allow_inf_nan=False)


class Shard(DatasetPart):
    """One Parquet file of the data set; `path` is relative to the data set's folder."""

    path: str
    rows: int = Field(ge=0, le=10**9)
    bytes: int = Field(ge=0, le=2**50)
    sha256: str = Field(max_length=64)

    @field_validator("path")
    @classmethod
    def _stays_inside(cls, value: str) -> str:
        if not _SHARD.fullmatch(value):
            raise ValueError(
                f"{value!r} points outside the data set, or is not NAME.parquet in its clips, events or scores"
            )
        return value


class ScoreTable(DatasetPart):
    """One table of scores keyed by clip_id."""

    shard: Shard
    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,63}$")]
    stage_version: str
    columns: list[str]
    parameters: dict[str, Any] = {}

    @field_validator("shard")
    @classmethod
    def _is_of_scores(cls, value: Shard) -> Shard:
        if not value.path.startswith("scores/"):  # or scoring again, which removes old tables, would remove clips
            raise ValueError(f"{value.path!r} is not scores/NAME.parquet")
        return value


class Input(DatasetPart):
    """A file, data set or session that a step of the lineage read."""

    name: str
    sha256: str
    frames_left_out: dict[str, int] = {}
    """pack: frames of this session that are in no clip, by reason ("trimmed", "cut")."""


class LineageStep(DatasetPart):
    """One command that led to this data set."""

    command: str
    version: str = __version__
    when_utc: str = Field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    parameters: dict[str, Any] = {}
    inputs: list[Input] = []


class LeftOutItem(DatasetPart):
    """A session or clip that is not in the data set, and why."""

    name: str
    reason: str


class Counts(DatasetPart):
    """How many sessions, clips and hours a data set has."""

    clips: Annotated[int, Field(ge=0, le=2**62)] = 0
    sessions: Annotated[int, Field(ge=0, le=2**62)] = 0
    frames: Annotated[int, Field(ge=0, le=2**62)] = 0
    actions: Annotated[int, Field(ge=0, le=2**62)] = 0
    hours: float = 0.0
    hours_by_arm: dict[str, float] = {}
    hours_by_kind: dict[str, float] = {}
    sessions_by_outcome: dict[str, int] = {}


class DatasetManifest(DatasetPart):
    """dataset.json."""

    schema_version: str = SCHEMA_VERSION
    name: str
    counts: Counts
    shards: list[Shard]
    scores: list[ScoreTable] = []
    lineage: list[LineageStep]
    left_out: list[LeftOutItem] = []

    @field_validator("shards")
    @classmethod
    def _are_clips(cls, value: list[Shard]) -> list[Shard]:
        paths = [shard.path for shard in value]
        if any(path.startswith("scores/") for path in paths):
            raise ValueError("a table of scores is named under scores")
        if len(set(paths)) < len(paths):
            raise ValueError(f"{next(path for path in paths if paths.count(path) > 1)!r} is named twice")
        return value


class DatasetFolder:
    """Paths and documents of one data-set folder."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.manifest_path = path / "dataset.json"

    def read_manifest(self) -> DatasetManifest:
        """dataset.json; `GoaltraceError` when missing, broken or of a newer major version."""
        if self.path.is_file():
            raise GoaltraceError(f"{self.path}: a file; give the folder that pack or select made")
        if not self.path.is_dir():
            raise GoaltraceError(
                f"{self.path}: no such data set; make one with: goaltrace pack SESSIONS --out {self.path}"
            )
        if not self.manifest_path.is_file():
            raise GoaltraceError(
                f"{self.path}: not a data set: dataset.json is missing; give a folder that pack or select made"
            )
        data = read_versioned(self.manifest_path, "a data-set manifest")
        return parse_model(DatasetManifest, data, self.manifest_path)

    def write_manifest(self, manifest: DatasetManifest) -> None:
        write_json(self.manifest_path, manifest)

    @staticmethod
    def shard_names(manifest: DatasetManifest, config: str) -> list[str]:
        """Relative paths of the shards of `clips` or `events`, in order."""
        return [shard.path for shard in manifest.shards if shard.path.startswith(f"{config}/")]


class ClipCounter:
    """Adds up `Counts` clip by clip."""

    def __init__(self) -> None:
        self._counts = Counts()
        self._outcomes: dict[str, str] = {}

    def add(self, row: EventRow) -> None:
        """Count one clip; its video is not read."""
        counts, hours = self._counts, row["duration_ns"] / 3.6e12
        counts.clips += 1
        counts.frames += len(row["t0_ns"])
        counts.actions += sum(not action.get("repeat") for action in row["actions"])
        counts.hours += hours
        counts.hours_by_arm[row["arm"]] = counts.hours_by_arm.get(row["arm"], 0.0) + hours
        counts.hours_by_kind[row["kind"]] = counts.hours_by_kind.get(row["kind"], 0.0) + hours
        self._outcomes[row["session_id"]] = row["outcome"]

    def result(self) -> Counts:
        self._counts.sessions = len(self._outcomes)
        outcomes = sorted(self._outcomes.values())
        self._counts.sessions_by_outcome = {name: outcomes.count(name) for name in dict.fromkeys(outcomes)}
        return self._counts
