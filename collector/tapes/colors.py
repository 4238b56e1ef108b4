"""A tape's Theme as a cast's header has it, so that the session is drawn in the tape's colours."""

from __future__ import annotations

import json
import re

from collector.terminal.themes import THEMES

_BASE = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")
_OWN = THEMES["tango"].palette
"""Of xterm.js, in which VHS runs."""
_NAMES = (*_BASE, *(f"bright{name.capitalize()}" for name in _BASE))


def theme_of(value: str) -> dict[str, str] | None:
    """The colours (fg, bg, palette) of a theme's JSON, or of its name; None for one that is not known."""
    if not value.startswith("{"):
        known = THEMES.get("-".join(re.findall("[a-z0-9]+", value.lower())))
        if known is None:
            return None
        fg, bg, *palette = map(_hex, (known.fg, known.bg, *known.palette))
    else:
        colors = json.loads(value)
        fg, bg = _color(colors, "foreground", "#ffffff"), _color(colors, "background", "#000000")
        palette = [_color(colors, name, _hex(own)) for name, own in zip(_NAMES, _OWN, strict=True)]
    return {"fg": fg, "bg": bg} | ({"palette": ":".join(palette)} if palette else {})


def _hex(color: tuple[int, int, int]) -> str:
    return "#{:02x}{:02x}{:02x}".format(*color)


def _color(colors: dict[str, str], name: str, own: str) -> str:
    """A theme's colour, else `own`: VHS's terminal has what a theme lacks. Windows Terminal's themes say purple."""
    for known in (name, name.replace("magenta", "purple").replace("Magenta", "Purple")):
        if re.fullmatch("#[0-9a-fA-F]{6}", colors.get(known, "")):
            return colors[known]
    return own
