"""Encodes another recorder's video as screen.mkv, since packing can only copy closed GOPs of H.264."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from collector.video.changes import difference
from collector.video.encoder import Encoder
from manifests.errors import GoaltraceError
from manifests.files import raise_if_full
from manifests.session import Frame
from manifests.videofile import IMPORTED, broken_video, opened_video, require_reach

MAX_FRAMES = 2_000_000


@dataclass(frozen=True)
class VideoFacts:
    """What a video says of itself."""

    width: int
    height: int
    fps: float
    frames: int
    """As its header has it; 0 where it has none."""
    codec: str
    """"mpeg4 yuv420p"."""


@dataclass(frozen=True)
class CopiedVideo:
    """A video after it was encoded again."""

    facts: VideoFacts
    frames: list[Frame]
    """One for each picture of the video, at its nominal time."""
    stamps_off_s: float
    """How far the video's own time stamps lie from the nominal times, at most."""


def video_facts(path: Path) -> VideoFacts:
    """Look at a video's header; `GoaltraceError` when it is not a video that can be imported."""
    try:
        with opened_video(path, IMPORTED) as (_, stream):
            return _facts(path, stream)
    except broken_video() as error:
        raise _broken(path, error) from None


def copy_video(source: Path, out: Path, on_frame: Callable[[], None] = lambda: None) -> CopiedVideo:
    """Encode every picture of `source` into `out`; frame i is put at i/fps.

    Raises `GoaltraceError` when the video is broken; `out` is then of no use.
    """
    frames: list[Frame] = []
    off_s = 0.0
    try:
        with opened_video(source, IMPORTED) as (container, stream):
            stream.thread_type = "AUTO"
            facts, size = _facts(source, stream), source.stat().st_size
            with Encoder(out, facts.width, facts.height, "bgr0") as encoder:
                before: NDArray[np.uint8] | None = None
                for index, picture in enumerate(container.decode(stream)):
                    _check(source, index, picture, facts)
                    require_reach(index, picture, size)
                    screen = np.ascontiguousarray(picture.to_ndarray(format="bgra"), dtype=np.uint8)
                    changed, box = (0.0, None) if before is None else difference(before, screen)
                    t_ns = round(index * 1e9 / facts.fps)
                    shown = encoder.show(screen.data, t_ns, changed=before is None or changed > 0)
                    frames.append(Frame(index=index, t0_ns=t_ns, t1_ns=t_ns, changed=changed, box=box, picture=shown))
                    if picture.time is not None:
                        off_s = max(off_s, abs(picture.time - index / facts.fps))
                    before = screen
                    on_frame()
    except OSError as error:
        raise_if_full(error, out)
        raise _broken(source, error) from None
    except broken_video() as error:
        raise _broken(source, error) from None
    if len(frames) < 2:
        raise GoaltraceError(f"{source}: holds {len(frames)} pictures; the recording was lost")
    return CopiedVideo(facts, frames, off_s)


def _facts(path: Path, stream: Any) -> VideoFacts:
    context, rate = stream.codec_context, stream.average_rate
    if not rate or not 0.1 <= float(rate) <= 1000:
        raise GoaltraceError(f"{path}: {rate} frames a second is not between 0.1 and 1000")
    codec = f"{context.name} {context.pix_fmt}"
    return VideoFacts(context.width, context.height, float(rate), int(stream.frames), codec)


def _check(path: Path, index: int, picture: Any, facts: VideoFacts) -> None:
    if (picture.width, picture.height) != (facts.width, facts.height):
        raise GoaltraceError(f"{path}: frame {index} is {picture.width}x{picture.height} px, not as large as the first")
    if index >= MAX_FRAMES:
        raise GoaltraceError(f"{path}: more than {MAX_FRAMES:,} frames")


def _broken(path: Path, error: Exception) -> GoaltraceError:
    return GoaltraceError(f"{path}: not a video that can be read ({error}); copy it again")
