"""Merging several data sets into one; clips are copied bit for bit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from curation.derive import derive, left_out_line, stage_rows
from curation.stages import STAGES
from manifests.clip import ClipRow
from manifests.clip_io import BadClip, ClipReader
from manifests.dataset import LineageStep
from manifests.errors import GoaltraceError
from manifests.files import require_absent
from manifests.item_errors import UnexpectedError, one_item
from manifests.permissions import as_private_as
from manifests.progress import OnProgress, Progress, ignore

_READ = ("clip_id", "session_id", "duration_ns")


@dataclass(frozen=True)
class MergeResult:
    """What a merged data set has, or would have."""

    out: Path | None
    """The new data set; None where nothing was written."""
    clip_ids: tuple[str, ...]
    """In the order of the data sets, and of each one's own."""
    sessions: int
    hours: float
    repeated: tuple[str, ...]
    """Clips that more than one data set has, and that are kept once."""
    carried: tuple[str, ...]
    """Stages whose tables are copied, for the shards of which they cover every clip."""
    not_carried: Mapping[str, str]
    """Stage -> why its tables are not copied."""
    left_out: Mapping[str, str]
    """Invalid clip -> why it is left out."""


@dataclass
class _Merged:
    """The clips to keep, collected data set by data set."""

    readers: dict[str, ClipReader] = field(default_factory=dict)
    """Clip -> the reader of its data set."""
    sessions: dict[str, str] = field(default_factory=dict)
    hours: dict[str, float] = field(default_factory=dict)
    repeated: dict[str, None] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)

    def keep(self, clip_id: str, reader: ClipReader, session_id: str, duration_ns: int) -> None:
        self.left_out.pop(clip_id, None)
        self.readers[clip_id] = reader
        self.sessions[clip_id] = session_id
        self.hours[clip_id] = duration_ns / 3.6e12


def merge(
    datasets: Sequence[Path | str], *, out: Path | str | None = None, on_progress: OnProgress = ignore
) -> MergeResult:
    """Make one data set of several; with `out`, write it there. Older data sets are read as this release writes them.

    A clip that two data sets have is kept once where it is the same in both. The stages' tables are copied where
    every data set has them, of one version and with equal parameters; the lineage is that of all. The new data set is
    written atomically, and is as private as the most private of the data sets.

    Raises `GoaltraceError` for fewer than two data sets, for clips that have one id and differ, for an existing `out`
    and for a damaged shard.
    """
    paths, out = [Path(dataset) for dataset in datasets], None if out is None else Path(out)
    if len(paths) < 2:
        raise GoaltraceError("give two data sets or more to merge")
    with as_private_as(*paths):
        return _merge(paths, out, on_progress)


def _merge(paths: Sequence[Path], out: Path | None, on_progress: OnProgress) -> MergeResult:
    if out is not None:
        require_absent(out)
    parents = [ClipReader(path) for path in paths]
    merged = _Merged()
    for parent in parents:
        _add(parent, merged)
    for clip, reason in merged.left_out.items():
        on_progress(Progress("merge", unit="clip", message=left_out_line(clip, reason)))
    if not merged.readers:
        raise GoaltraceError("none of the data sets has a clip; nothing was written")
    carried, not_carried = stage_rows(parents)
    not_carried |= {stage: why for stage in carried if (why := _why_not_carried(stage, merged))}
    if out is not None:
        step = LineageStep(command="goaltrace merge", parameters={"repeated": len(merged.repeated)})
        made = derive(
            parents, out, list(merged.readers), lambda clip_id: merged.readers[clip_id].read(clip_id), step,
            on_progress, not_carried=list(not_carried),
        )  # fmt: skip
        merged.left_out |= made.left_out
    kept = [clip_id for clip_id in merged.readers if clip_id not in merged.left_out]
    return MergeResult(
        out=out,
        clip_ids=tuple(kept),
        sessions=len({merged.sessions[clip_id] for clip_id in kept}),
        hours=sum(merged.hours[clip_id] for clip_id in kept),
        repeated=tuple(merged.repeated),
        carried=tuple(stage for stage in carried if stage not in not_carried),
        not_carried=not_carried,
        left_out=merged.left_out,
    )


def _add(parent: ClipReader, merged: _Merged) -> None:
    """Add a data set's clips. Its index is read with all columns, so that every clip is validated in full."""
    rows = parent.index().select(_READ)
    bad = dict(parent.left_out)
    for clip_id, session_id, duration_ns in zip(*(rows.column(name).to_pylist() for name in _READ), strict=True):
        first = merged.readers.get(clip_id)
        if first is None:
            merged.keep(clip_id, parent, session_id, duration_ns)
            continue
        here = _row(parent, clip_id, bad)
        if here is None:
            continue  # the other is kept, and may be as broken: then it is left out when it is written
        there = _row(first, clip_id, merged.left_out)
        if there is None:
            merged.keep(clip_id, parent, session_id, duration_ns)
            continue
        if here != there:
            raise GoaltraceError(
                f"{first.folder.path} and {parent.folder.path}: clip {clip_id} is in both and differs; leave it out of "
                f"one of them: goaltrace select --where \"clip_id <> '{clip_id}'\""
            )
        merged.repeated[clip_id] = None
    merged.left_out |= {clip: reason for clip, reason in bad.items() if clip not in merged.readers}


def _row(reader: ClipReader, clip_id: str, bad: dict[str, str]) -> ClipRow | None:
    """The whole clip with its video; None for an invalid one, with the reason added to `bad`."""
    try:
        with one_item(f"clip {clip_id}"):
            return reader.read(clip_id)
    except (BadClip, UnexpectedError) as error:
        bad[clip_id] = str(error)
        return None


def _why_not_carried(stage: str, merged: _Merged) -> str:
    """Why a stage's rows for the single data sets are not valid for the merged one; empty where they are."""
    if stage not in STAGES or not STAGES[stage].whole_sessions:
        return ""
    owners: dict[str, ClipReader] = {}
    for clip_id, reader in merged.readers.items():
        session_id = merged.sessions[clip_id]
        if owners.setdefault(session_id, reader) is not reader:
            return f"clips of session {session_id} come from more than one of them, and it looks at whole sessions"
    return ""
