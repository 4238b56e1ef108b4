"""Packing sessions into a data set: every session is in it, or named with the reason why not."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from collector.packing.recorded_session import read_recorded_session, why_left_out
from collector.packing.rows import Packed, pack_session
from collector.ranges import require_between
from manifests.clip_io import SHARD_BYTES, ClipWriter, clip_table
from manifests.dataset import ClipCounter, DatasetFolder, DatasetManifest, Input, LeftOutItem, LineageStep
from manifests.errors import GoaltraceError
from manifests.files import new_folder, require_absent, sha256_of
from manifests.item_errors import one_item
from manifests.machine_names import without_machine_names
from manifests.permissions import as_private_as
from manifests.plain_text import one_line
from manifests.progress import OnProgress, Progress, ignore
from manifests.session import SessionFolder, find_sessions
from manifests.validate import invalid_reasons

CLIP_S = (1, 600)
"""The shortest and the longest clip, in seconds, that may be asked for."""
Sessions = str | os.PathLike[str] | SessionFolder | Iterable[str | os.PathLike[str] | SessionFolder]
"""Sessions, or folders of them."""


@dataclass(frozen=True)
class PackResult:
    """A data set that was made."""

    out: Path
    manifest: DatasetManifest
    """Counts, shards, lineage, and the sessions left out with the reasons."""


def pack(
    sessions: Sessions,
    *,
    out: str | os.PathLike[str],
    clip_s: float = 5.0,
    shard_bytes: int = SHARD_BYTES,
    keep_bad_timing: bool = False,
    on_progress: OnProgress = ignore,
) -> PackResult:
    """Write the clips of `sessions`, each of `clip_s` to twice as many seconds, into the new data set `out`.

    `keep_bad_timing` packs sessions of machines that were too busy as well. What is made is as private as the
    sessions are. Raises `GoaltraceError` when `out` exists, the disk is full, or no session can be packed; nothing is
    left behind.
    """
    require_between("--clip-seconds", clip_s, *CLIP_S)
    folders = _folders(sessions)
    folder = Path(out)
    require_absent(folder)
    with as_private_as(*(session.path for session in folders)):
        return PackResult(folder, _pack(folders, folder, clip_s, shard_bytes, keep_bad_timing, on_progress))


def plan_packing(sessions: Sessions, *, keep_bad_timing: bool = False) -> dict[Path, str | None]:
    """Each session, and why `pack` would leave it out as far as its documents say; None: it would not."""
    return {session.path: why_left_out(session, keep_bad_timing=keep_bad_timing) for session in _folders(sessions)}


def _folders(sessions: Sessions) -> list[SessionFolder]:
    given = [sessions] if isinstance(sessions, str | os.PathLike | SessionFolder) else sessions
    folders: list[SessionFolder] = []
    for one in given:
        folders.extend([one] if isinstance(one, SessionFolder) else find_sessions([Path(one)]))
    return folders


def _pack(
    sessions: Sequence[SessionFolder], out: Path, clip_s: float, shard_bytes: int, keep_bad_timing: bool,
    on_progress: OnProgress,
) -> DatasetManifest:  # fmt: skip
    counter = ClipCounter()
    left_out: list[LeftOutItem] = []
    inputs: list[Input] = []
    seen: set[str] = set()
    parameters = {"clip_s": clip_s} | ({"keep_bad_timing": True} if keep_bad_timing else {})
    on_progress(Progress("packing", 0, len(sessions), "session"))
    with new_folder(out) as root:
        with ClipWriter(root, shard_bytes) as writer:
            for number, session in enumerate(sessions, 1):
                try:
                    with one_item(session.path):
                        packed, clips = _pack_one(session, clip_s, seen, keep_bad_timing)
                        source = _input(session, packed)
                except GoaltraceError as error:
                    left_out.append(
                        LeftOutItem(name=one_line(session.path.name), reason=_public_reason(error, session))
                    )
                else:
                    for row, clip in zip(packed.rows, clips, strict=True):
                        writer.write_table(clip)
                        counter.add(row)
                    inputs.append(source)
                on_progress(Progress("packing", number, len(sessions), "session"))
        if not inputs:
            first = left_out[0] if left_out else None
            detail = f"; the first, {first.name}: {first.reason}" if first else ""
            raise GoaltraceError(f"none of {len(sessions)} sessions can be packed{detail}")
        manifest = DatasetManifest(
            name=out.name,
            counts=counter.result(),
            shards=writer.shards,
            lineage=[LineageStep(command="pack", parameters=parameters, inputs=inputs)],
            left_out=left_out,
        )
        DatasetFolder(root).write_manifest(manifest)
    return manifest


def _public_reason(error: GoaltraceError, session: SessionFolder) -> str:
    """Why a session is left out, without paths of this machine: its files are named as seen from its folder."""
    return one_line(without_machine_names(str(error), session.path))


def _pack_one(
    session: SessionFolder, clip_s: float, seen: set[str], keep_bad_timing: bool
) -> tuple[Packed, list[pa.Table]]:
    """One session's clips, all or none; `GoaltraceError` with the reason when it must be left out."""
    recorded = read_recorded_session(session, keep_bad_timing=keep_bad_timing)
    session_id = recorded.manifest.session_id
    if session_id in seen:
        raise GoaltraceError(f"session_id {session_id} is in the data set already")
    packed = pack_session(recorded, clip_s)
    clips = [clip_table(row) for row in packed.rows]
    for row, clip in zip(packed.rows, clips, strict=True):
        if bad := invalid_reasons(clip):
            raise GoaltraceError(f"does not reconcile: clip {row['clip_index']}: {bad[0]}")
    seen.add(session_id)
    return packed, clips


def _input(session: SessionFolder, packed: Packed) -> Input:
    digest = sha256_of(session.manifest_path)
    return Input(name=one_line(session.path.name), sha256=digest, frames_left_out=packed.frames_left_out)
