"""Which files are casts: those named, and in folders those that call themselves so or look like one."""

from __future__ import annotations

import os
import re
from pathlib import Path

from collector.importers.cast.source import Unusable, opened
from manifests.errors import GoaltraceError

_NAMES = (".cast", ".cast.gz", ".asciicast", ".asciicast.gz")
_MAYBE = (".json", ".json.gz")
_VERSION = re.compile(rb'"version"\s*:\s*[123]\s*[,}]')


def find_casts(paths: list[Path], out: Path) -> list[Path]:
    """Files in a stable order, each once; what lies in `out` is ours and left out."""
    found: dict[Path, None] = {}
    ours = out.resolve()
    for path in paths:
        if path.is_dir():
            inside = [file for file in _walk(path, ours) if _is_cast(file)]
            if not inside:
                raise GoaltraceError(f"{path}: no casts in it or below (*.cast, *.cast.gz, asciicast *.json)")
            found.update(dict.fromkeys(inside))
        elif path.exists():
            found[path] = None
        else:
            raise GoaltraceError(f"{path}: no such file or folder; give a cast or a folder of casts")
    return list(found)


def _walk(folder: Path, ours: Path) -> list[Path]:
    files: list[Path] = []
    for root, folders, names in os.walk(folder):
        here = Path(root)
        if "session.json" in names:  # a session, not somebody's cast
            folders.clear()
            continue
        unfinished = [name for name in folders if name.startswith(".") and name.endswith(".tmp")]
        folders[:] = sorted(name for name in folders if name not in unfinished and (here / name).resolve() != ours)
        files.extend(here / name for name in sorted(names))
    return files


def _is_cast(path: Path) -> bool:
    name = path.name.lower()
    if not path.is_file():
        return False
    if name.endswith(_NAMES):
        return True
    if not name.endswith(_MAYBE):
        return False
    try:
        with opened(path) as source:
            head = source.read(4096)
    except (Unusable, EOFError):
        return False
    return bool(_VERSION.search(head)) and (b'"stdout"' in head or b'"width"' in head or b'"term"' in head)
