"""What the settings of a tape may be."""

from __future__ import annotations

import json
import re

from collector.episodes.tape import BARS, SHELLS, ValueKind
from collector.tapes.lexer import Token

MAX_TIMES = 10_000
_MAX_VALUE = 100_000
_DECIMAL = re.compile(r"[0-9]{0,12}(?:\.[0-9]{0,12})?")


def decimal(text: str) -> float | None:
    """A number such as 2, .5 or 1.25; None for anything else."""
    return float(text) if _DECIMAL.fullmatch(text) and text.strip(".") else None


def setting_value(setting: str, kind: ValueKind, token: Token) -> tuple[str | None, str]:
    """What is wrong with a setting's value (or None), and the value as text."""
    text = token.text
    plain = token.kind in ("number", "string")
    if kind == "int":
        fine = plain and text.isascii() and text.isdecimal() and len(text) < 7 and int(text) <= _MAX_VALUE
        return (None if fine else f"{text[:40]!r} is not a whole number up to {_MAX_VALUE:,}"), text
    if kind in ("float", "percent"):
        return (None if plain and decimal(text) is not None else f"{text[:40]!r} is not a number, 0 or more"), text
    if kind == "bool":
        return (None if text in ("true", "false") else f"{text[:40]!r} is not true or false"), text
    if kind == "bar":
        return (None if text in BARS else f"{text[:40]!r} is not one of: {', '.join(BARS[1:])}"), text
    if kind == "color" and text.startswith("#") and not re.fullmatch(r"#[0-9A-Fa-f]{6}", text):
        return f"{text[:40]!r} is not a colour such as #0091FF", text
    if kind == "theme" and token.kind == "json":
        return _theme(text), text
    if token.kind not in ("word", "string", "number", "regex"):
        return f"{text[:40]!r} is not a value; put it in quotes", text
    if setting == "Shell" and text not in SHELLS:
        return f"{text[:40]!r}: tapes run here in {', '.join(SHELLS[:-1])} or {SHELLS[-1]}; set one of them", text
    return None, text


def _theme(text: str) -> str | None:
    try:
        colors = json.loads(text)
    except (ValueError, RecursionError) as error:
        return f"the theme is not valid JSON ({error})"
    if not all(isinstance(value, str) for value in colors.values()):
        return "a theme maps names to strings"
    return None
