"""The type of the ids of sessions, episodes and clips, which become file names and so are validated on reading.

An id that passed holds no path separator, no control character, and no name that a file system treats specially.
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
