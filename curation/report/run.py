"""`report`: comparing a data set's goal-directed arms with its controls, and writing an HTML page about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from curation.derive import left_out_line
from curation.report.page import ReportedDataset, require_ours, write_report
from curation.report.table import ArmRow, Separation, compare, separations
from curation.tables import own_numbers, rows_with_scores
from manifests.clip_io import ClipReader
from manifests.permissions import as_private_as
from manifests.progress import OnProgress, Progress, ignore
from manifests.provenance import beside, write_provenance


@dataclass(frozen=True)
class ReportResult:
    """How the arms of a data set compare."""

    arms: tuple[ArmRow, ...]
    """One of each kind and arm, goal-directed ones first."""
    separations: tuple[Separation, ...]
    """How well each score sets an arm apart from a random one."""
    page: Path | None
    """The page, where one was asked for."""
    left_out: Mapping[str, str]
    """Clip that is invalid or cannot be drawn -> why."""


def report(
    dataset: Path | str, *, out: Path | str | None = None, page: bool = True, on_progress: OnProgress = ignore
) -> ReportResult:
    """Compare the arms of a data set, and write one HTML page about it that needs no network.

    Args:
        dataset: the data set's folder.
        out: the page's file; None for report.html in the data set.
        page: whether to write one.

    The page is as private as the data set. Raises `GoaltraceError` for a damaged data set, and where `out` is a file
    that is no report.
    """
    dataset = Path(dataset)
    with as_private_as(dataset):
        return _report(
            dataset, (Path(out) if out is not None else dataset / "report.html") if page else None, on_progress
        )


def _report(dataset: Path, page: Path | None, on_progress: OnProgress) -> ReportResult:
    left_out: dict[str, str] = {}

    def leave_out(clip: str, reason: str) -> None:
        left_out[clip] = reason
        on_progress(Progress("report", unit="clip", message=left_out_line(clip, reason)))

    reader = ClipReader(dataset)
    rows = rows_with_scores(reader)
    for clip, reason in dict(reader.left_out).items():
        leave_out(clip, reason)
    own = own_numbers(reader.manifest, rows)
    arms, apart = tuple(compare(rows, own)), tuple(separations(rows, own))
    if page is not None:
        require_ours(page)
        if page.resolve().parent != dataset.resolve():  # there it goes with the clips
            write_provenance(beside(page), "report", set(rows.column("session_id").to_pylist()), [page])
        write_report(ReportedDataset(reader, rows, arms, apart), page, leave_out)
    on_progress(Progress("report", len(rows), len(rows), "clip"))
    return ReportResult(arms, apart, page, left_out)
