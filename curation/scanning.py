"""`scan`: finding secrets and personal data in a data set, and writing a masked copy of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from curation.masking import write_masked
from curation.scan.session import ScanOptions
from curation.scan.stage import stage
from curation.scan_summary import ScanSummary, summary
from curation.stage import StageResult, require_workers, run_stage
from manifests.clip_io import ClipReader
from manifests.files import require_absent
from manifests.permissions import as_private_as
from manifests.progress import OnProgress, ignore
from manifests.secrets import NO_NAMES, names_of_this_machine, require_listable


@dataclass(frozen=True)
class MaskedDataset:
    """The data set in which everything found is masked."""

    path: Path
    clips: int
    left_out: Mapping[str, str]
    """Clip -> why it is left out."""


@dataclass(frozen=True)
class ScanResult:
    """What a scan found, in counts; no value that was found is in it."""

    found: ScanSummary
    tables: StageResult
    """The run of the stage; `damaged` names what could not be scanned."""
    masked: MaskedDataset | None
    """None where no `out` was given, or nothing was found."""


def scan(
    dataset: Path | str,
    *,
    out: Path | str | None = None,
    redact: Sequence[str] = (),
    keep_names: bool = False,
    workers: int = 0,
    force: bool = False,
    on_progress: OnProgress = ignore,
) -> ScanResult:
    """Look for secrets in a data set (docs/scanning.md); with `out`, write one there with what was found masked.

    Args:
        dataset: the data set's folder.
        out: the new data set's folder; it is written where something was found.
        redact: strings of the caller's own to look for as well. They are written nowhere.
        keep_names: do not look for the names of this machine and its user.
        workers: processes; 0 for one per core.
        force: scan again what was scanned already.

    What is written is as private as the data set. Raises `GoaltraceError` as `run_stage` and `select` do.
    """
    require_workers(workers)
    dataset, out = Path(dataset), None if out is None else Path(out)
    if out is not None:
        require_absent(out)
    for string in redact:
        require_listable(string, "redact")
    options = ScanOptions(tuple(redact), NO_NAMES if keep_names else names_of_this_machine())
    with as_private_as(dataset):
        # What a user listed is not in the name of a table, so one that is there may be of another list.
        again = force or bool(redact)
        tables = run_stage(stage(options), dataset, workers=workers, force=again, on_progress=on_progress)
        found = summary(ClipReader(dataset))
        masked = _masked(dataset, out, options, workers, on_progress) if out is not None and found.clips else None
    return ScanResult(found, tables, masked)


def _masked(dataset: Path, out: Path, options: ScanOptions, workers: int, on_progress: OnProgress) -> MaskedDataset:
    made = write_masked(dataset, out, options, workers, on_progress)
    return MaskedDataset(out, made.manifest.counts.clips, made.left_out)
