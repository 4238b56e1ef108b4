"""An evaluation's figures as a table for a terminal, with verdicts in sentences."""

from __future__ import annotations

from typing import Any

from trainer.evaluation.figures import FIGURES, ROWS

COLUMNS = ("true", "shuffled", "null", "repeat", "codec")
WITH_INTERVALS = ("true", "shuffled")
DECISIVE = ("cursor_px", "text_typed", "text_cells", "changed_f1")
"""Figures that show whether actions matter; the first of them that was measured is used."""


def table(kind: str, report: dict[str, Any], seeds: int) -> str:
    """One kind's figures: rows are figures, columns are what was rolled out."""
    rows = report["rows"]
    columns = [row for row in COLUMNS if row in rows]
    many = f"{seeds} seeds" if seeds > 1 else "1 seed"
    sessions = len(set(report["sessions"]))
    lines = [
        f"{kind}: {report['clips']} held-out clips of {sessions} session{'s' * (sessions > 1)}, {report['frames']} "
        f"generated frames, {many}; [95 % over {'sessions' if sessions > 1 else 'its clips'}]"
    ]
    cells = [["", *(ROWS[row] for row in columns)]]
    for name, figure in FIGURES.items():
        if name in rows["true"]:
            cells.append([figure.label, *(_cell(report, row, name) for row in columns)])
    widths = [max(len(line[n]) for line in cells) for n in range(len(cells[0]))]
    for line in cells:
        first, *rest = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        lines.append("  " + first + "   " + "   ".join(rest).rstrip())
    return "\n".join(lines + [f"  {line}" for line in verdicts(report)])


def _cell(report: dict[str, Any], row: str, name: str) -> str:
    shown = FIGURES[name].show(report["rows"][row].get(name))
    ends = report["intervals"][row].get(name) if row in WITH_INTERVALS else None
    return f"{shown} {span(name, ends)}" if ends else shown


def span(name: str, ends: list[float], signed: bool = False) -> str:
    """An interval without units: [low, high]."""
    figure = FIGURES[name]
    low, high = (figure.show(value, signed).removesuffix(figure.unit).strip() for value in ends)
    return f"[{low}, {high}]"


def verdicts(report: dict[str, Any]) -> list[str]:
    """Sentences: do actions matter, what open loop gives, how well the readers read, what is not proven."""
    rows, lines = report["rows"], []
    for name in DECISIVE:
        difference = report["obeys"].get(name)
        if difference:
            lines.append(obeys_line(name, rows, difference))
            break
    if "open" in rows and "open_repeat" in rows:
        parts = []
        for name in ("psnr", "cursor_px", "text_typed"):
            if name in rows["open"]:
                figure, copied = FIGURES[name], rows["open_repeat"].get(name)
                parts.append(
                    f"{figure.label} {figure.show(rows['open'][name])} (frame repeated: {figure.show(copied)})"
                )
        lines.append(f"open loop, each window from true frames: {'; '.join(parts)}")
    recorded = rows.get("recorded", {})
    if "cursor_px" in recorded:
        lines.append(
            f"the pointer reader on true frames: off by {FIGURES['cursor_px'].show(recorded['cursor_px'])}, "
            f"{FIGURES['cursor_hit'].show(recorded['cursor_hit'])} within 3 px"
        )
    if "text_cells" in recorded:
        lines.append(
            f"the text reader on true frames: {FIGURES['text_cells'].show(recorded['text_cells'])} of new characters, "
            f"{FIGURES['text_chars'].show(recorded['text_chars'])} of all"
        )
    if "fvd" in report:
        lines += fvd_lines(rows, report["fvd"])
    return lines + [f"{why}; its figures are left out as unproven" for why in report["unproven"].values()]


def fvd_lines(rows: dict[str, Any], fvd: dict[str, Any]) -> list[str]:
    """What FVD was taken from, and how sure it is that true actions do better than shuffled ones."""
    value = {row: FIGURES["fvd"].show(rows[row]["fvd"]) for row in ("true", "shuffled", "codec")}
    lines = [
        f"FVD over {fvd['windows']} windows of {fvd['frames']} frames: {value['true']} with true actions, "
        f"{value['shuffled']} with shuffled, {value['codec']} for the codec alone",
        f"by chance alone true actions do this well against shuffled in {100 * fvd['as_large']:.0f} % of "
        f"{fvd['swaps'] + 1} draws (the two swapped at random, {fvd['sessions']} sessions)",
    ]
    return lines + [fvd["warning"]] * bool(fvd["warning"])


def obeys_line(name: str, rows: dict[str, Any], difference: dict[str, Any]) -> str:
    """True against shuffled actions in one sentence, by one figure."""
    figure, true, shuffled = FIGURES[name], rows["true"][name], rows["shuffled"][name]
    if difference["low"] is None:
        sure = "one clip, so no interval"
    else:
        sure = f"95 % {span(name, [difference['low'], difference['high']], signed=True)}"
    ends = [difference["low"], difference["high"]]
    clear = None not in ends and (min(ends) > 0 if figure.better > 0 else max(ends) < 0)
    verdict = "not shown that actions matter"
    if difference["value"] * figure.better > 0:
        verdict = "actions matter" if clear else "actions seem to matter, but these clips are too few to be sure"
    times = f", {shuffled / true:.1f}x" if name == "cursor_px" and true > 0 else ""
    return (
        f"{verdict}: {figure.label} {figure.show(true)} with true actions, {figure.show(shuffled)} with shuffled{times}"
        f" (difference {figure.show(difference['value'], signed=True)}, {sure})"
    )
