"""`compare`: evaluated runs side by side, on the same clips and seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from manifests.errors import GoaltraceError
from manifests.files import require_absent, write_text
from manifests.permissions import as_private_as


@dataclass(frozen=True)
class CompareResult:
    """The runs' figures, and the differences of each to the first."""

    runs: tuple[Path, ...]
    document: dict[str, Any]
    """{"runs", "steps", "clips", "seeds", "kinds": {kind: {row: {figure: {"values", "differences"}}}}, "notes"}"""
    text: str
    """As a table of a terminal."""
    page: Path | None


def compare(runs: Sequence[str | Path], *, out: str | Path | None = None) -> CompareResult:
    """Set evaluated runs side by side, with paired intervals of the differences to the first.

    Args:
        runs: folders of at least two runs that were evaluated on the same clips, frames and seeds.
        out: also write an HTML page, PAGE.html.

    Raises:
        GoaltraceError: they were evaluated on other clips, frames, seeds, rates or sizes, or not at all; says what
            mends it.
    """
    folders, page = [Path(run) for run in runs], None if out is None else Path(out)
    with as_private_as(*folders):
        if len(folders) < 2:
            raise GoaltraceError("RUN RUN: give at least two runs to compare")
        if page is not None:
            if page.suffix != ".html":
                raise GoaltraceError(f"--out {page}: name it .html")
            require_absent(page)
        from manifests.provenance import beside, write_provenance
        from trainer.evaluation import compare as side_by_side

        document = side_by_side.compare(folders)
        if page is not None:
            write_provenance(beside(page), "compare", side_by_side.evaluated_sessions(folders), [page])
            write_text(page, side_by_side.comparison_page(document))
        return CompareResult(tuple(folders), document, "\n".join(side_by_side.lines(document)), page)
