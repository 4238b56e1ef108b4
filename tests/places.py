"""Every byte below a folder, with what Parquet and gzip keep compressed laid open."""

from __future__ import annotations

import base64
import gzip
import re
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

_BASE64 = re.compile(rb"[A-Za-z0-9+/]{200,}={0,2}")


def everything_in(folder: Path) -> dict[str, bytes]:
    """Path below `folder`, which is part of what is looked at -> the file's bytes, and its values in the clear."""
    return {
        path.relative_to(folder).as_posix(): path.relative_to(folder).as_posix().encode() + b"\0" + opened(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_symlink()
    }


def opened(path: Path) -> bytes:
    """A file's bytes, then what they hold in another form."""
    data = path.read_bytes()
    if data.startswith(b"PAR1"):
        table = pq.read_table(path)
        values = b"\0".join(_bytes(value) for row in table.to_pylist() for value in _leaves(row))
        return data + values + str(table.schema.metadata).encode()
    if data.startswith(b"\x1f\x8b"):
        return data + gzip.decompress(data)
    return data + b"\0".join(base64.b64decode(match + b"=" * (-len(match) % 4)) for match in _BASE64.findall(data))


def _leaves(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [leaf for item in value.items() for part in item for leaf in _leaves(part)]
    if isinstance(value, list):
        return [leaf for item in value for leaf in _leaves(item)]
    return [value]


def _bytes(value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()
