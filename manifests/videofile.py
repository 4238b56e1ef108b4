"""Opening untrusted video: few containers, few codecs, no access to other files, pictures of bounded size.

FFmpeg knows hundreds of formats and guesses among them. Some of those are texts that name other files or addresses to
be opened (ffconcat, HLS, SDP), and most of their readers were never written for hostile bytes. So the container is
recognised by its first bytes, nothing is guessed, and the reader gets an open file and no way to any other.
Needs PyAV (extras `collect`, `curate`, `train`).
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from manifests.errors import GoaltraceError
from manifests.files import open_plain

OURS = ("h264",)
"""The codecs of recordings and clips."""
IMPORTED = ("h264", "hevc", "mpeg4", "vp8", "vp9", "av1")
"""The codecs that importers accept."""
MAX_SIDE_PX = 8192
MAX_PX = 2**25
"""An 8K screen; a picture of it takes 100 MB."""
DECODED_PX_AT_FIRST, DECODED_PX_PER_BYTE = 2**32, 50_000
"""Pixels that may be decoded from any video, and more for each byte of it: a screen that hardly changes is small."""
_HEAD = 64
_FORMATS = "matroska,webm,mov,mp4,m4a,3gp,3g2,mj2"
_DECODERS = {"av1": ("av1", "libdav1d", "libaom-av1"), "vp8": ("vp8", "libvpx"), "vp9": ("vp9", "libvpx-vp9")}
_BOXES = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide")
_BUFFER = 2**16


class NotAllowed(GoaltraceError):
    """A container, codec or size that is not opened; the message does not name the file."""


def broken_video() -> tuple[type[Exception], ...]:
    """The exceptions that PyAV and `opened_video` raise for bytes that are not a video, or not one that is opened."""
    import av

    return (NotAllowed, av.error.FFmpegError, OSError, ValueError, IndexError, OverflowError, AttributeError)


def video_format(head: bytes) -> str | None:
    """The reader for a file that begins so: "matroska" or "mov" (MP4 is one); None for anything else."""
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return "matroska"
    return "mov" if head[4:8] in _BOXES else None


def picture_fits(width: int, height: int) -> bool:
    """Whether a picture of this size, in px, is accepted."""
    return 0 < width <= MAX_SIDE_PX and 0 < height <= MAX_SIDE_PX and width * height <= MAX_PX


def require_reach(pictures: int, context: Any, size: int) -> None:
    """Raise `NotAllowed` where a video of `size` bytes decodes to far more pixels than an honest one would."""
    if pictures * context.width * context.height > DECODED_PX_AT_FIRST + DECODED_PX_PER_BYTE * size:
        raise NotAllowed(f"{pictures:,} pictures or more of {context.width}x{context.height} px in {size:,} bytes")


@contextmanager
def opened_video(
    source: Path | bytes,
    codecs: tuple[str, ...] = OURS,
    options: dict[str, str] | None = None,
) -> Iterator[tuple[Any, Any]]:
    """PyAV's container and its first video stream, not yet decoded.

    Raises `NotAllowed` for a container, codec or size that is none of these, `GoaltraceError` for a path that is no
    regular file. PyAV's own errors pass through: `broken_video` lists all. `options` go to the container and
    to each of its streams.
    """
    import av

    with io.BytesIO(source) if isinstance(source, bytes) else open_plain(source) as file:
        name = video_format(_head(file))
        if name is None:
            raise NotAllowed("neither Matroska nor MP4; other formats are not opened")
        decoders = ",".join(name for codec in codecs for name in _DECODERS.get(codec, (codec,)))
        limits = {"codec_whitelist": decoders, "format_whitelist": _FORMATS}
        with av.open(
            file, "r", format=name, container_options=limits, options={"max_pixels": str(MAX_PX), **(options or {})},
            buffer_size=_BUFFER, metadata_errors="replace",
        ) as container:  # fmt: skip
            yield container, _allowed(container.streams.video[0], codecs)


def _head(file: BinaryIO) -> bytes:
    head = file.read(_HEAD)
    file.seek(0)
    return head


def _allowed(stream: Any, codecs: tuple[str, ...]) -> Any:
    context = stream.codec_context
    if context is None:
        raise NotAllowed(f"its codec has no decoder in this PyAV, or is not one of {', '.join(codecs)}")
    if context.codec.canonical_name not in codecs:
        raise NotAllowed(f"its codec is {context.codec.canonical_name}, not one of {', '.join(codecs)}")
    if not picture_fits(context.width, context.height):
        raise NotAllowed(
            f"{context.width}x{context.height} px is not a picture of at most {MAX_SIDE_PX} px a side and "
            f"{MAX_PX:,} px in all"
        )
    context.options = {**context.options, "max_pixels": str(MAX_PX)}  # each picture may say a size of its own
    return stream
