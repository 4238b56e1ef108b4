"""Maps the names that tasks use to those that systems use: here alone, since releases rename what they show.

What programs call themselves stands with each program, in `manifests/programs.py`.

AT-SPI's role numbers are part of its protocol and stay; the strings do not ("push button" became "button").
Titles and labels are compared without case, white space and the way an ellipsis is written.
"""

from __future__ import annotations

import unicodedata

from manifests.programs import PROGRAMS

ROLE_NUMBERS: dict[str, tuple[int, ...]] = {
    "alert": (2,), "application": (75,), "button": (43, 129), "calendar": (5,), "canvas": (6, 18), "check box": (7,),
    "check menu item": (8,), "column header": (10, 57), "combo box": (11,), "dialog": (16,),
    "document": (82, 94, 95), "entry": (79, 61), "file chooser": (19,), "file list": (17,), "frame": (23,),
    "heading": (83,), "icon": (26,), "image": (27,), "label": (29, 116), "link": (88,), "list": (31,),
    "list box": (98,), "list item": (32,), "menu": (33, 41), "menu bar": (34,), "menu item": (35,),
    "page tab": (37,), "page tab list": (38,), "panel": (39,), "paragraph": (73,), "password text": (40,),
    "progress bar": (42,), "radio button": (44,), "radio menu item": (45,), "scroll bar": (48,), "section": (85,),
    "separator": (50,), "slider": (51,), "spin button": (52,), "split pane": (53,), "status bar": (54,),
    "table": (55,), "table cell": (56,), "terminal": (60,), "text": (61, 79), "toggle button": (62, 130),
    "tool bar": (63,), "tool tip": (64,), "tree": (65,), "tree item": (91,), "tree table": (66,), "window": (69, 23),
}  # fmt: skip
"""Our word -> the numbers of AT-SPI's roles (atspi-constants.h) that it stands for; the first is its own."""

WORDS = {numbers[0]: word for word, numbers in ROLE_NUMBERS.items()}


def normalised(text: str | None) -> str:
    """A title or label without what differs between releases: case, white space, the way an ellipsis is written."""
    return " ".join(unicodedata.normalize("NFKC", text or "").casefold().split())


def is_role(number: int, word: str) -> bool:
    """Whether AT-SPI's role `number` is what tasks call `word`."""
    return number in ROLE_NUMBERS[word]


def is_program(name: str | None, word: str) -> bool:
    """Whether an application of that name is the program that tasks call `word`."""
    return normalised((name or "").replace("-", " ").replace("_", " ")) in PROGRAMS[word].names


def is_named(name: str | None, wanted: str) -> str | None:
    """ "exact" or "loose" (the name contains it) where an element's name is the `wanted` one, else None."""
    shown, asked = normalised(name), normalised(wanted)
    if shown == asked:
        return "exact"
    return "loose" if asked in shown else None
