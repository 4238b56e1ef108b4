"""Fonts for what the fonts that we bring lack: Chinese, Japanese, Korean, and emoji in colour.

Looked for in the installed packages of the extra `fonts`, then among the system's by fontconfig.
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

from collector.terminal.emoji import emoji
from collector.terminal.faces import has, holds_pictures
from manifests.errors import GoaltraceError

_PACKAGES = ("noto_cjk_sans_otc",)
"""Noto Sans CJK, SIL Open Font License 1.1."""
_WANTED = (("漢", ""), ("か", ""), ("한", ""), ("😀", ":color=true"))
_WAIT_S = 10.0


@functools.cache
def found_here() -> tuple[Path, ...]:
    """The fonts of this machine that are of use, in the order of their use. Looked for once."""
    found = packaged()
    for char, more in _WANTED:
        if not any(draws(path, char) for path in found):
            path = _of_system(char, more)
            if path is not None and draws(path, char):
                found.append(path)
    return tuple(found)


def checked(files: tuple[Path, ...]) -> tuple[Path, ...]:
    """The same files; `GoaltraceError` for one that is no font that can be drawn with."""
    for file in files:
        try:
            with file.open("rb"):
                pass
            good = draws(file, "a") or draws(file, "漢") or draws(file, "😀")
        except OSError as error:
            raise GoaltraceError(
                f"--fallback-font {file}: {error.strerror or error}; give a .ttf, .otf or .ttc"
            ) from None
        if not good:
            raise GoaltraceError(f"--fallback-font {file}: not a font that can be read; give a .ttf, .otf or .ttc")
    return files


def draws(path: Path, char: str) -> bool:
    """Whether the font in `path` can be read and has `char`."""
    try:
        return emoji(path, char, 16, 16) is not None if holds_pictures(path) else has(path, char)
    except OSError:
        return False


def packaged() -> list[Path]:
    """The fonts that came with the extra `fonts`."""
    specs = [spec for name in _PACKAGES if (spec := find_spec(name)) is not None]
    folders = [Path(folder) for spec in specs for folder in spec.submodule_search_locations or ()]
    return [path for folder in folders for path in sorted(folder.glob("*.[ot]t[cf]"))]


def _of_system(char: str, more: str) -> Path | None:
    """What fontconfig would take for `char`, which need not have it."""
    program = shutil.which("fc-match")
    if program is None:
        return None
    pattern = f":charset={ord(char):x}{more}"
    try:
        result = subprocess.run([program, "--format=%{file}", pattern], capture_output=True, timeout=_WAIT_S)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return Path(os.fsdecode(result.stdout)) if result.returncode == 0 and result.stdout else None
