"""Keeps damaged files as they were found, in SESSION/damaged/, before recovered ones take their places."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from itertools import count
from pathlib import Path

FOLDER = "damaged"
_OTHER_NAMES = {"session.json": "session.before.json"}  # or the folder would look like a session


def set_aside(session: Path, paths: Iterable[Path]) -> list[str]:
    """Keep each file, as it is now, in SESSION/damaged/ too (empty ones are not); the names they have there."""
    folder = session / FOLDER
    names = []
    for path in paths:
        if not path.is_file() or not path.stat().st_size:
            continue
        folder.mkdir(exist_ok=True)
        target = _free(folder, _OTHER_NAMES.get(path.name, path.name))
        try:
            os.link(path, target)  # whoever replaces `path` leaves this one alone
        except OSError:
            shutil.copy2(path, target)
        names.append(target.name)
    return names


def _free(folder: Path, name: str) -> Path:
    stem, dot, ending = name.partition(".")
    return next(
        path
        for number in count(1)
        if not (path := folder / (name if number == 1 else f"{stem}-{number}{dot}{ending}")).exists()
    )
