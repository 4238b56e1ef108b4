"""Colours of a terminal by name, and the ones that a cast's header brings along.

The palettes are the published ones of the schemes they are named after.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, NamedTuple

from manifests.errors import GoaltraceError

Rgb = tuple[int, int, int]
_HEADER_BYTES = 2**20


class Theme(NamedTuple):
    """Default colours, and the first 16 of the palette; no palette means the VT core's own."""

    fg: Rgb
    bg: Rgb
    palette: tuple[Rgb, ...] = ()


def _theme(fg: str, bg: str, palette: str = "") -> Theme:
    colors = [_hex(color) for color in [fg, bg, *palette.split()]]
    return Theme(colors[0], colors[1], tuple(colors[2:]))


def _hex(color: str) -> Rgb:
    return int(color[-6:-4], 16), int(color[-4:-2], 16), int(color[-2:], 16)


THEMES = {
    "goaltrace": _theme("d8dbe2", "16181d"),
    "xterm": _theme(
        "e5e5e5", "000000",
        "000000 cd0000 00cd00 cdcd00 0000ee cd00cd 00cdcd e5e5e5 "
        "7f7f7f ff0000 00ff00 ffff00 5c5cff ff00ff 00ffff ffffff",
    ),
    "tango": _theme(
        "d3d7cf", "2e3436",
        "2e3436 cc0000 4e9a06 c4a000 3465a4 75507b 06989a d3d7cf "
        "555753 ef2929 8ae234 fce94f 729fcf ad7fa8 34e2e2 eeeeec",
    ),
    "solarized-dark": _theme(
        "839496", "002b36",
        "073642 dc322f 859900 b58900 268bd2 d33682 2aa198 eee8d5 "
        "002b36 cb4b16 586e75 657b83 839496 6c71c4 93a1a1 fdf6e3",
    ),
    "solarized-light": _theme(
        "657b83", "fdf6e3",
        "073642 dc322f 859900 b58900 268bd2 d33682 2aa198 eee8d5 "
        "002b36 cb4b16 586e75 657b83 839496 6c71c4 93a1a1 fdf6e3",
    ),
    "gruvbox-dark": _theme(
        "ebdbb2", "282828",
        "282828 cc241d 98971a d79921 458588 b16286 689d6a a89984 "
        "928374 fb4934 b8bb26 fabd2f 83a598 d3869b 8ec07c ebdbb2",
    ),
    "dracula": _theme(
        "f8f8f2", "282a36",
        "21222c ff5555 50fa7b f1fa8c bd93f9 ff79c6 8be9fd f8f8f2 "
        "6272a4 ff6e6e 69ff94 ffffa5 d6acff ff92df a4ffff ffffff",
    ),
    "nord": _theme(
        "d8dee9", "2e3440",
        "3b4252 bf616a a3be8c ebcb8b 81a1c1 b48ead 88c0d0 e5e9f0 "
        "4c566a bf616a a3be8c ebcb8b 81a1c1 b48ead 8fbcbb eceff4",
    ),
    "catppuccin-mocha": _theme(
        "cdd6f4", "1e1e2e",
        "45475a f38ba8 a6e3a1 f9e2af 89b4fa f5c2e7 94e2d5 bac2de "
        "585b70 f38ba8 a6e3a1 f9e2af 89b4fa f5c2e7 94e2d5 a6adc8",
    ),
}  # fmt: skip
DEFAULT = THEMES["goaltrace"]


def theme_named(name: str) -> Theme:
    """The theme called `name`; `GoaltraceError` lists those there are."""
    if name not in THEMES:
        raise GoaltraceError(f"--theme {name}: not one of: {', '.join(THEMES)}")
    return THEMES[name]


def theme_of_cast(path: Path) -> Theme | None:
    """The theme in a cast's header (asciicast v2, v3), or None where there is none that can be read."""
    with path.open("rb") as lines:
        first = lines.readline(_HEADER_BYTES)
    try:
        header = json.loads(first)
    except (ValueError, RecursionError):
        return None
    return theme_of_header(header) if isinstance(header, dict) else None


def theme_of_header(header: dict[str, Any]) -> Theme | None:
    """The theme in the header of a cast, or None where there is none."""
    term = header.get("term") if header.get("version") == 3 else header
    theme = term.get("theme") if isinstance(term, dict) else None
    if not isinstance(theme, dict):
        return None
    fg, bg = _color(theme.get("fg")), _color(theme.get("bg"))
    if fg is None or bg is None:
        return None
    palette = theme.get("palette")
    colors = [_color(color) for color in palette.split(":")] if isinstance(palette, str) else []
    known = [color for color in colors if color is not None]
    if len(known) != len(colors) or len(known) not in (8, 16):
        return Theme(fg, bg)
    return Theme(fg, bg, tuple(known if len(known) == 16 else known * 2))


def _color(value: Any) -> Rgb | None:
    return _hex(value) if isinstance(value, str) and re.fullmatch("#[0-9a-fA-F]{6}", value) else None
