"""What control sequences say in a writing of their own: the clipboard, and the command line as a shell reports it."""

from __future__ import annotations

import base64
import binascii
import re
from urllib.parse import unquote

_COMMAND = re.compile(r"133;C;(?:[^;=]*=[^;]*;)*?cmdline(?P<url>_url)?=|633;E;")
"""Reported by fish 4 and kitty (percent or quoted), and to VS Code."""
_QUOTED = re.compile(r"\\(?:x([0-9A-Fa-f]{2})|(.))", re.S)


def decoded(payload: str) -> tuple[int, str] | None:
    """Where such a text begins in a control sequence's payload, and what it says; None for any other payload."""
    if payload.startswith("52;"):
        start = payload.rfind(";") + 1
        try:
            return start, base64.b64decode(payload[start:], validate=True).decode(errors="replace")
        except (binascii.Error, ValueError):
            return None
    command = _COMMAND.match(payload)
    if command is None:
        return None
    text = payload[command.end() :]
    return command.end(), unquote(text) if command["url"] else _QUOTED.sub(_meant, text)


def _meant(found: re.Match[str]) -> str:
    return chr(int(found[1], 16)) if found[1] else found[2]
