"""Cuts a tape's text into tokens, by VHS's rules: strings have no escapes and end with their line at the latest.

In a pattern ``\\/`` is a slash. VHS has no way to write one and refuses such a tape, so no tape of its means another.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

Kind = Literal["word", "number", "string", "regex", "json", "sign", "comment", "bad", "end"]

_TOKEN = re.compile(
    r"""(?P<space>[ \t\r\n]+)
      | \#(?P<comment>[^\r\n]*)
      | (?P<json>\{[^}]*\}?)
      | (?P<string>"[^"\r\n]*"? | '[^'\r\n]*'? | `[^`\r\n]*`?)
      | (?P<regex>/(?:[^/\\\r\n]|\\[^\r\n]?)*/?)
      | (?P<number>(?:[0-9]|\.(?=[0-9]))[0-9.]*)
      | (?P<word>[A-Za-z.][A-Za-z0-9._/%-]*)
      | (?P<sign>[]@=[%^\\+-])
      | (?P<bad>.)""",
    re.VERBOSE,
)
_ESCAPED_END = re.compile(r"(?<!\\)(?:\\\\)*\\/\Z")


class Token(NamedTuple):
    """A token and where it begins; lines and columns count from 1, columns in characters."""

    kind: Kind
    text: str
    """Of a string or a regex: what is between its marks."""
    line: int
    column: int
    begins_line: bool
    closed: bool = True
    """False for a string, regex or {...} that lacks its end."""


def tokens(text: str) -> list[Token]:
    """All tokens of a tape, the last of kind "end". Any text is cut; what has no meaning is of kind "bad"."""
    found: list[Token] = []
    line, line_start, begins_line = 1, 0, True
    for match in _TOKEN.finditer(text):
        kind, whole, start = match.lastgroup, match[0], match.start()
        if kind != "space":
            found.append(_token(kind, match, line, start - line_start + 1, begins_line))
            begins_line = False
        if "\n" in whole:
            line += whole.count("\n")
            line_start = start + whole.rindex("\n") + 1
            begins_line = True
    found.append(Token("end", "", line, len(text) - line_start + 1, begins_line))
    return found


def _token(kind: str | None, match: re.Match[str], line: int, column: int, begins_line: bool) -> Token:
    whole = match[0]
    if kind in ("string", "regex"):
        closed = len(whole) > 1 and whole[-1] == whole[0] and not (kind == "regex" and _ESCAPED_END.search(whole))
        return Token(kind, whole[1 : -1 if closed else None], line, column, begins_line, closed)  # type: ignore[arg-type]
    if kind == "json":
        return Token("json", whole, line, column, begins_line, whole.endswith("}"))
    return Token(kind, match[kind or "bad"], line, column, begins_line)  # type: ignore[arg-type]
