"""Pictures as a person has looked at them: pictures/*.png.

After a change that is meant: PYTHONPATH=. python tests/collector/terminal/test_pictures.py --store, and look.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from collector.terminal.canvas import Canvas
from collector.terminal.fallbacks import packaged
from collector.terminal.glyphs import Appearance
from collector.terminal.screen import Screen
from collector.terminal.themes import THEMES

PICTURES = Path(__file__).parent / "pictures"
HIDE = "\x1b[?25l"
_BOXES = (
    "┌─┬┐╔═╦╗╓─╥╖╒═╤╕╭─╮┏━┳┓\r\n"
    "│ ││║ ║║║ ║║│ │││ │┃ ┃┃\r\n"
    "├─┼┤╠═╬╣╟─╫╢╞═╪╡╰─╯┣━╋┫\r\n"
    "└─┴┘╚═╩╝╙─╨╜╘═╧╛╱╲╳┗━┻┛\r\n"
    "┄┅┆┇┈┉┊┋╌╍╎╏╴╵╶╷╸╹╺╻╼╽╾╿"
)
_POWERLINE = "\x1b[38;5;33;48;5;236m" + "".join(
    chr(code) for code in (*range(0xE0A0, 0xE0A4), *range(0xE0B0, 0xE0C9), 0xE0CA, *range(0xE0CC, 0xE0D3), 0xE0D4)
)
CASES: dict[str, tuple[str, int, int, Appearance]] = {
    "attributes": (
        HIDE + " ".join(f"\x1b[{code}m{name}\x1b[0m" for code, name in (
            (1, "bold"), (2, "faint"), (3, "italic"), ("1;3", "both"), (5, "blink"), (7, "inverse"), (8, "hidden"),
            (9, "strike"), (53, "over"), (31, "red"), (92, "green"), ("38;2;255;150;0", "true"),
        )), 34, 3, Appearance(),
    ),
    "underlines": (
        HIDE + " ".join(f"\x1b[4:{kind};58;5;{kind + 8}mquality\x1b[0m" for kind in range(1, 6)), 40, 1, Appearance(),
    ),
    "boxes": (HIDE + _BOXES, 24, 5, Appearance()),
    "boxes-large": (HIDE + _BOXES, 24, 5, Appearance(cell=(13, 27))),
    "blocks": (HIDE + "▁▂▃▄▅▆▇█▉▊▋▌▍▎▏▐░▒▓▔▕\r\n▖▗▘▙▚▛▜▝▞▟▀🬀🬁🬂🬃🬞🬻\r\n⠁⠃⠇⡇⣇⣧⣷⣿⢸⠿", 22, 3, Appearance()),
    "powerline": (HIDE + _POWERLINE, 20, 2, Appearance()),
    "wide-and-combining": (
        HIDE + "e\u0301a\u0308x\u0302n\u0303 漢字かな한글 👍☎🌍 😀\x1b[4m漢\x1b[0m|", 30, 1, Appearance(),
    ),
    "fallbacks": (
        HIDE + "漢字かな한글ｱｲ，。「」a中\x1b[1m漢字\x1b[0;3m漢字\x1b[0;4m漢字\x1b[0;7m漢字\x1b[0;31m漢\x1b[0m|", 46, 1,
        Appearance(fallbacks=tuple(packaged())),
    ),
    "cursors": ("\x1b[4 qab", 4, 1, Appearance()),
    "palette": (
        HIDE + "".join(f"\x1b[48;5;{n}m " + ("\x1b[0m\r\n" if n % 36 == 15 and n < 250 else "") for n in range(256)),
        36, 8, Appearance(),
    ),
    "theme": (
        HIDE + "".join(f"\x1b[{n}m▇a" for n in (*range(30, 38), *range(90, 98))), 32, 1,
        Appearance(THEMES["solarized-light"]),
    ),
}  # fmt: skip


def drawn(name: str) -> NDArray[np.uint8]:
    text, columns, rows, look = CASES[name]
    if name == "cursors":
        return np.hstack([_picture(f"\x1b[{shape} qab\x1b[2G", columns, rows, look) for shape in (2, 4, 6)])
    return _picture(text, columns, rows, look)


def _picture(text: str, columns: int, rows: int, look: Appearance) -> NDArray[np.uint8]:
    canvas = Canvas(columns, rows, look)
    screen = Screen(columns, rows, look.theme or THEMES["goaltrace"])
    screen.feed(text)
    canvas.update(screen)
    return canvas.pixels


@pytest.mark.parametrize("name", [
    pytest.param(name, marks=pytest.mark.needs("cjk-font") if name == "fallbacks" else ()) for name in CASES
])  # fmt: skip
def test_it_looks_as_a_person_found_right(name: str) -> None:
    stored = np.asarray(Image.open(PICTURES / f"{name}.png").convert("RGB")).astype(int)
    picture = drawn(name).astype(int)
    assert picture.shape == stored.shape
    # another FreeType may smooth an edge a little differently
    assert np.abs(picture - stored).max() <= 40 and np.abs(picture - stored).mean() < 0.5


def test_no_picture_is_left_over() -> None:
    assert {path.stem for path in PICTURES.glob("*.png")} == set(CASES)


if __name__ == "__main__" and sys.argv[1:] == ["--store"]:
    PICTURES.mkdir(exist_ok=True)
    for each in CASES:
        Image.fromarray(drawn(each)).save(PICTURES / f"{each}.png", optimize=True)
