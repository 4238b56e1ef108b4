"""Packing sessions into a data set: every session is in it, or named with the reason why not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pyarrow as pa

from collector.packing.recorded import read_recorded
from collector.packing.rows import Packed, pack_session
from manifests.clip_io import SHARD_BYTES, ClipWriter, clip_table
from manifests.dataset import Counter, DatasetFolder, DatasetManifest, Input, LeftOut, LineageStep
from manifests.errors import GoaltraceError
from manifests.files import new_folder, sha256_of
from manifests.here import without_places
from manifests.items import one_item
from manifests.plain import one_line
from manifests.session import SessionFolder
from manifests.validate import invalid_reasons


def pack(
    sessions: Sequence[SessionFolder],
    out: Path,
    *,
    clip_s: float = 5.0,
    shard_bytes: int = SHARD_BYTES,
    keep_bad_timing: bool = False,
    progress: Callable[[SessionFolder], None] = lambda _: None,
) -> DatasetManifest:
    """Write the clips of `sessions` into the new data set `out`.

    Raises `GoaltraceError` when `out` exists, the disk is full, or no session can be packed; nothing is left behind.
    """
    counter = Counter()
    left_out: list[LeftOut] = []
    inputs: list[Input] = []
    seen: set[str] = set()
    parameters = {"clip_s": clip_s} | ({"keep_bad_timing": True} if keep_bad_timing else {})
    with new_folder(out) as root:
        with ClipWriter(root, shard_bytes) as writer:
            for session in sessions:
                try:
                    with one_item(session.path):
                        packed, clips = _pack_one(session, clip_s, seen, keep_bad_timing)
                        source = _input(session, packed)
                except GoaltraceError as error:
                    left_out.append(LeftOut(name=one_line(session.path.name), reason=_told(error, session)))
                else:
                    for row, clip in zip(packed.rows, clips, strict=True):
                        writer.write_table(clip)
                        counter.add(row)
                    inputs.append(source)
                progress(session)
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


def _told(error: GoaltraceError, session: SessionFolder) -> str:
    """Why a session is left out, for everybody: its files are named as seen from its folder."""
    return one_line(without_places(str(error), session.path))


def _pack_one(
    session: SessionFolder, clip_s: float, seen: set[str], keep_bad_timing: bool
) -> tuple[Packed, list[pa.Table]]:
    """One session's clips, all or none; `GoaltraceError` with the reason when it must be left out."""
    recorded = read_recorded(session, keep_bad_timing=keep_bad_timing)
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
