"""Turns the look (theme, fonts, cell size) that session.json keeps into what the renderer takes, and checks it."""

from __future__ import annotations

from pathlib import Path

from collector.terminal.glyphs import Appearance, glyphs_of
from collector.terminal.themes import theme_named
from manifests.errors import GoaltraceError
from manifests.session import TerminalLook

_LEAST, _MOST = (4, 8), (64, 128)


def appearance_of(look: TerminalLook, where: str = "") -> Appearance:
    """What to draw with. Raises `GoaltraceError`, which begins with `where`, for what this machine cannot draw."""
    try:
        return _appearance(look)
    except GoaltraceError as error:
        raise GoaltraceError(f"{where}: {error}" if where else str(error)) from None


def _appearance(look: TerminalLook) -> Appearance:
    width, height = look.cell
    if not (_LEAST[0] <= width <= _MOST[0] and _LEAST[1] <= height <= _MOST[1]):
        raise GoaltraceError(f"--cell {width}x{height}: not within 4x8 and 64x128")
    for option, files in (("--font", look.fonts), ("--fallback-font", look.fallback_fonts or ())):
        for file in files:
            if not Path(file).is_file():  # nor may a session name a device
                raise GoaltraceError(f"{option} {file}: no such file; put it back, or give another")
    fonts = tuple(map(Path, look.fonts))
    fallbacks = None if look.fallback_fonts is None else tuple(map(Path, look.fallback_fonts))
    glyphs_of(look.cell, fonts, fallbacks)  # opens the fonts
    return Appearance(theme_named(look.theme) if look.theme else None, fonts, look.cell, fallbacks)


def available_look(look: TerminalLook | None) -> tuple[TerminalLook, list[str]]:
    """A session's look, or the default one and a note of why, where this machine cannot draw the session's own."""
    look = look or TerminalLook()
    try:
        _appearance(look)
    except GoaltraceError as error:
        return TerminalLook(), [f"drawn with the usual look: {error}"]
    return look, []
