"""Xet's storage in memory: what the Hub's clients send their bytes to since they chunk and deduplicate them.

A client cuts files into chunks by their content, sends those that are new in blocks ("xorbs"), and then says in a
"shard" which chunks each file is made of. Here a file is put together from its chunks as soon as its shard has arrived,
and its SHA-256 compared, so that nothing can be registered whose bytes did not come. Chunks are found again by every
client, as on the Hub: it asks for the first chunk of a file and for one in 1,024 of the others, and gets the list
of all chunks that came with it.
The formats: github.com/huggingface/xet-core, openapi/ and xet_core_structures/.
"""

from __future__ import annotations

import hashlib
import struct
import threading
from collections.abc import Iterator

import numpy as np
import pyarrow as pa

ENTRY = 48  # bytes of every header and entry of a shard
HEADER = 48
FOOTER = 200
BOOKEND = b"\xff" * 32
WITH_VERIFICATION, WITH_SHA256 = 1 << 31, 1 << 30
NONE, LZ4, LZ4_IN_FOURS = range(3)


class BadUpload(Exception):
    """What was sent is not what it says it is."""


class XetStorage:
    """Blocks of chunks, and the files made of them."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files
        """SHA-256 -> content; a whole file appears here when its shard has arrived."""
        self.received = 0
        """Bytes of blocks and shards that were sent."""
        self._blocks: dict[str, list[bytes]] = {}
        self._lists: dict[str, bytes] = {}  # a chunk that is asked for -> the section of the shard that has it
        self._lock = threading.Lock()

    def put_block(self, name: str, body: bytes) -> bool:
        """Keep a block; False if it is there already."""
        chunks = list(_chunks(body))
        with self._lock:
            self.received += len(body)
            new = name not in self._blocks
            self._blocks[name] = chunks
        return new

    def put_shard(self, body: bytes) -> None:
        """Register the files of a shard. Raises `BadUpload` for a file whose chunks are not here, or others."""
        with self._lock:
            self.received += len(body)
            place, begins = HEADER, []
            while body[place : place + 32] != BOOKEND:
                flags, count = struct.unpack_from("<II", body, place + 32)
                parts = [(_name(body, at), *struct.unpack_from("<II", body, at + 40))
                         for at in range(place + ENTRY, place + ENTRY * (1 + count), ENTRY)]  # fmt: skip
                data = b"".join(self._part(*part) for part in parts)
                begins += [part[:2] for part in parts[:1]]
                place += ENTRY * (1 + count * (2 if flags & WITH_VERIFICATION else 1))
                if flags & WITH_SHA256:
                    if _name(body, place) != hashlib.sha256(data).hexdigest():
                        raise BadUpload("the file's SHA-256 is not that of its chunks")
                    place += ENTRY
                self.files[hashlib.sha256(data).hexdigest()] = data
            begin = place = place + ENTRY
            named: dict[str, list[str]] = {}
            while body[place : place + 32] != BOOKEND:
                (count,) = struct.unpack_from("<I", body, place + 36)
                chunks = range(place + ENTRY, place + ENTRY * (1 + count), ENTRY)
                named[_name(body, place)] = [_name(body, chunk) for chunk in chunks]
                place += ENTRY * (1 + count)
            shard = _shard_of(body[:HEADER], body[begin : place + ENTRY])
            for names in named.values():
                self._lists |= {name: shard for name in names if int(name[-16:], 16) % 1024 == 0}
            for block, first in begins:
                if block in named:
                    self._lists[named[block][first]] = shard

    def chunk_list(self, chunk: str) -> bytes | None:
        """A shard that names all chunks that came with this one, for a client that asks what it need not send."""
        return self._lists.get(chunk)

    def _part(self, block: str, first: int, last: int) -> bytes:
        if block not in self._blocks:
            raise BadUpload(f"block {block} was never sent")
        return b"".join(self._blocks[block][first:last])


def _name(body: bytes, place: int) -> str:
    """A hash as addresses spell it: four little-endian words."""
    return "".join(f"{word:016x}" for word in struct.unpack_from("<4Q", body, place))


def _chunks(body: bytes) -> Iterator[bytes]:
    place = 0
    while place < len(body):
        packed, scheme = int.from_bytes(body[place + 1 : place + 4], "little"), body[place + 4]
        size = int.from_bytes(body[place + 5 : place + 8], "little")
        data = body[place + 8 : place + 8 + packed]
        if body[place] != 0 or len(data) != packed or scheme > LZ4_IN_FOURS:
            raise BadUpload("not a block of chunks")
        if scheme != NONE:
            data = pa.decompress(data, size, codec="lz4", asbytes=True)
        yield _together(data) if scheme == LZ4_IN_FOURS else data
        place += 8 + packed


def _together(data: bytes) -> bytes:
    """Undo the grouping of every first, second, third and fourth byte."""
    out = np.empty(len(data), np.uint8)
    place = 0
    for group in range(4):
        count = len(out[group::4])
        out[group::4] = np.frombuffer(data, np.uint8, count, place)
        place += count
    return out.tobytes()


def _shard_of(header: bytes, blocks: bytes) -> bytes:
    """A shard without files: header, no file, the blocks, no tables to look up in, and the footer."""
    begin = HEADER + ENTRY
    end = begin + len(blocks)
    places = (1, HEADER, begin, end, 0, end, 0, end, 0)  # version, then offsets and lengths
    footer = struct.pack("<9Q32xQQ48xQQQQ", *places, 0, 2**64 - 1, 0, 0, 0, end)
    assert len(footer) == FOOTER
    head = header[:32] + struct.pack("<QQ", 2, FOOTER)
    return head + BOOKEND + bytes(ENTRY - 32) + blocks + footer
