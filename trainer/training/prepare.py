"""What is fitted before the first step of a run: the codec, and the pointer reader that evaluation uses."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from manifests.errors import GoaltraceError
from trainer.codec import Codec, codec_class, make_codec, through
from trainer.data.clip import Clip
from trainer.data.stretch import ClipStretch
from trainer.data.windows import ClipStore
from trainer.reading.moves import Moves
from trainer.reading.pointer import PointerReader, fit_reader
from trainer.settings.config import Config

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
    """The codec of a new run, fitted to frames spread over `clips` where it is one that is fitted."""
    wanted = codec_class(config.codec).frames_to_fit(config.codec)
    if not wanted:
        return make_codec(config.codec)
    each = max(1, wanted // len(clips))
    frames = []
    for clip in clips:
        on_clip()
        whole = ClipStretch.of([clip], config.data.fps)
        places = np.unique(np.linspace(0, len(whole) - 1, min(each, len(whole))).astype(int))
        with store.left_out.skipping():
            frames.append(store.pictures(whole, places.tolist()))
    if not frames:
        raise GoaltraceError("no video can be decoded of the clips to which the codec is fitted; pack them again")
    return make_codec(config.codec, torch.from_numpy(np.concatenate(frames)))


def pointer_moves(store: ClipStore, clips: list[Clip], limit: int) -> Moves:
    """Frames of clips that have a pointer, at most about `limit`, evenly spaced in each."""

    def shown() -> Iterator[tuple[NDArray[np.uint8], NDArray[np.float32]]]:
        for clip in clips:
            with store.left_out.skipping():
                data = store.get(clip)
                some = np.linspace(0, len(data.seen) - 1, min(len(data.seen), max(2, limit // len(clips)))).astype(int)
                yield data.frames[some], data.seen[some]

    return Moves.of(shown())


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
    moves = pointer_moves(store, spread(with_pointer, CODEC_CLIPS), READER_FRAMES)
    if len(moves.earlier) < READER_MINIMUM or not config.train.reader_steps:
        return None
    views = (through(codec, moves.frames, device), moves.frames)  # once: a codec may take longer than a step here

    def draw(generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        return moves.draw(views, READER_BATCH, READER_PART, generator)

    return fit_reader(draw, config.train.reader_steps, seed, on_step)
