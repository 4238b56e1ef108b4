"""The page as one HTML file: our script and style, and the session as data that no markup in it can leave."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from functools import cache
from html import escape
from pathlib import Path
from string import Template
from typing import Any

PAGE = Path(__file__).with_name("page")
SCRIPTS = ("session.js", "player.js", "overlay.js", "timeline.js", "actions.js", "review.js", "main.js")


@cache
def _file(name: str) -> str:
    return (PAGE / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def policy(script: str, style: str) -> str:
    """What the page may do: run exactly this script and style, play its own video, ask nobody else for anything."""
    allowed = _hash(script) if script else "'none'"
    return (
        f"default-src 'none'; script-src {allowed}; style-src {_hash(style)}; "
        "media-src 'self' blob:; img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'"
    )


def as_json(data: Any) -> str:
    """JSON that is safe inside a <script>: nothing in it can end the element or begin a comment."""
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def session_page(document: dict[str, Any], video: bytes | None = None) -> str:
    """The page of one session; with `video` (MP4) it needs no server."""
    script = "\n".join(_file(name) for name in SCRIPTS)
    script = f'"use strict";\n{script}'
    style = _file("page.css")
    return Template(_file("session.html")).substitute(
        policy=escape(policy(script, style)),
        title=escape(document["name"]),
        style=style,
        script=script,
        document=as_json(document),
        video=base64.b64encode(video).decode() if video is not None else "",
    )


def list_page(title: str, rows: Sequence[dict[str, Any]]) -> str:
    """A table of sessions, each row a link to its page."""
    style = _file("page.css")
    body = "\n".join(_row(row) for row in rows)
    return Template(_file("list.html")).substitute(
        policy=escape(policy("", style)),
        title=escape(title),
        style=style,
        rows=body,
        count=f"{len(rows)} session{'' if len(rows) == 1 else 's'}",
    )


def _row(row: dict[str, Any]) -> str:
    if row.get("gone"):
        return f'<tr class="gone"><td>{escape(row["name"])}</td><td colspan="6">discarded</td></tr>'
    cells = "".join(
        f'<td class="{name}">{escape(str(row[name]))}</td>'
        for name in ("goal", "actor", "duration", "problems", "keep")
    )
    outcome = escape(row["outcome"])
    return (
        f'<tr><td class="name"><a href="{escape(row["link"])}">{escape(row["name"])}</a></td>'
        f'<td><span class="outcome {outcome}">{outcome}</span></td>{cells}</tr>'
    )
