"""A tape's Theme as a cast's header has it, so that the session is drawn in the tape's colours."""

from __future__ import annotations

import json
import re

from collector.terminal.themes import THEMES

_BASE = ("black", "red", "green", "yellow", "blue", "purple", "cyan", "white")
_NAMES = (*_BASE, *(f"bright{name.capitalize()}" for name in _BASE))


def theme_of(value: str) -> dict[str, str] | None:
    """The colours (fg, bg, palette) of a theme's JSON, or of its name; None for one that is not known."""
    if not value.startswith("{"):
        known = THEMES.get("-".join(re.findall("[a-z0-9]+", value.lower())))
        if known is None:
            return None
        fg, bg, *palette = (f"#{r:02x}{g:02x}{b:02x}" for r, g, b in (known.fg, known.bg, *known.palette))
    else:
        colors = json.loads(value)
        fg, bg = colors.get("foreground", ""), colors.get("background", "")
        palette = [colors.get(name, "") for name in _NAMES]
    if not _is_color(fg) or not _is_color(bg):
        return None
    theme = {"fg": fg, "bg": bg}
    return theme | {"palette": ":".join(palette)} if all(map(_is_color, palette)) and palette else theme


def _is_color(text: str) -> bool:
    return re.fullmatch("#[0-9a-fA-F]{6}", text) is not None
