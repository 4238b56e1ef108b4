"""Writing files atomically, and reading documents that may come from anybody: regular files of bounded size."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import shutil
import stat
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from pydantic import BaseModel, ValidationError

from manifests.errors import GoaltraceError
from manifests.permissions import mode_like

M = TypeVar("M", bound=BaseModel)

MAX_DOCUMENT_BYTES = 16 * 2**20  # no manifest that GoalTrace writes is larger
MAX_LINE_BYTES = 2**20


class DiskFull(GoaltraceError):
    """No space is left on the disk. It ends the run, since the current item is not the cause."""


_TEMPORARY = re.compile(r"^\.(.+)\.[0-9a-f]{8}\.tmp$")


@contextmanager
def _beside(path: Path) -> Iterator[Path]:
    """Yield a temporary name in the folder of `path`; whatever still has that name at the end is removed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.tmp")
    try:
        yield temporary
    except OSError as error:
        raise_if_full(error, path)
        raise
    finally:
        _remove(temporary)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success rename it over `path`, on failure remove it.

    The temporary file exists already, empty, with the permissions that `path` has or will have.
    """
    with _beside(path) as temporary:
        os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode_like(path)))
        yield temporary
        os.replace(temporary, path)


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Yield a temporary folder beside `path` that becomes `path` on success and vanishes on failure.

    Raises `GoaltraceError` when `path` exists already (and is not an empty folder).
    """
    require_absent(path)
    with _beside(path) as temporary:
        temporary.mkdir()
        yield temporary
        require_absent(path)  # another process may have made it meanwhile
        if path.is_dir():
            path.rmdir()
        os.replace(temporary, path)


def require_absent(path: Path) -> None:
    """Raise `GoaltraceError` if `path` exists as anything but an empty folder."""
    if path.is_dir() and not any(path.iterdir()):
        return
    if path.exists() or path.is_symlink():
        raise GoaltraceError(f"{path}: exists already; choose another --out or remove it first")


def require_writable(folder: Path) -> None:
    """Raise `GoaltraceError` if nothing can be written into `folder`; for calling before long work."""
    there = folder
    while not there.exists() and there != there.parent:
        there = there.parent
    if not there.is_dir():
        raise GoaltraceError(f"{there}: is a file, so nothing can be written below it; choose another --out")
    if not os.access(there, os.W_OK | os.X_OK):
        raise GoaltraceError(f"{there}: cannot be written to; mend its permissions, or use another folder")


def raise_if_full(error: OSError, path: Path) -> None:
    """Raise `DiskFull`, naming the path and the free space, if `error` means that no space is left."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        folder = path
        while not folder.exists():
            folder = folder.parent
        free = shutil.disk_usage(folder).free / 2**20
        meant = Path(*(_TEMPORARY.sub(r"\1", part) for part in path.parts))
        raise DiskFull(
            f"{meant}: no space left on its disk ({free:.0f} MiB free); free some or choose another --out"
        ) from error


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text atomically."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, document: BaseModel | dict[str, Any] | list[Any]) -> None:
    """Write a document atomically as indented JSON."""
    if isinstance(document, BaseModel):
        document = document.model_dump(mode="json")
    write_text(path, json.dumps(document, indent=2, ensure_ascii=False) + "\n")


def is_plain(path: Path) -> bool:
    """True for a regular file. A symbolic link is none: what it leads to may belong to somebody else."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except (OSError, ValueError):  # ValueError: a NUL in the name
        return False


def open_plain(path: Path) -> BinaryIO:
    """Open a regular file for reading. A link, a pipe or a device is refused, without blocking on it."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        number = os.open(path, flags)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.EMLINK):
            raise GoaltraceError(f"{path}: a link; links are not followed here, put the file itself there") from None
        raise
    file = os.fdopen(number, "rb")
    if not stat.S_ISREG(os.fstat(number).st_mode):
        file.close()
        raise GoaltraceError(f"{path}: not a regular file; put a file there")
    return file


def read_bytes(path: Path, limit: int = MAX_DOCUMENT_BYTES) -> bytes:
    """The bytes of a document. Raises `GoaltraceError` when it is missing, unreadable or larger than `limit`."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise GoaltraceError(f"{path}: not a regular file; give a file")
        with path.open("rb") as source:
            data = source.read(limit + 1)  # a file system may report another size
        if len(data) > limit:
            raise GoaltraceError(f"{path}: more than the {limit:,} bytes allowed here")
        return data
    except FileNotFoundError:
        raise GoaltraceError(f"{path}: no such file") from None
    except OSError as error:
        raise GoaltraceError(f"{path}: cannot be read ({error.strerror})") from None


def read_json(path: Path) -> Any:
    """A JSON document of bounded size."""
    data = read_bytes(path)
    try:
        value = json.loads(data)
        if b"\\u" in data or not data.isascii():  # perhaps a lone surrogate, which UTF-8 cannot encode
            json.dumps(value, ensure_ascii=False).encode()
        return value
    except (ValueError, RecursionError) as error:
        raise GoaltraceError(f"{path}: not valid JSON ({error}); restore the file or make it again") from None


def parse_model(model: type[M], data: Any, where: object) -> M:
    """Validate `data`; the first problem becomes one line "where: field: problem"."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        # a misspelt key is also a missing one; the misspelling is what helps
        first = min(error.errors(), key=lambda problem: problem["type"] != "extra_forbidden")
        field = ".".join(str(part) for part in first["loc"]) or "document"
        if first["type"] == "extra_forbidden":
            known = ", ".join(sorted(model.model_fields))
            hint = f"; known keys here: {known}" if len(first["loc"]) == 1 else ""
            raise GoaltraceError(f"{where}: {field}: unknown key; remove or correct it{hint}") from None
        message = first["msg"].removeprefix("Value error, ")
        raise GoaltraceError(f"{where}: {field}: {message}") from None


def append_jsonl(path: Path, records: Iterable[BaseModel]) -> None:
    """Append records, one JSON line each."""
    with path.open("a", encoding="utf-8") as out:
        out.writelines(record.model_dump_json(exclude_none=True) + "\n" for record in records)


def read_jsonl(path: Path, model: type[M]) -> list[M]:
    """All records of a JSON-lines file.

    A last line cut short (the writer was killed) is left out; any other bad line raises
    `GoaltraceError` with its number.
    """
    records: list[M] = []
    with path.open("rb") as source:
        number = 0
        while line := source.readline(MAX_LINE_BYTES):
            number += 1
            if not line.endswith(b"\n"):
                if len(line) == MAX_LINE_BYTES:
                    raise GoaltraceError(f"{path}: line {number}: longer than {MAX_LINE_BYTES:,} bytes")
                break
            try:
                records.append(model.model_validate_json(line))
            except ValidationError as error:
                problem = error.errors()[0]
                field = ".".join(map(str, problem["loc"])) or "line"
                raise GoaltraceError(f"{path}: line {number}: {field}: {problem['msg']}") from None
    return records


def sha256_of(path: Path) -> str:
    """Hex SHA-256 of a file's bytes."""
    with path.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
