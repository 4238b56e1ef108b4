"""The report: one HTML page that stands alone, asks no server for anything and trusts no text in the data."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
import pyarrow as pa
from markupsafe import Markup

from curation.report import charts, strips, table
from manifests.clip_io import ClipReader
from manifests.errors import GoaltraceError
from manifests.files import write_text
from manifests.item_errors import one_item

MARK = '<meta name="generator" content="goaltrace report">'
MAX_STRIPS = 12
LeaveOut = Callable[[str, str], None]
AXES = {
    "efficacy": ("efficacy: change after actions less change by chance", (-0.5, 1.0), 0.0),
    "contingency": ("contingency: rank among chance alternatives", (0.0, 1.0), 0.5),
}


@dataclass(frozen=True)
class ReportedDataset:
    """What the page shows: a data set's rows and the comparison of its arms."""

    reader: ClipReader
    rows: pa.Table
    """Its clips with their scores."""
    arms: Sequence[table.ArmRow]
    separations: Sequence[table.Separation]


def write_report(about: ReportedDataset, out: Path, leave_out: LeaveOut) -> None:
    """Write the page about a data set to `out`, which `require_ours` let pass.

    `leave_out` is called with each clip that could not be drawn, and why.
    """
    about.reader.require_same()
    write_text(out, render(about, leave_out))


def require_ours(out: Path) -> None:
    """Raise `GoaltraceError` where `out` is a folder, or a file that GoalTrace did not write as a report."""
    if out.is_dir():
        raise GoaltraceError(f"{out}: is a folder; name a file, such as {out / 'report.html'}")
    if out.exists():
        with out.open("rb") as page:
            if MARK.encode() not in page.read(1024):
                raise GoaltraceError(f"{out}: exists and is not a report; choose another --out or remove it first")


def _strips(
    reader: ClipReader, rows: pa.Table, arms: Sequence[table.ArmRow], leave_out: LeaveOut
) -> list[strips.Strip]:
    """A strip an arm; an arm whose clip cannot be drawn has none."""
    drawn = []
    for arm in arms:
        clip_id = strips.typical_clip(rows, arm.kind, arm.arm, arm.control)
        try:
            with one_item(f"clip {clip_id}"):
                drawn.append(strips.strip(reader, clip_id))
        except GoaltraceError as error:
            leave_out(clip_id, str(error))
    return drawn


def render(about: ReportedDataset, leave_out: LeaveOut) -> str:
    """The page as HTML; every text of the data set is escaped by the template."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    manifest, rows, arms = about.reader.manifest, about.rows, about.arms
    return environment.get_template("page.html.j2").render(
        mark=Markup(MARK),
        manifest=manifest,
        counts=manifest.counts,
        arms=arms,
        families=_hours_by_family(rows),
        outcomes=sorted({outcome for row in arms for outcome in row.outcomes}),
        metrics=table.metrics_of(arms),
        format_mean=table.format_mean,
        style_of=_style,
        separations=about.separations,
        charts=_charts(rows, arms),
        strips=_strips(about.reader, rows, arms[:MAX_STRIPS], leave_out),
        scored="efficacy" in rows.column_names,
    )


def _style(control: bool) -> str:
    return "random" if control else "goal"


def _hours_by_family(rows: pa.Table) -> list[tuple[str, str, int, float]]:
    """(kind, family, clips, hours), most first."""
    totals: dict[tuple[str, str], list[float]] = defaultdict(lambda: [0, 0.0])
    for row in rows.select(["kind", "family", "duration_ns"]).to_pylist():
        entry = totals[row["kind"], row["family"]]
        entry[0] += 1
        entry[1] += row["duration_ns"] / 3.6e12
    return sorted(((k, f, int(c), h) for (k, f), (c, h) in totals.items()), key=lambda entry: -entry[3])


def _charts(rows: pa.Table, arms: Sequence[table.ArmRow]) -> list[tuple[str, Any]]:
    """(kind, SVG) for each score that any clip of the kind has."""
    drawn: list[tuple[str, Any]] = []
    for kind in dict.fromkeys(row.kind for row in arms):
        for score, (axis, limits, chance) in AXES.items():
            if score not in rows.column_names:
                continue
            series = [(row.arm, _style(row.control), _values(rows, row, score)) for row in arms if row.kind == kind]
            if any(values for _, _, values in series):
                drawn.append((kind, charts.histogram(f"{kind}: {axis}", axis, limits, chance, series)))
    return drawn


def _values(rows: pa.Table, of: table.ArmRow, score: str) -> list[float]:
    found = rows.select(["kind", "arm", "control", score]).to_pylist()
    group = (of.kind, of.arm, of.control)
    return [r[score] for r in found if (r["kind"], r["arm"], r["control"]) == group and r[score] is not None]
