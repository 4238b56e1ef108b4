"""The bytes of a cast on disk: plain or gzip, recognised by content, and never more of them than was allowed."""

from __future__ import annotations

import gzip
import hashlib
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedIOBase
from pathlib import Path

from manifests.errors import GoaltraceError

DEFAULT_LIMIT = 512 * 2**20
_MAGIC = b"\x1f\x8b"


class Unusable(GoaltraceError):
    """A file that is no cast, or whose meaning is not clear; the message says where and why, without its path."""


@contextmanager
def opened(path: Path) -> Iterator[BufferedIOBase]:
    """The file's content, unpacked if it is gzip. Raises `Unusable` for what cannot be read."""
    if not path.is_file():
        raise Unusable("not a regular file; save it as one first")
    try:
        with path.open("rb") as raw:
            packed = raw.read(2) == _MAGIC
            raw.seek(0)
            yield gzip.GzipFile(fileobj=raw) if packed else raw
    except (gzip.BadGzipFile, zlib.error) as error:
        raise Unusable(f"damaged gzip ({error})") from None
    except OSError as error:
        raise Unusable(f"cannot be read ({error.strerror or error})") from None


def digest(path: Path, limit: int) -> str:
    """SHA-256 of the unpacked content, so that a cast and its gzip are one; `Unusable` past `limit` bytes."""
    value, total = hashlib.sha256(), 0
    with opened(path) as source:
        try:
            while chunk := source.read1(2**20):  # what is there, also before a cut
                total += len(chunk)
                if total > limit:
                    raise Unusable(f"more than {limit >> 20} MiB unpacked; allow more with --max-size")
                value.update(chunk)
        except EOFError:  # a gzip cut short: what came before is whole
            pass
    if not total:
        raise Unusable("empty file")
    return value.hexdigest()


def lines(source: BufferedIOBase, longest: int, longest_first: int) -> Iterator[bytes]:
    """Its lines, one in memory at a time; a gzip cut short just ends. The first may be a whole cast of version 1."""
    try:
        number, limit = 0, longest_first
        while line := source.readline(limit + 1):
            number += 1
            if len(line) > limit:
                mend = "split the event" if number > 1 else "convert it to version 2 first"
                raise Unusable(f"line {number}: longer than {limit:,} bytes; {mend}")
            yield line
            limit = longest
    except EOFError:
        return
