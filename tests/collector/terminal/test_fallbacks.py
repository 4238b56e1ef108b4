"""What the fonts that come along lack is drawn from other fonts, where there are any."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pymupdf_fonts
import pytest
from numpy.typing import NDArray

from collector.terminal.fallbacks import draws, found_here, packaged
from collector.terminal.glyphs import Glyphs, look_of
from collector.terminal.rows import Cell, Style
from collector.terminal.screen import Colors
from collector.terminal.themes import DEFAULT, THEMES
from manifests.errors import GoaltraceError

COLORS = Colors(DEFAULT.fg, DEFAULT.bg, None, THEMES["tango"].palette + ((0, 0, 0),) * 240)
SetFonts = Callable[..., None]


@pytest.fixture
def system_fonts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SetFonts]:
    """Makes fontconfig know exactly the fonts that are given."""

    def only(*files: Path) -> None:
        folder = tmp_path / "fonts"
        folder.mkdir()
        for file in files:
            shutil.copy(file, folder)
        config = tmp_path / "fonts.conf"
        config.write_text(f"<fontconfig><dir>{folder}</dir><cachedir>{tmp_path}/cache</cachedir></fontconfig>")
        monkeypatch.setenv("FONTCONFIG_FILE", str(config))
        found_here.cache_clear()

    yield only
    found_here.cache_clear()


def without_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("collector.terminal.fallbacks._PACKAGES", ())
    found_here.cache_clear()


def tile(glyphs: Glyphs, char: str, style: Style | None = None) -> NDArray[np.uint8]:
    """A wide character's picture: RGB of shape [height, 2 * width, 3]."""
    halves = [glyphs.draw(Cell(char, style or Style(), half), look_of(style or Style(), COLORS)) for half in (1, 2)]
    packed = np.hstack(halves).astype("<u4")
    return np.ascontiguousarray(packed).view(np.uint8).reshape(*packed.shape, 4)[..., 2::-1]


def boxed(picture: NDArray[np.uint8]) -> bool:
    """Whether it is a code point in its box: ink along all four edges."""
    edges = [picture[0], picture[-1], picture[:, 0], picture[:, -1]]
    return all((edge == DEFAULT.fg).all() for edge in edges)


def ink(picture: NDArray[np.uint8], background: tuple[int, int, int] = DEFAULT.bg) -> tuple[int, int]:
    """Width and height of what is drawn."""
    rows, columns = (np.abs(picture.astype(int) - background).sum(axis=2) > 60).nonzero()
    return int(np.ptp(columns)) + 1, int(np.ptp(rows)) + 1


@pytest.mark.needs("cjk-font")
@pytest.mark.parametrize("cell", [(8, 16), (10, 20), (13, 27), (9, 24)])
def test_ideographs_fill_two_cells(cell: tuple[int, int]) -> None:
    glyphs = Glyphs(cell, (), None)
    for char in "漢字國한글":
        picture = tile(glyphs, char)
        assert picture.shape == (cell[1], 2 * cell[0], 3) and not boxed(picture)
        width, height = ink(picture)
        side = min(2 * cell[0], cell[1])
        assert 0.75 * side <= width <= 2 * cell[0] and 0.75 * side <= height <= cell[1], char
    upright, bold, italic = (tile(glyphs, "漢", style) for style in (Style(), Style(bold=True), Style(italic=True)))
    assert bold.astype(int).sum() > upright.astype(int).sum() and not np.array_equal(upright, italic)


@pytest.mark.needs("cjk-font")
def test_without_fallbacks_nothing_depends_on_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[object] = []
    monkeypatch.setattr("collector.terminal.fonts.found_here", lambda: looked.append(1) or ())
    assert boxed(tile(Glyphs((8, 16), ()), "漢")) and boxed(tile(Glyphs((8, 16), ()), "😀"))
    assert not looked
    plain, more = Glyphs((8, 16), ()), Glyphs((8, 16), (), tuple(packaged()))
    look = look_of(Style(), COLORS)
    for char in "azAZ09é~ßЖΩ→✓…№│█⠿\ue0b0":  # the fallbacks have these too
        assert np.array_equal(plain.draw(Cell(char), look), more.draw(Cell(char), look)), char


@pytest.mark.needs("emoji-font")
@pytest.mark.parametrize("cell", [(8, 16), (13, 27), (12, 16)])
def test_emoji_are_pictures_in_colour_that_fill_two_cells(cell: tuple[int, int]) -> None:
    glyphs = Glyphs(cell, (), None)
    for char, channel in (("😀", 0), ("🚀", None), ("🍏", 1), ("👍", 0)):  # 👍 has a drawing in one colour too
        picture = tile(glyphs, char).astype(int)
        assert picture.shape == (cell[1], 2 * cell[0], 3)
        spread = picture.max(axis=2) - picture.min(axis=2)
        assert (spread > 90).mean() > (0.25 if channel is not None else 0.02), f"{char} has colour"
        if channel is not None:
            assert picture[spread > 90].mean(axis=0).argmax() == channel
        width, height = ink(tile(glyphs, char))
        side = min(2 * cell[0], cell[1])
        assert max(width, height) >= 0.7 * side
    on_blue = tile(glyphs, "😀", Style(bg=(0, 0, 200), fg=(255, 255, 255)))
    assert tuple(on_blue[0, 0]) == (0, 0, 200), "the background shows around it"
    assert np.array_equal(tile(glyphs, "😀", Style(fg=(1, 2, 3))), tile(glyphs, "😀")), "its colours are its own"


@pytest.mark.needs("emoji-font")
def test_letters_digits_and_narrow_symbols_are_no_pictures_unless_asked_for() -> None:
    plain, more = Glyphs((8, 16), ()), Glyphs((8, 16), (), None)
    look = look_of(Style(), COLORS)
    for char in [*"0123456789#*©®azAZ☎❤⚠✔", "1\ufe0f\u20e3"]:
        assert np.array_equal(plain.draw(Cell(char), look), more.draw(Cell(char), look))
    asked_for = Cell("❤\ufe0f")
    assert not np.array_equal(plain.draw(asked_for, look), more.draw(asked_for, look))


@pytest.mark.needs("fc-match", "cjk-font")
def test_fonts_of_the_system_are_found_when_they_have_the_character(
    system_fonts: SetFonts, monkeypatch: pytest.MonkeyPatch
) -> None:
    system_fonts(*packaged())
    without_package(monkeypatch)
    [font] = found_here()
    assert font.parent.name == "fonts" and all(draws(font, char) for char in "漢か한")
    assert not boxed(tile(Glyphs((8, 16), (), None), "漢"))


@pytest.mark.needs("fc-match")
def test_what_fontconfig_offers_instead_is_not_taken(
    system_fonts: SetFonts, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    other = tmp_path / "cascadia.ttf"
    other.write_bytes(pymupdf_fonts.myfont("cascadia"))
    system_fonts(other)
    without_package(monkeypatch)
    assert found_here() == ()
    assert boxed(tile(Glyphs((8, 16), (), None), "漢"))


def test_a_machine_without_fontconfig_draws_boxes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    without_package(monkeypatch)
    assert found_here() == ()
    found_here.cache_clear()


def test_a_fallback_that_is_no_font_is_told(tmp_path: Path) -> None:
    for name, data, said in (("a.ttf", b"no font", "not a font"), ("b.ttf", b"\0\1\0\0" + b"\xff" * 90, "not a font")):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(GoaltraceError, match=f"--fallback-font .*{name}: {said}"):
            Glyphs((8, 16), (), (tmp_path / name,))
    with pytest.raises(GoaltraceError, match=r"--fallback-font .*absent\.ttf: No such file"):
        Glyphs((8, 16), (), (tmp_path / "absent.ttf",))


@pytest.mark.needs("emoji-font")
def test_a_font_of_pictures_is_no_first_font() -> None:
    [pictures] = [path for path in found_here() if not draws(path, "漢")]
    with pytest.raises(GoaltraceError, match="a font of pictures; give it with --fallback-font"):
        Glyphs((8, 16), (pictures,))
