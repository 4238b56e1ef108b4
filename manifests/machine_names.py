"""Removing this machine's folders, user and host names from texts that are written into data sets.

Messages to the user name whole paths. Texts in a data set may be published, so there a file is named relative to its
session, and any other path by its last part.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from manifests.secrets import Names, names_of_this_machine

GONE = "…"
_COMMON = {"/", "/root", "/home", "/tmp", "/var/tmp", "/work", "/workspace", "/app", "/data", "/mnt"}
"""Folders that many machines have, so that their names identify nobody."""
_PATH = re.compile(r"(?<![\w.~/:])(?:[A-Za-z]:\\|/)(?:[^\s/\\:;,'\"()]+[/\\])+(?=[^\s/\\:;,'\"()])")


def without_machine_names(text: str, *own: Path) -> str:
    """A text without folders and names of this machine.

    A path inside one of the folders `own` becomes relative to it; of any other path only the last part is kept.
    """
    for folder in own:
        for place in sorted({str(folder), *_ways_to(folder)} - {"."}, key=len, reverse=True):
            text = re.sub(rf"(?<![\w./-]){re.escape(place)}[/\\]", "", text)
            text = re.sub(rf"(?<![\w./-]){re.escape(place)}(?![\w.-])", folder.name or GONE, text)
    for place in _places():
        text = re.sub(rf"{re.escape(place)}(?:[/\\]|(?![\w-]))", "", text)
    text = _PATH.sub("", text)
    kept, position = "", 0
    for span in sorted(Names(names_of_this_machine()).find(text)):  # which may overlap
        kept += text[position : span.start] + GONE if span.start >= position else ""
        position = max(position, span.end)
    return kept + text[position:]


def machine_names_in(value: Any, where: str = "") -> Iterator[str]:
    """The places in a JSON document that hold a folder or a name of this machine, for example "left_out[3].reason"."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from machine_names_in(item, f"{where}.{key}" if where else str(key))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from machine_names_in(item, f"{where}[{number}]")
    elif isinstance(value, str) and (
        any(place in value for place in _places()) or next(Names(names_of_this_machine()).find(value), None)
    ):
        yield where


def _places() -> list[str]:
    """The user's home, the folder that the command runs in, and the one for temporary files; the longest first."""
    folders = [Path.home(), Path(tempfile.gettempdir())]
    try:
        folders.append(Path.cwd())
    except OSError:  # removed meanwhile
        pass
    return sorted({way for folder in folders for way in _ways_to(folder)} - _COMMON, key=len, reverse=True)


def _ways_to(folder: Path) -> set[str]:
    return {str(folder.absolute()), os.path.normpath(folder.absolute()), str(folder.resolve())}
