"""What is fitted before the first step of a run: the codec, and the pointer reader that evaluation uses."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from trainer.codec import Codec, make_codec, through
from trainer.config import Config
from trainer.data.clip import Clip
from trainer.data.stretch import Stretch
from trainer.data.windows import ClipStore
from trainer.reading.pointer import PointerReader, cut_around, fit_reader

CODEC_CLIPS = 48
PART_CLIPS = 400  # whose pointers the head starts on
READER_FRAMES = 1024
READER_BATCH = 32
READER_PART = (128, 96)  # px; a pointer looks the same wherever it is
READER_MINIMUM = 50


def spread(items: list[Clip], count: int) -> list[Clip]:
    """At most `count` items, evenly spaced."""
    if len(items) <= count:
        return items
    return [items[i] for i in np.linspace(0, len(items) - 1, count).astype(int)]


def fit_codec(store: ClipStore, clips: list[Clip], config: Config, on_clip: Callable[[], None] = lambda: None) -> Codec:
    """The codec of a new run; pca is fitted to frames spread over `clips`."""
    if config.codec.name != "pca":
        return make_codec(config.codec)
    each = max(1, config.codec.fit_frames // len(clips))
    frames = []
    for clip in clips:
        on_clip()
        whole = Stretch.of([clip], config.data.fps)
        places = np.unique(np.linspace(0, len(whole) - 1, min(each, len(whole))).astype(int))
        frames.append(store.pictures(whole, places.tolist()))
    return make_codec(config.codec, torch.from_numpy(np.concatenate(frames)))


def pointer_frames(store: ClipStore, clips: Iterable[Clip], limit: int) -> tuple[Tensor, Tensor]:
    """At most `limit` frames whose pointer has moved since the frame before: uint8 [n, height, width, 3], px [n, 2]."""
    frames, points = [], []
    for clip in clips:
        data = store.get(clip)
        visible: NDArray[np.bool_] = np.isfinite(data.seen[:, 0])
        visible[1:] &= (data.seen[1:] != data.seen[:-1]).any(axis=1)  # a pointer at rest teaches once
        frames.append(data.frames[visible])
        points.append(data.seen[visible])
    if not frames:
        return torch.zeros(0, 0, 0, 3, dtype=torch.uint8), torch.zeros(0, 2)
    all_frames, all_points = np.concatenate(frames), np.concatenate(points)
    chosen = np.linspace(0, len(all_frames) - 1, min(limit, len(all_frames))).astype(int)
    return torch.from_numpy(all_frames[chosen]), torch.from_numpy(all_points[chosen])


def fit_pointer_reader(
    store: ClipStore,
    clips: list[Clip],
    codec: Codec,
    device: torch.device,
    config: Config,
    seed: int,
    on_step: Callable[[], None],
) -> PointerReader | None:
    """A reader fitted to true frames, half of them through the codec; None where there is no pointer to learn."""
    with_pointer = [clip for clip in clips if clip.row["kind"] == "desktop" and clip.row["cursor_in_pixels"]]
    frames, points = pointer_frames(store, spread(with_pointer, CODEC_CLIPS), READER_FRAMES)
    if len(frames) < READER_MINIMUM or not config.train.reader_steps:
        return None
    coded = through(codec, frames, device)  # once: a codec may take longer than a step of the reader

    def draw(generator: torch.Generator) -> tuple[Tensor, Tensor]:
        chosen = torch.randint(0, len(frames), (READER_BATCH,), generator=generator)
        seen = frames[chosen]
        seen[::2] = coded[chosen[::2]]
        size = (min(READER_PART[0], seen.shape[2]), min(READER_PART[1], seen.shape[1]))
        parts, places = cut_around(seen, points[chosen], size, generator)
        return parts.float() / 255, places

    return fit_reader(draw, config.train.reader_steps, seed, on_step)
