"""An evaluation as one HTML page: no script, no network, pictures inside."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

from PIL import Image

from trainer.evaluation.charts import curves, difference_mark
from trainer.evaluation.figures import FIGURES, ROWS
from trainer.evaluation.metrics import AFTER_ACTION
from trainer.evaluation.table import COLUMNS, span, verdicts

POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
STYLE = Path(__file__).with_name("page.css")
CURVES = ("psnr", "ssim", "changed_f1", "cursor_px", "cursor_hit", "text_typed", "text_cells", "lpips")
LINES = ("codec", "repeat", "null", "shuffled", "open", "true")  # the last is drawn on top
Strip = tuple[str, str, Image.Image]
"""Kind, caption, picture."""


def frame_page(title: str, body: Sequence[str]) -> str:
    """A whole document around some sections."""
    style = STYLE.read_text(encoding="utf-8")
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)} · GoalTrace</title>\n<style>{style}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(body)
        + "\n</main>\n</body>\n</html>\n"
    )


def evaluation_page(document: dict[str, Any], strips: Sequence[Strip]) -> str:
    """RUN/evaluation.html.

    Args:
        document: what evaluation.json holds.
        strips: pictures of roll-outs.
    """
    seeds, fps = document["seeds"], document["fps"]
    body = [
        f"<h1>{escape(str(document['run']))}</h1>",
        f'<p class="soft">Held-out clips rolled out by the model of step {document["step"]:,}: it is given '
        f"{document['given_frames']} true frames, then runs on its own. {document['width']}x{document['height']} px, "
        f"{fps:g} frames/s, {len(seeds)} seed{'s' * (len(seeds) > 1)}. Intervals: 95 %, bootstrap over sessions "
        "and their clips.</p>",
    ]
    for kind, report in document["kinds"].items():
        body.append(f"<h2>{escape(kind)}: {report['clips']} clips, {report['frames']} generated frames</h2>")
        first, *others = (escape(line[:1].upper() + line[1:]) for line in verdicts(report))
        body += [f"<p><b>{first}.</b></p>", *(f'<p class="soft">{line}.</p>' for line in others)]
        body += [_figures(report), _open_loop(report), _curves(report, fps)]
        pictures = [(caption, image) for of_kind, caption, image in strips if of_kind == kind]
        if pictures:
            body.append("<h3>Roll-outs</h3>")
            ring = "The red ring is where the actions put the pointer. " if kind == "desktop" else ""
            body.append(f'<p class="soft">{ring}Below each picture: what was done on the way to it.</p>')
            body += [_figure(caption, image) for caption, image in pictures]
    return frame_page(str(document["run"]), [*body, _glossary(document)])


def _figure(caption: str, image: Image.Image) -> str:
    said = escape(caption, quote=True)
    picture = f'<img src="{data_url(image)}" alt="{said}" width="{image.width}">'
    return f"<figure><figcaption>{said}</figcaption>{picture}</figure>"


def _figures(report: dict[str, Any]) -> str:
    """Closed loop against the truth, with true - shuffled beside the two that it is of."""
    columns = [row for row in COLUMNS if row in report["rows"]]
    heads = [f"<th>{escape(ROWS[row])}</th>" for row in columns]
    heads.insert(2, '<th colspan="2">true − shuffled</th>')
    lines = [f"<tr><th></th>{''.join(heads)}</tr>"]
    for name in _measured(report):
        cells = [_cell(report, row, name) for row in columns]
        cells.insert(2, _difference(name, report["obeys"].get(name)))
        lines.append(f"<tr>{_label(name)}{''.join(cells)}</tr>")
    return f'<div class="panel"><table>{"".join(lines)}</table></div>'


def _open_loop(report: dict[str, Any]) -> str:
    columns = [row for row in ("open", "open_repeat") if row in report["rows"]]
    if not columns:
        return ""
    heads = "".join(f"<th>{escape(ROWS[row])}</th>" for row in columns)
    lines = [f"<tr><th></th>{heads}</tr>"]
    for name in _measured(report):
        if any(name in report["rows"][row] for row in columns):
            lines.append(f"<tr>{_label(name)}{''.join(_cell(report, row, name) for row in columns)}</tr>")
    return (
        "<details><summary>Open loop: each window from true frames, window by window</summary>"
        f'<div class="panel"><table>{"".join(lines)}</table></div></details>'
    )


def _measured(report: dict[str, Any]) -> list[str]:
    return [name for name in FIGURES if name in report["rows"]["true"]]


def _label(name: str) -> str:
    figure = FIGURES[name]
    return f'<td class="first" title="{escape(figure.says, quote=True)}">{escape(figure.label)}</td>'


def _cell(report: dict[str, Any], row: str, name: str) -> str:
    ends = report["intervals"][row].get(name)
    below = f"<small>{span(name, ends)}</small>" if ends else ""
    return f"<td>{FIGURES[name].show(report['rows'][row].get(name))}{below}</td>"


def _difference(name: str, difference: dict[str, Any] | None) -> str:
    if difference is None:
        return '<td colspan="2">–</td>'
    figure, low, high = FIGURES[name], difference["low"], difference["high"]
    shown = figure.show(difference["value"], signed=True)
    if low is None:
        return f'<td colspan="2">{shown}</td>'
    mark = difference_mark(difference["value"], low, high, figure.better, max(abs(low), abs(high)) * 1.15)
    return f'<td>{shown}<small>{span(name, [low, high], signed=True)}</small></td><td class="marked">{mark}</td>'


def _curves(report: dict[str, Any], fps: float) -> str:
    charts = []
    for name in CURVES:
        curve = report["by_horizon"].get(name)
        if not curve or "true" not in curve:
            continue
        figure = FIGURES[name]
        scale = 100 if figure.unit == "%" else 1
        lines = [
            (ROWS[row], row, [None if v is None else v * scale for v in curve[row]]) for row in LINES if row in curve
        ]
        drawn = curves(f"{figure.label} by horizon", f"{figure.label} {figure.unit}".strip(), 1 / fps, lines)
        if drawn:
            charts.append(f'<div class="panel"><h4>{escape(figure.label)}</h4>{drawn}</div>')
    if not charts:
        return ""
    there = {row for curve in report["by_horizon"].values() for row in curve}
    keys = "".join(f'<span><i class="{row}"></i>{escape(ROWS[row])}</span>' for row in reversed(LINES) if row in there)
    return f'<h3>Drift by horizon</h3><div class="keys">{keys}</div><div class="grid">{"".join(charts)}</div>'


def _glossary(document: dict[str, Any]) -> str:
    used = [name for name in FIGURES if any(name in report["rows"]["true"] for report in document["kinds"].values())]
    items = "".join(f"<dt>{escape(FIGURES[name].label)}</dt><dd>{escape(FIGURES[name].says)}</dd>" for name in used)
    return (
        f'<h2>What the figures are</h2><div class="panel" style="padding: 14px 16px"><dl>{items}</dl></div>'
        f'<p class="soft">“After”: for an action at t, frame f = round(t · fps) is skipped and the next {AFTER_ACTION} '
        f"frames count ({AFTER_ACTION / document['fps']:.1f} s here), united over actions; clips without are left out. "
        "Shuffled: another held-out clip's actions. All rows of a clip start from the same frames and the same noise. "
        "Open loop: each window starts from true frames. “True frames, codec” is the codec's own ceiling.</p>"
    )


def data_url(image: Image.Image) -> str:
    """A picture as it stands in a page."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
