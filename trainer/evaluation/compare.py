"""Runs side by side: their evaluations of the same clips, frame by frame, with paired intervals of the differences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from html import escape
from pathlib import Path
from typing import Any

from manifests.errors import GoaltraceError
from manifests.files import read_json
from trainer.evaluation.charts import difference_mark
from trainer.evaluation.figures import FIGURES, ROWS
from trainer.evaluation.intervals import Sample, paired_difference, with_interval
from trainer.evaluation.page import frame_page
from trainer.evaluation.table import span

COMPARED = ("true", "shuffled", "open", "codec")
"""Rows that are set side by side."""
JUDGED = ("true", "open")
"""Those of them in which more is better: how well a model does with the wrong actions is not."""


def read_evaluation(run: Path) -> dict[str, Any]:
    """RUN/evaluation.json; one line with the command that makes it when it is missing or of another release."""
    path = run / "evaluation.json"
    if not path.is_file():
        what = "not evaluated yet" if (run / "config.json").is_file() else "not a run (no config.json)"
        raise GoaltraceError(f"{run}: {what}; first: goaltrace evaluate {run}")
    document = read_json(path)
    try:
        {**document, "seeds": [int(seed) for seed in document["seeds"]]}
        for item in document["clips"]:
            str(item["clip"]), int(item["first"]), int(item["frames"])
        for name in ("fps", "width", "height", "step", "given_frames"):
            float(document[name])
        for report in document["kinds"].values():
            report["sessions"] = [str(name) for name in report["sessions"]]
            for figures in report["rows"].values():
                float(figures.get("fvd", 0))
            if "fvd" in report:
                str(report["fvd"]["warning"])
            for figures in report["samples"].values():
                for sample in figures.values():
                    if _sample(sample).clips != len(report["sessions"]):
                        raise ValueError("a sample has not one entry a clip")
    except (KeyError, TypeError, ValueError, AttributeError):
        raise GoaltraceError(f"{path}: not of this release; make it again: goaltrace evaluate {run}") from None
    checked: dict[str, Any] = document
    return checked


def evaluated_sessions(runs: Sequence[Path]) -> set[str]:
    """The sessions that the runs were evaluated on."""
    return {name for run in runs for report in read_evaluation(run)["kinds"].values() for name in report["sessions"]}


def _sample(data: dict[str, Any]) -> Sample:
    if data["how"] in ("median", "hits"):
        return Sample(data["how"], values=[[float(v) for v in part] for part in data["values"]])
    if data["how"] not in ("mean", "share", "decibel", "decibels"):
        raise ValueError(data["how"])
    sums, counts = [[float(v) for v in data[name]] for name in ("sums", "counts")]
    if len(sums) != len(counts):
        raise ValueError("sums and counts differ in length")
    return Sample(data["how"], sums, counts)


def compare(runs: Sequence[Path]) -> dict[str, Any]:
    """The runs' figures and the differences of each to the first.

    Returns:
        {"runs", "steps", "clips", "seeds", "kinds": {kind: {row: {figure: {"values": [{value, low, high} a run],
        "differences": [None, {value, low, high}, ...]}}}}, "notes": [line]}

    Raises:
        GoaltraceError: they were evaluated on other clips, frames, seeds, rates or sizes; says what mends it.
    """
    documents = [read_evaluation(run) for run in runs]
    for run, document in zip(runs[1:], documents[1:], strict=True):
        _require_same(runs[0], documents[0], run, document)
    seed = int(documents[0]["seeds"][0])
    kinds: dict[str, Any] = {}
    for kind in documents[0]["kinds"]:
        reports = [document["kinds"][kind] for document in documents]
        for row in COMPARED:
            samples = [report["samples"].get(row, {}) for report in reports]
            for name in FIGURES:
                if all(name in figures for figures in samples):
                    parts = [replace(_sample(figures[name]), sessions=reports[0]["sessions"]) for figures in samples]
                    kinds.setdefault(kind, {}).setdefault(row, {})[name] = {
                        "values": [with_interval(part, seed) for part in parts],
                        "differences": [None, *(paired_difference(parts[0], part, seed) for part in parts[1:])],
                    }
                elif FIGURES[name].how is None and all(name in report["rows"].get(row, {}) for report in reports):
                    values = [float(report["rows"][row][name]) for report in reports]
                    kinds.setdefault(kind, {}).setdefault(row, {})[name] = {
                        "values": [_alone(value) for value in values],
                        "differences": [None, *(_alone(value - values[0]) for value in values[1:])],
                    }
    return {
        "runs": [str(run) for run in runs],
        "steps": [document["step"] for document in documents],
        "given_frames": [document["given_frames"] for document in documents],
        "clips": len(documents[0]["clips"]),
        "seeds": documents[0]["seeds"],
        "kinds": kinds,
        "notes": _notes(documents[0])
        if any("fvd" in figures for rows in kinds.values() for figures in rows.values())
        else [],
    }


def _alone(value: float) -> dict[str, Any]:
    return {"value": value, "low": None, "high": None}


def _notes(document: dict[str, Any]) -> list[str]:
    """What is to be known of FVD."""
    warnings = [(kind, report["fvd"]["warning"]) for kind, report in document["kinds"].items() if "fvd" in report]
    return [
        "FVD has no interval: it is one distance of two sets, and differences may be chance",
        *(f"{kind}: {warning}" for kind, warning in warnings if warning),
    ]


def _require_same(first: Path, a: dict[str, Any], second: Path, b: dict[str, Any]) -> None:
    if a["fps"] != b["fps"]:
        raise GoaltraceError(
            f"{first} runs at {a['fps']:g} frames/s and {second} at {b['fps']:g}: they see other times; "
            f"train one of them again with --set data.fps={a['fps']:g}"
        )
    if (a["width"], a["height"]) != (b["width"], b["height"]):
        raise GoaltraceError(
            f"{first} makes pictures of {a['width']}x{a['height']} px and {second} of {b['width']}x{b['height']}: "
            f"their figures cannot be compared; train one again with --set data.width={a['width']} "
            f"--set data.height={a['height']}"
        )
    if a["clips"] != b["clips"] or a["seeds"] != b["seeds"] or set(a["kinds"]) != set(b["kinds"]):
        what = "seeds" if a["clips"] == b["clips"] else "clips"
        raise GoaltraceError(
            f"{first} and {second} were evaluated on different {what}; run: goaltrace evaluate {second} --like {first}"
        )

    for name in ("lpips", "fvd"):
        theirs = [document.get("weights", {}).get(name) for document in (a, b)]
        if None not in theirs and theirs[0] != theirs[1]:
            raise GoaltraceError(
                f"{first} and {second} were evaluated with different weights for {name.upper()}; "
                f"run: goaltrace evaluate {second} --like {first} --{name} FILE"
            )


def lines(document: dict[str, Any]) -> list[str]:
    """The comparison as lines of a terminal."""
    runs = document["runs"]
    names = [f"{run} (step {step})" for run, step in zip(runs, document["steps"], strict=True)]
    text = [f"{document['clips']} clips, {_seeds(document)}; differences to the first, [95 % paired over sessions]"]
    if len(set(document["given_frames"])) > 1:
        text.append(f"the runs were given different numbers of true frames: {document['given_frames']}")
    for kind, rows in document["kinds"].items():
        for row, figures in rows.items():
            cells = [[f"{kind}, {ROWS[row]}", *names]]
            judged = row in JUDGED
            cells += [[f"  {FIGURES[name].label}", *_cells(name, entry, judged)] for name, entry in figures.items()]
            widths = [max(len(line[n]) for line in cells) for n in range(len(cells[0]))]
            text.append("")
            text += ["   ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip() for line in cells]
    return text + ["", *document["notes"]] * bool(document["notes"])


def _seeds(document: dict[str, Any]) -> str:
    count = len(document["seeds"])
    return f"{count} seeds" if count > 1 else "1 seed"


def _cells(name: str, entry: dict[str, Any], judged: bool) -> list[str]:
    figure, cells = FIGURES[name], []
    for value, difference in zip(entry["values"], entry["differences"], strict=True):
        cell = figure.show(value["value"] if value else None)
        if difference:
            cell += f"  {figure.show(difference['value'], signed=True)}"
            if difference["low"] is not None:
                cell += f" {span(name, [difference['low'], difference['high']], signed=True)}"
                cell += _word(figure.better, difference) if judged else ""
        cells.append(cell)
    return cells


def _word(better: int, difference: dict[str, Any]) -> str:
    """A word where the interval does not hold zero."""
    if difference["low"] <= 0 <= difference["high"]:
        return ""
    return " better" if difference["value"] * better > 0 else " worse"


def comparison_page(document: dict[str, Any]) -> str:
    """The comparison as one HTML page."""
    runs = [escape(run) for run in document["runs"]]
    body = [
        "<h1>Runs compared</h1>",
        f'<p class="soft">{document["clips"]} held-out clips, {_seeds(document)}. Differences are to {runs[0]}, '
        "with 95 % intervals of a bootstrap over sessions that draws the same ones for both runs.</p>",
        *(f'<p class="soft">{escape(note)}.</p>' for note in document["notes"]),
    ]
    for kind, rows in document["kinds"].items():
        body.append(f"<h2>{escape(kind)}</h2>")
        for row, figures in rows.items():
            heads = "".join(f"<th>{run}</th>" + ("<th>difference</th>" if n else "") for n, run in enumerate(runs))
            table = [f"<tr><th>{escape(ROWS[row])}</th>{heads}</tr>"]
            for name, entry in figures.items():
                cells = _html_cells(name, entry, row in JUDGED)
                table.append(f'<tr><td class="first">{escape(FIGURES[name].label)}</td>{cells}</tr>')
            body.append(f'<div class="panel" style="margin-bottom: 12px"><table>{"".join(table)}</table></div>')
    return frame_page("Runs compared", body)


def _html_cells(name: str, entry: dict[str, Any], judged: bool) -> str:
    figure, cells = FIGURES[name], []
    known = [d for d in entry["differences"] if d and d["low"] is not None]
    widest = max((max(abs(d["low"]), abs(d["high"])) for d in known), default=1.0) * 1.15
    for number, (value, difference) in enumerate(zip(entry["values"], entry["differences"], strict=True)):
        ends = [value["low"], value["high"]] if value and value["low"] is not None else None
        below = f"<small>{span(name, ends)}</small>" if ends else ""
        cells.append(f"<td>{figure.show(value['value'] if value else None)}{below}</td>")
        if number and difference and difference["low"] is not None:
            better = figure.better if judged else 0
            mark = difference_mark(difference["value"], difference["low"], difference["high"], better, widest)
            shown = figure.show(difference["value"], signed=True)
            inside = span(name, [difference["low"], difference["high"]], signed=True)
            cells.append(f"<td>{shown}<small>{inside}</small>{mark}</td>")
        elif number:
            cells.append(f"<td>{figure.show(difference['value'], signed=True) if difference else '–'}</td>")
    return "".join(cells)
