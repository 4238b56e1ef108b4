"""The roles and programs that tasks may name: GoalTrace's own words, independent of a system's release.

What a system says for each word is known in one place: for roles `collector.agents.desktop.names`, for programs
`manifests.programs`.
"""

from __future__ import annotations

import difflib

from manifests.programs import PROGRAMS

ROLES = (
    "alert", "application", "button", "calendar", "canvas", "check box", "check menu item", "column header",
    "combo box", "dialog", "document", "entry", "file list", "file chooser", "frame", "heading", "icon", "image",
    "label", "link", "list", "list box", "list item", "menu", "menu bar", "menu item", "page tab", "page tab list",
    "panel", "paragraph", "password text", "progress bar", "radio button", "radio menu item", "scroll bar",
    "section", "separator", "slider", "spin button", "split pane", "status bar", "table", "table cell", "terminal",
    "text", "toggle button", "tool bar", "tool tip", "tree", "tree item", "tree table", "window",
)  # fmt: skip
"""What an element is. A text field of one line and a page of text are both `text`, as programs say it."""

FORMER_ROLES = {"push button": "button", "directory pane": "file list", "toolbar": "tool bar"}
"""Words of one release or another that tasks were written with; they still mean the same."""


def role_named(word: str) -> str:
    """`word` as one of `ROLES`; `ValueError` naming the nearest ones."""
    plain = " ".join(word.lower().replace("-", " ").replace("_", " ").split())
    plain = FORMER_ROLES.get(plain, plain)
    if plain not in ROLES:
        raise ValueError(f"{word!r} is no role; nearest: {nearest(plain, ROLES)}")
    return plain


def program_named(word: str) -> str:
    """`word` as a word of `PROGRAMS`; `ValueError` naming them."""
    if word not in PROGRAMS:
        raise ValueError(f"{word!r} is no program of the desktop; one of: {', '.join(PROGRAMS)}")
    return word


def nearest(word: str, words: tuple[str, ...]) -> str:
    """The three of `words` that are most similar to `word`, quoted and separated by commas."""
    by_likeness = sorted(words, key=lambda other: -difflib.SequenceMatcher(None, word, other).ratio())
    return ", ".join(repr(other) for other in by_likeness[:3])
