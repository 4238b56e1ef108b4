"""What stands around a run: codec and pointer reader fitted before its first step, and the run opened again after."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from manifests.clip_io import ClipReader
from manifests.errors import GoaltraceError
from trainer.checkpoint import RunInfo, load_model, load_tensors
from trainer.codec.pca import PCACodec
from trainer.config import Config
from trainer.data.index import Clip, load_index
from trainer.data.windows import ClipStore
from trainer.model.dit import DiT
from trainer.pointer import PointerReader, cut_around, fit_reader

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


def fit_codec(
    store: ClipStore, clips: list[Clip], config: Config, on_clip: Callable[[], None] = lambda: None
) -> PCACodec:
    """PCA of frames spread over `clips`."""
    each = max(1, config.codec.fit_frames // len(clips))
    frames = []
    for clip in clips:
        on_clip()
        data = store.get(clip).frames
        frames.append(data[np.linspace(0, len(data) - 1, min(each, len(data))).astype(int)])
    codec = config.codec
    return PCACodec.fit(torch.from_numpy(np.concatenate(frames)), codec.patch, codec.channels, codec.whiten)


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
    store: ClipStore, clips: list[Clip], codec: PCACodec, config: Config, seed: int, on_step: Callable[[], None]
) -> PointerReader | None:
    """A reader fitted to true frames, half of them through the codec; None where there is no pointer to learn."""
    with_pointer = [clip for clip in clips if clip.row["kind"] == "desktop" and clip.row["cursor_in_pixels"]]
    frames, points = pointer_frames(store, spread(with_pointer, CODEC_CLIPS), READER_FRAMES)
    if len(frames) < READER_MINIMUM or not config.train.reader_steps:
        return None

    def draw(generator: torch.Generator) -> tuple[Tensor, Tensor]:
        chosen = torch.randint(0, len(frames), (READER_BATCH,), generator=generator)
        exact = frames[chosen].float() / 255
        exact[::2] = codec.decode(codec.encode(frames[chosen[::2]][None]))[0]
        size = (min(READER_PART[0], exact.shape[2]), min(READER_PART[1], exact.shape[1]))
        return cut_around(exact, points[chosen], size, generator)

    return fit_reader(draw, config.train.reader_steps, seed, on_step)


def pick_device(name: str) -> torch.device:
    """auto, cpu or cuda; `GoaltraceError` when cuda is asked for and absent."""
    if name == "cuda" and not torch.cuda.is_available():
        raise GoaltraceError("--device cuda: no CUDA device is usable here; use --device cpu or auto")
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(name)


@dataclass(frozen=True)
class OpenedRun:
    """A trained run with the data to measure it on."""

    config: Config
    model: DiT
    codec: PCACodec
    reader: PointerReader | None
    step: int
    store: ClipStore
    trained_on: list[Clip]
    held_out: list[Clip]


def open_run(run: Path, dataset: Path | None, device: str, kind: str | None = None) -> OpenedRun:
    """Load a run and index its data set with the split it was trained with.

    Raises `GoaltraceError` when the run or data set is missing, or the data set holds none of the held-out sessions.
    """
    info = RunInfo.read(run)
    where = dataset or Path(info.dataset)
    if dataset is None and not where.is_dir():
        raise GoaltraceError(f"{where}: the run's data set is not there any more; say where it is with --dataset")
    model, codec, step = load_model(run, info, pick_device(device))
    reader = None
    if (run / "pointer.pt").is_file():
        reader = PointerReader()
        try:
            reader.load_state_dict(load_tensors(run / "pointer.pt"))
        except RuntimeError:
            raise GoaltraceError(f"{run / 'pointer.pt'}: does not fit this release; train the run again") from None
        reader.eval()
    index = load_index(where, info.config.data, kind or info.kind, info.held_out)
    if not index.held_out:
        raise GoaltraceError(
            f"{where}: holds none of the sessions that {run} held out; use the data set it was trained on"
        )
    store = ClipStore(ClipReader(where), info.config.data)
    return OpenedRun(info.config, model, codec, reader, step, store, index.train, index.held_out)
