"""Escaping the data set's texts for Markdown, so that they are shown literally."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence


def plain(text: object) -> str:
    """Text of the data as Markdown that shows it literally: one line, no markup, no HTML."""
    line = " ".join(str(text).split())
    return re.sub(r"([\\`*_{}\[\]()#|!~$])", r"\\\1", html.escape(line, quote=False))


def code(text: object) -> str:
    """A name as code, where nothing in it could end the code or the cell."""
    name = " ".join(str(text).split())
    return plain(name) if re.search(r"[`|\\]", name) else f"`{name}`"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; the cells are Markdown already."""
    lines = ["| " + " | ".join(heads) + " |", "|" + " --- |" * len(heads)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def some(names: Sequence[str], most: int) -> str:
    """The first few names, and how many more there are."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(plain(name) for name in names[:most]) + more
