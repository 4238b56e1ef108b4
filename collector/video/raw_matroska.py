"""Raw pictures with their own times, in the plainest Matroska that ffmpeg reads from a pipe.

ffmpeg's rawvideo input knows frame numbers only; a Matroska block of uncompressed video carries its time. One
cluster a picture (RFC 9559; V_UNCOMPRESSED, 5.1.4.1.27), so nothing waits for a next one.
"""

from __future__ import annotations

from typing import Literal

PixelFormat = Literal["rgb24", "bgr0"]
BYTES_PER_PIXEL: dict[PixelFormat, int] = {"rgb24": 3, "bgr0": 4}
_FOURCC: dict[PixelFormat, bytes] = {"rgb24": b"RGB\x18", "bgr0": b"BGR\x00"}
_UNKNOWN_SIZE = b"\x01" + b"\xff" * 7


def header(width: int, height: int, pixel_format: PixelFormat) -> bytes:
    """What precedes the first picture; times are whole ms."""
    ebml = _number("4286", 1) + _number("42F7", 1) + _number("42F2", 4) + _number("42F3", 8)
    ebml += _element("4282", b"matroska") + _number("4287", 4) + _number("4285", 2)
    info = _number("2AD7B1", 1_000_000) + _element("4D80", b"goaltrace") + _element("5741", b"goaltrace")
    video = _number("B0", width) + _number("BA", height) + _element("2EB524", _FOURCC[pixel_format])
    track = _number("D7", 1) + _number("73C5", 1) + _number("83", 1) + _element("86", b"V_UNCOMPRESSED")
    tracks = _element("AE", track + _element("E0", video))
    segment = bytes.fromhex("18538067") + _UNKNOWN_SIZE
    return _element("1A45DFA3", ebml) + segment + _element("1549A966", info) + _element("1654AE6B", tracks)


def before_picture(t_ms: int, size: int) -> bytes:
    """What precedes a picture of `size` bytes shown from `t_ms` on."""
    block = bytes.fromhex("A3") + _size(4 + size) + b"\x81\x00\x00\x80"
    time = _element("E7", t_ms.to_bytes(8, "big"))
    return bytes.fromhex("1F43B675") + _size(len(time) + len(block) + size) + time + block


def _size(count: int) -> bytes:
    return (1 << 56 | count).to_bytes(8, "big")


def _element(identity: str, data: bytes) -> bytes:
    return bytes.fromhex(identity) + _size(len(data)) + data


def _number(identity: str, value: int) -> bytes:
    return _element(identity, value.to_bytes(4, "big"))
