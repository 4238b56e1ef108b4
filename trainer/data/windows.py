"""Windows of frames in an order that is a pure function of (seed, position): no worker and no stop changes it."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Generator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from manifests.clip_io import ClipReader
from manifests.errors import GoaltraceError
from manifests.video import iter_frames
from trainer.config import Config, DataConfig
from trainer.data.actions import encode_actions
from trainer.data.cursor import Letterbox, pointer_path, render_map, seen_pointer
from trainer.data.index import Clip

CHANGE = 24  # of 255: what counts as a change, above the noise of video


@dataclass(frozen=True)
class ClipData:
    """One clip as the model sees it; n is the number of the model's frames."""

    frames: NDArray[np.uint8]
    """[n, height, width, 3] RGB, letterboxed."""
    actions: NDArray[np.uint8]
    """[n, substeps, features]: what was done on the way to each frame."""
    pointer: NDArray[np.float32]
    """[n, 2] px: where the actions put the pointer."""
    seen: NDArray[np.float32]
    """[n, 2] px: where the recorder saw it; for measuring only."""
    scale: float
    """Model px per recorded px."""

    @property
    def nbytes(self) -> int:
        return self.frames.nbytes + self.actions.nbytes

    def maps(self, start: int, stop: int) -> NDArray[np.float32]:
        """Cursor maps of frames [start, stop), float32 [stop - start, height, width]."""
        height, width = self.frames.shape[1:3]
        return render_map(self.pointer[start:stop], self.scale, (width, height))


class ClipStore:
    """Decoded clips in a cache of bounded size; safe to use from several threads."""

    def __init__(self, reader: ClipReader, config: DataConfig) -> None:
        self._reader, self._config = reader, config
        self._limit = config.cache_mb * 2**20
        self._cache: OrderedDict[str, ClipData] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def get(self, clip: Clip) -> ClipData:
        """The clip decoded at the model's size and rate."""
        with self._lock:
            if clip.id in self._cache:
                self._cache.move_to_end(clip.id)
                return self._cache[clip.id]
            stored = self._reader.read(clip.id, ["video", "picture"])
        data = self._decode(clip, stored)
        with self._lock:
            if clip.id not in self._cache:
                self._cache[clip.id] = data
                self._bytes += data.nbytes
                while self._bytes > self._limit and len(self._cache) > 1:
                    self._bytes -= self._cache.popitem(last=False)[1].nbytes
        return data

    def _decode(self, clip: Clip, stored: dict[str, Any]) -> ClipData:
        config, row = self._config, clip.row
        box = Letterbox.fit((row["width"], row["height"]), (config.width, config.height))
        if len(stored["picture"]) != len(row["t1_ns"]):
            raise GoaltraceError(f"clip {clip.id}: t1_ns and picture differ in length; pack its session again")
        shown: dict[int, NDArray[np.uint8]] = {}
        wanted = set(clip.frames)
        images = iter_frames(stored["video"]["bytes"], (box.width, box.height), stored["picture"])
        try:
            for number, image in enumerate(images):
                if number in wanted:
                    shown[number] = image
        except GoaltraceError as error:
            raise GoaltraceError(f"clip {clip.id}: {error}") from None
        frames = np.zeros((len(clip.frames), config.height, config.width, 3), np.uint8)
        for k, source in enumerate(clip.frames):
            frames[k, box.top : box.top + box.height, box.left : box.left + box.width] = shown[source]
        return ClipData(
            frames,
            encode_actions(row, clip.frames, config.substeps),
            box.place(pointer_path(row, clip.frames)),
            box.place(seen_pointer(row, clip.frames)),
            box.scale,
        )


@dataclass(frozen=True)
class Batch:
    """One training step's data; B windows of F frames."""

    frames: NDArray[np.uint8]
    """[B, F, height, width, 3]."""
    actions: NDArray[np.uint8]
    """[B, F, substeps, features]."""
    maps: NDArray[np.float32]
    """[B, F, height, width]."""


def list_windows(clips: list[Clip], config: DataConfig) -> list[tuple[int, int]]:
    """Every (clip, first frame) of a window in which something happens, and a share of the idle ones.

    Windows with a frame that was left blank on purpose are left out: nothing an actor did explains it.
    """
    windows = []
    keep_every = round(1 / config.idle_share) if config.idle_share else 0
    idle = 0
    for number, clip in enumerate(clips):
        busy, blank = clip.busy(), clip.blank()
        for start in range(len(clip.frames) - config.window + 1):
            if blank[start : start + config.window].any():
                continue
            if not busy[start + 1 : start + config.window].any():
                idle += 1
                if not keep_every or idle % keep_every:
                    continue
            windows.append((number, start))
    if not windows:
        raise GoaltraceError("nothing happens in any window; record with actions or --set data.idle_share=1")
    return windows


@lru_cache(maxsize=4)
def _permutation(seed: int, epoch: int, count: int) -> NDArray[np.int64]:
    return np.random.default_rng([seed, epoch]).permutation(count)


def batch_order(seed: int, step: int, batch: int, count: int) -> list[int]:
    """Which windows step `step` takes: each of `count` once an epoch, shuffled anew every epoch."""
    order = []
    for position in range(step * batch, (step + 1) * batch):
        epoch, place = divmod(position, count)
        order.append(int(_permutation(seed, epoch, count)[place]))
    return order


Sample = tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.float32]]  # frames, actions, maps of a window


def crop_corner(
    frames: NDArray[np.uint8], maps: NDArray[np.float32], size: tuple[int, int], rng: np.random.Generator
) -> tuple[int, int]:
    """Left and top px of a crop of `size` (width, height).

    Two in three lie around the pointer where it moves, else around a change if there is one; the rest anywhere. Any px
    may be the corner, so that the pointer is met in every place of a patch.
    """
    height, width = frames.shape[1:3]
    active = np.zeros((0, 2), int)
    if rng.random() < 2 / 3:
        active = np.argwhere((maps[1:] != maps[:-1]).any(axis=0))
        if not len(active):
            change = np.abs(frames[1:].astype(np.int16) - frames[:-1]).max(axis=(0, 3))
            active = np.argwhere(change > CHANGE)
    if len(active):
        y, x = active[rng.integers(len(active))]
        corner = (x - rng.uniform(0.1, 0.9) * size[0], y - rng.uniform(0.1, 0.9) * size[1])
    else:
        corner = (rng.uniform(0, width - size[0] + 1), rng.uniform(0, height - size[1] + 1))
    return int(np.clip(corner[0], 0, width - size[0])), int(np.clip(corner[1], 0, height - size[1]))


class Loader:
    """Batches from step to step; its whole state is the step."""

    def __init__(self, store: ClipStore, clips: list[Clip], config: Config, seed: int) -> None:
        self._store, self._clips, self._config, self._seed = store, clips, config, seed
        self.windows = list_windows(clips, config.data)

    def load(self, step: int) -> Batch:
        """The batch of one step: crops, or whole pictures every `whole_every`-th step and where there are no crops."""
        data, batch = self._config.data, self._config.train.batch
        before, place = divmod(step, data.whole_every)
        if data.crop_width and place < data.whole_every - 1:
            order = batch_order(self._seed, step - before, batch, len(self.windows))
            rng = np.random.default_rng([self._seed, step])
            parts = [self._crop(number, rng) for number in order]
        else:
            number = before if data.crop_width else step
            order = batch_order(self._seed + 1, number, self._config.whole_batch, len(self.windows))
            parts = [self._window(number) for number in order]
        frames, actions, maps = (np.stack(part) for part in zip(*parts, strict=True))
        return Batch(frames, actions, maps)

    def _window(self, number: int) -> Sample:
        clip, start = self.windows[number]
        stop = start + self._config.data.window
        data = self._store.get(self._clips[clip])
        return data.frames[start:stop], data.actions[start:stop], data.maps(start, stop)

    def _crop(self, number: int, rng: np.random.Generator) -> Sample:
        frames, actions, maps = self._window(number)
        width, height = self._config.data.crop_width, self._config.data.crop_height
        x, y = crop_corner(frames, maps, (width, height), rng)
        return frames[:, y : y + height, x : x + width], actions, maps[:, y : y + height, x : x + width]

    def iterate(self, start: int, stop: int) -> Generator[Batch, None, None]:
        """Batches of steps [start, stop), decoded ahead by `workers` threads."""
        workers = self._config.data.workers
        if workers == 0:
            yield from (self.load(step) for step in range(start, stop))
            return
        pool = ThreadPoolExecutor(workers, thread_name_prefix="decode")
        ahead: OrderedDict[int, Future[Batch]] = OrderedDict()
        try:
            for step in range(start, stop):
                for early in range(step, min(step + 1 + 2 * workers, stop)):
                    if early not in ahead:
                        ahead[early] = pool.submit(self.load, early)
                yield ahead.pop(step).result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
