"""A cast's header, of any version, as version 3 has it: known keys of known types, bounded."""

from __future__ import annotations

import math
from typing import Any

from collector.importers.cast.source import Unusable
from collector.terminal.cast import MAX_COLUMNS, MAX_ROWS

_USUAL = (80, 24)
_TEXT_LIMIT = 4096
_LATEST = 4_102_444_800  # the year 2100


def clean_header(header: dict[str, Any]) -> tuple[dict[str, Any], float | None, bool]:
    """The header as version 3, its idle_time_limit in seconds, and whether its size was unknown.

    Recorders without a terminal of their own (in CI, over SSH) write 0 x 0; programs then draw for 80 x 24.
    Raises `Unusable` for a size that is none.
    """
    term = header.get("term") if header["version"] == 3 else {"cols": header.get("width"), "rows": header.get("height")}
    if not isinstance(term, dict):
        raise Unusable("line 1: term is missing; restore the header")
    columns, rows = whole(term.get("cols")), whole(term.get("rows"))
    unknown = (columns, rows) == (0, 0)
    if unknown:
        columns, rows = _USUAL
    if columns is None or rows is None or not (1 <= columns <= MAX_COLUMNS and 1 <= rows <= MAX_ROWS):
        size = f"{term.get('cols')!r:.12} x {term.get('rows')!r:.12}"
        raise Unusable(f"line 1: a size of {size} is not within 1x1 and {MAX_COLUMNS}x{MAX_ROWS}")
    env = {name: _text(value) for name, value in _dict(header.get("env")).items() if isinstance(value, str)}
    kind = _text(term.get("type")) or env.get("TERM", "")
    made: dict[str, Any] = {"version": 3, "term": {"cols": columns, "rows": rows}}
    if kind:
        made["term"]["type"] = kind
    theme = {key: _text(value) for key, value in _dict(term.get("theme") or header.get("theme")).items()}
    if theme.get("fg") and theme.get("bg"):
        made["term"]["theme"] = {key: theme[key] for key in ("fg", "bg", "palette") if theme.get(key)}
    stamp = header.get("timestamp")
    if isinstance(stamp, int | float) and 0 < stamp < _LATEST:
        made["timestamp"] = int(stamp)
    for key in ("title", "command"):
        if text := _text(header.get(key)):
            made[key] = text
    if env:
        made["env"] = dict(list(env.items())[:100])
    if isinstance(header.get("tags"), list) and (tags := [_text(tag) for tag in header["tags"] if _text(tag)]):
        made["tags"] = tags[:100]
    idle = header.get("idle_time_limit")
    usable = isinstance(idle, int | float) and type(idle) is not bool and 0 < idle < math.inf
    return made, float(min(idle, 10**12)) if usable and idle is not None else None, unknown


def whole(value: Any) -> int | None:
    """A whole number that was meant: 80, 80.0 or "80"."""
    if isinstance(value, str) and value.isdecimal() and len(value) < 6:
        return int(value)
    if type(value) is int or (isinstance(value, float) and value.is_integer()):
        return int(value)
    return None


def clean_text(text: str) -> str:
    """The text without halves of surrogate pairs, which no UTF-8 can hold."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _text(value: Any) -> str:
    return clean_text(value)[:_TEXT_LIMIT] if isinstance(value, str) else ""


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
