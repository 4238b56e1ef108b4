"""Decodes texts inside control sequences: the clipboard (base64), and command lines as shells report them (quoted)."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from urllib.parse import unquote

_COMMAND = re.compile(r"133;C;(?:[^;=]*=[^;]*;)*?cmdline(?P<url>_url)?=|633;E;|(?:^|(?<=;))cmdline(?P<context>)=")
"""Reported by fish 4 and kitty (percent or quoted), to VS Code, and by systemd."""
_QUOTED = re.compile(r"\\(?:x([0-9A-Fa-f]{2})|(.))", re.S)
_BASE64 = re.compile(
    r"(?<![A-Za-z0-9+/])(?:[A-Za-z0-9+/]{4}){2,16384}(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?(?![A-Za-z0-9+/=])"
)
_PERCENT = re.compile(r"(?:[\w.~/:;=&?@+-]|%[0-9A-Fa-f]{2}){8,4096}")
_MOST = 262_144


def decoded(payload: str) -> Iterator[tuple[int, int, str]]:
    """Where in a control sequence's payload such a text stands, and the text decoded."""
    payload = payload[:_MOST]
    command = _COMMAND.search(payload)
    if command is not None:
        text = payload[command.end() :]
        yield command.end(), len(payload), unquote(text) if command["url"] else _QUOTED.sub(_meant, text)
    for run in _BASE64.finditer(payload):
        try:
            text = base64.b64decode(run[0], validate=True).decode()
        except (binascii.Error, ValueError):
            continue
        if text.isprintable() or "\n" in text:
            yield *run.span(), text
    if "%" in payload:
        for run in _PERCENT.finditer(payload):
            if "%" in run[0]:
                yield *run.span(), unquote(run[0])


def _meant(found: re.Match[str]) -> str:
    return chr(int(found[1], 16)) if found[1] else found[2]
