"""Writing a copy of a data set in which everything sensitive is masked; a clip that cannot be masked is left out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from curation.derive import DerivedDataset, derive
from curation.scan.clips import clips_of, reader_of
from curation.scan.mask import Masked, mask
from curation.scan.painting import NotThere, painted
from curation.scan.session import ScanOptions
from curation.scan.stage import NAME, VERSION, sessions_of, stage
from curation.stage import run_stage
from manifests.clip import ClipRow
from manifests.clip_io import BadClip, ClipReader
from manifests.dataset import LineageStep
from manifests.files import require_absent
from manifests.progress import OnProgress


def write_masked(
    dataset: Path, out: Path, options: ScanOptions, workers: int, on_progress: OnProgress
) -> DerivedDataset:
    """Write the data set at `out`, masked, and scan it.

    Pixels are painted over where the text of the pictures is known. Where it is not, a clip in which something was
    found is left out together with the later clips of its session, whose pixels may still show it. Raises
    `GoaltraceError` as `derive` does.
    """
    require_absent(out)
    reader = reader_of(dataset)
    sessions = sessions_of(dataset)
    of_clip = {clip_id: session for session, clip_ids in sessions.items() for clip_id in clip_ids}
    take = _Taking(reader, lambda clip_id: mask(clips_of(dataset, sessions[of_clip[clip_id]]), options))
    how = stage(options)
    step = LineageStep(
        command="goaltrace scan --mask", parameters={"stage": NAME, "stage_version": VERSION, **how.parameters}
    )
    return derive(
        [reader], out, list(of_clip), take, step, on_progress, not_carried=[NAME],
        finish=lambda root: run_stage(how, root, workers=workers),
    )  # fmt: skip


class _Taking:
    """Returns clip after clip, masked; a session is masked as a whole when its first clip is asked for."""

    def __init__(self, reader: ClipReader, mask_session: Callable[[str], dict[str, Masked]]) -> None:
        self._reader, self._mask = reader, mask_session
        self._made: dict[str, Masked] = {}

    def __call__(self, clip_id: str) -> ClipRow:
        if clip_id not in self._made:
            self._made = self._mask(clip_id)
        masked = self._made[clip_id]
        if masked.left_out:
            raise BadClip(masked.left_out)
        row: ClipRow = {**self._reader.read(clip_id), **masked.columns}
        if masked.boxes:
            try:
                video = painted(row["video"]["bytes"], masked.boxes)
            except NotThere as error:
                raise BadClip(f"something sensitive stands in its text, but {error}") from None
            row["video"] = {"bytes": video, "path": row["video"]["path"]}
        return row
