"""Themes: by name, or from the cast's own header, which is not trusted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from collector.terminal.screen import Screen
from collector.terminal.themes import THEMES, Theme, theme_named, theme_of_cast
from manifests.errors import GoaltraceError


def header(path: Path, theme: Any, version: int = 3) -> Path:
    term = {"cols": 80, "rows": 24, "theme": theme}
    flat = {"width": 80, "height": 24, "theme": theme}
    path.write_text(
        json.dumps({"version": version, **({"term": term} if version == 3 else flat)}) + "\n", encoding="utf-8"
    )
    return path


def test_named_themes_are_whole() -> None:
    for name, theme in THEMES.items():
        assert theme_named(name) is theme
        assert len(theme.palette) in (0, 16)
        assert all(0 <= part <= 255 for color in (theme.fg, theme.bg, *theme.palette) for part in color)
    with pytest.raises(GoaltraceError, match="--theme pink: not one of: goaltrace"):
        theme_named("pink")


@pytest.mark.parametrize("version", [2, 3])
def test_a_casts_theme_is_read(tmp_path: Path, version: int) -> None:
    palette = [f"#0000{number:02x}" for number in range(16)]
    wanted = Theme((1, 2, 3), (255, 254, 253), tuple((0, 0, number) for number in range(16)))
    given = {"fg": "#010203", "bg": "#fffefd", "palette": ":".join(palette)}
    assert theme_of_cast(header(tmp_path / "a.cast", given, version)) == wanted
    eight = theme_of_cast(header(tmp_path / "b.cast", {**given, "palette": ":".join(palette[:8])}, version))
    assert eight is not None and eight.palette == wanted.palette[:8] * 2


@pytest.mark.parametrize("theme", [
    None, 7, [], {}, {"fg": "#010203"}, {"fg": "red", "bg": "#000000"}, {"fg": "#12345", "bg": "#000000"},
    {"fg": 1, "bg": 2},
])  # fmt: skip
def test_a_broken_theme_is_none(tmp_path: Path, theme: Any) -> None:
    assert theme_of_cast(header(tmp_path / "a.cast", theme)) is None


@pytest.mark.parametrize("palette", [None, 3, "", "#000000", "#000000:zz", ":".join(["#000000"] * 15 + ["red"])])
def test_a_broken_palette_leaves_the_colours(tmp_path: Path, palette: Any) -> None:
    theme = {"fg": "#000001", "bg": "#000002", "palette": palette}
    assert theme_of_cast(header(tmp_path / "a.cast", theme)) == Theme((0, 0, 1), (0, 0, 2))


def test_a_theme_sets_the_palette_and_programs_may_change_it() -> None:
    screen = Screen(4, 1, THEMES["dracula"])
    screen.changed_rows()
    assert screen.colors.palette[:16] == THEMES["dracula"].palette and screen.colors.palette[196] == (255, 0, 0)
    assert (screen.colors.fg, screen.colors.bg) == THEMES["dracula"][:2]
    screen.feed("\x1b]4;1;#010203\x07\x1b]12;#040506\x07")
    screen.changed_rows()
    assert screen.colors.palette[1] == (1, 2, 3) and screen.colors.cursor == (4, 5, 6)
    screen.feed("\x1b]104\x07")
    screen.changed_rows()
    assert screen.colors.palette[1] == THEMES["dracula"].palette[1]
