"""Reading a user's own list of strings to mask (--redact): a text file, one string a line."""

from __future__ import annotations

from pathlib import Path

from manifests.errors import GoaltraceError

SHORTEST, _LONGEST, _MOST = 3, 1000, 10_000
_BYTES = 4 * 2**20


def read_list(path: Path) -> tuple[str, ...]:
    """The strings of a list, without empty lines and comments (`#`). Raises `GoaltraceError` naming the line."""
    try:
        with path.open("rb") as source:
            raw = source.read(_BYTES + 1)
    except OSError as error:
        raise GoaltraceError(
            f"{path}: cannot be read ({error.strerror}); give a text file, one string a line"
        ) from None
    if len(raw) > _BYTES:
        raise GoaltraceError(f"{path}: more than {_BYTES >> 20} MiB; list only what is to be masked")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        place = raw.count(b"\n", 0, error.start) + 1
        raise GoaltraceError(f"{path}: line {place}: not UTF-8; save the list as UTF-8 text") from None
    listed: dict[str, None] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        string = line.strip()
        if not string or string.startswith("#"):
            continue
        require_listable(string, f"{path}: line {number}")
        listed[string] = None
    if len(listed) > _MOST:
        raise GoaltraceError(f"{path}: more than {_MOST:,} strings; list only what is to be masked")
    if not listed:
        raise GoaltraceError(f"{path}: lists nothing; write one string a line")
    return tuple(listed)


def require_listable(string: str, where: str) -> None:
    """Raise `GoaltraceError` for a string that cannot be looked for."""
    if len(string) < SHORTEST:
        said = f"{string!r} is shorter than {SHORTEST} characters and would mask parts of other words"
        raise GoaltraceError(f"{where}: {said}; write more of it")
    if len(string) > _LONGEST:
        raise GoaltraceError(f"{where}: longer than {_LONGEST:,} characters; write a part of it")
    if not string.isprintable():
        raise GoaltraceError(f"{where}: holds control characters; write it as it is shown")
