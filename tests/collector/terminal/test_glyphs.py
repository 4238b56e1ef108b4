"""Characters: those that must join do at any size, and all have the right width."""

from __future__ import annotations

import unicodedata

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.terminal.blocks import block
from collector.terminal.boxes import arms, box
from collector.terminal.glyphs import Glyphs, look_of
from collector.terminal.powerline import powerline
from collector.terminal.rows import Cell, Style
from collector.terminal.screen import Colors
from collector.terminal.shapes import heavy, light, middle
from collector.terminal.themes import DEFAULT

SIZES = st.tuples(st.integers(4, 40), st.integers(8, 80))
BOXES = [chr(code) for code in range(0x2500, 0x2580)]
PLAIN_BOXES = [
    char for char in BOXES if not any(word in unicodedata.name(char) for word in ("ARC", "DIAGONAL", "DASH"))
]
COLORS = Colors(DEFAULT.fg, DEFAULT.bg, None, tuple((n, n, n) for n in range(256)))


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(PLAIN_BOXES), st.tuples(st.integers(8, 40), st.integers(16, 80)).map(sorted))  # none is flat
def test_an_arm_reaches_its_edge_where_its_neighbour_goes_on(char: str, size: list[int]) -> None:
    width, height = size
    cover = box(char, width, height)
    assert cover is not None and cover.shape == (height, width)
    weights = arms(unicodedata.name(char).removeprefix("BOX DRAWINGS "))
    thin = light(width)
    thickness = {1: thin, 2: heavy(width), 3: 3 * thin}
    edges = {"left": cover[:, 0], "right": cover[:, -1], "up": cover[0], "down": cover[-1]}
    for arm, edge in edges.items():
        wanted = np.zeros(len(edge), dtype=bool)
        if arm in weights:
            wanted[slice(*middle(len(edge), thickness[weights[arm]], thin))] = True
            if weights[arm] == 3:
                wanted[slice(*middle(len(edge), thin, thin))] = False
        assert np.array_equal(edge > 0, wanted), f"{char} {arm}"


@pytest.mark.parametrize("size", [(8, 16), (9, 18), (17, 31)])
def test_drawn_characters_cover_their_blocks(size: tuple[int, int]) -> None:
    for code in [*range(0x2500, 0x25A0), *range(0x2801, 0x2900), *range(0x1FB00, 0x1FB3C)]:
        shape = box(chr(code), *size)
        cover = shape if shape is not None else block(chr(code), *size)
        assert cover is not None and cover.shape == size[::-1] and cover.any(), f"U+{code:04X}"
    for code in (*range(0xE0A0, 0xE0A4), *range(0xE0B0, 0xE0C9), 0xE0CA, *range(0xE0CC, 0xE0D3), 0xE0D4):
        cover = powerline(chr(code), *size)
        assert cover is not None and cover.shape == size[::-1] and cover.any(), f"U+{code:04X}"
    assert box("a", *size) is block("a", *size) is powerline("a", *size) is None


@settings(max_examples=100, deadline=None)
@given(SIZES)
def test_complementary_blocks_fill_a_cell_once(size: tuple[int, int]) -> None:
    for pair in ("▀▄", "▌▐", "▘▟", "▚▞", "▖▜"):
        first, second = (block(char, *size) for char in pair)
        assert first is not None and second is not None
        assert (first.astype(int) + second == 255).all(), pair


def test_powerline_arrows_join_the_cells_beside_them() -> None:
    arrow, flipped = powerline("\ue0b0", 8, 16), powerline("\ue0b2", 8, 16)
    assert arrow is not None and flipped is not None
    assert arrow[2:-2, 0].min() > 200 and arrow[8, -1] > 50 and arrow[0, -1] == 0
    assert np.array_equal(arrow[:, ::-1], flipped)


@settings(max_examples=300, deadline=None)
@given(st.characters(exclude_categories=["Cs"]), st.booleans(), st.booleans(), SIZES)
def test_any_character_is_drawn_at_its_width(char: str, bold: bool, italic: bool, size: tuple[int, int]) -> None:
    glyphs = Glyphs(size, ())
    look = look_of(Style(bold=bold, italic=italic), COLORS)
    for half in (0, 1, 2):
        assert glyphs.draw(Cell(char, Style(), half), look).shape == size[::-1]


@pytest.mark.parametrize("mark", ["\u034f", "\u20e3\u036b", "\u0e49"])
def test_a_mark_that_the_font_lacks_is_no_box_over_its_letter(mark: str) -> None:
    drawn = Glyphs((16, 32), ())
    look = look_of(Style(), Colors(DEFAULT.fg, DEFAULT.bg, None, ()))
    assert (drawn.draw(Cell("Z" + mark), look) == drawn.draw(Cell("Z"), look)).all()
    assert (drawn.draw(Cell("Z\u030c"), look) != drawn.draw(Cell("Z"), look)).any()


@pytest.mark.parametrize("size", [(8, 16), (10, 20), (16, 32)])
def test_scan_lines_go_across_the_cell_from_its_top_to_its_bottom(size: tuple[int, int]) -> None:
    rows = []
    for char in "⎺⎻⎼⎽":
        cover = block(char, *size)
        assert cover is not None and set(cover.min(axis=1) == cover.max(axis=1)) == {True}
        rows.append(int(np.flatnonzero(cover[:, 0])[0]))
    assert rows[0] == 0 and rows[-1] + light(size[0]) == size[1] and rows == sorted(set(rows))


def test_a_character_that_no_font_has_is_its_code_point() -> None:
    glyphs = Glyphs((8, 16), ())
    look = look_of(Style(), COLORS)
    tiles = {char: np.hstack([glyphs.draw(Cell(char, Style(), half), look) for half in (1, 2)]) for char in "漢字"}
    assert not np.array_equal(tiles["漢"], tiles["字"])
    assert (tiles["漢"][[0, -1]] != tiles["漢"][1, 1]).all(), "boxed"


def test_styles_become_colours() -> None:
    style = Style(fg=(200, 100, 0), bg=(0, 0, 100))
    assert look_of(style._replace(faint=True), COLORS).fg == (100, 50, 50)
    swapped = look_of(style._replace(inverse=True), COLORS)
    assert (swapped.fg, swapped.bg) == ((0, 0, 100), (200, 100, 0))
    hidden = look_of(style._replace(invisible=True, underline=1), COLORS)
    assert hidden.fg == hidden.line == hidden.bg == (0, 0, 100)
    assert look_of(style._replace(underline=3, underline_color=9), COLORS).line == (9, 9, 9)
    assert look_of(style._replace(blink=True), COLORS) == look_of(style, COLORS)
