"""Ids of sessions, episodes and clips: names of files are made of them, so one type says what an id may be.

A stranger's document meets it where it is read, whatever is done with the id afterwards: nothing that came through
holds a path, a control character or a name that a file system reads in a way of its own.
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import StringConstraints

ID_PATTERN = r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}$"
Id = Annotated[str, StringConstraints(pattern=ID_PATTERN)]
"""Letters, digits, "_", "." and "-", at most 200 of them and none of "." and "-" first."""

_ID = re.compile(ID_PATTERN.removesuffix("$"))


def is_id(text: object) -> bool:
    """Whether a value may be an id."""
    return isinstance(text, str) and _ID.fullmatch(text) is not None
