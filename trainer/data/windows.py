"""Training windows in batches: where they begin, what is in them, and decoding ahead of the step that needs them."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from manifests.errors import GoaltraceError
from trainer.config import Config, DataConfig
from trainer.data.actions import Actions, stack_actions
from trainer.data.clip import Clip
from trainer.data.cursor import render_map
from trainer.data.latents import LatentStore
from trainer.data.mix import clip_weights
from trainer.data.order import Order, share
from trainer.data.store import ClipData, ClipStore, Events
from trainer.data.stretch import Stretch, join

__all__ = ["Batch", "ClipData", "ClipStore", "Events", "Loader", "list_windows"]

CHANGE = 24  # of 255: what counts as a change, above the noise of video
AHEAD = 2  # batches being made while one is used


@dataclass(frozen=True)
class Batch:
    """One rank's share of a training step: B windows of T frames."""

    frames: NDArray[np.uint8] | None
    """[B, T, height, width, 3]; None where there are latents."""
    latents: NDArray[np.float32] | None
    """[B, channels, F, h, w], T = 1 + (F - 1) * codec.time."""
    actions: Actions
    """[B, T, slots, features]: what was done on the way to each frame."""
    maps: NDArray[np.float32]
    """[B, T, height, width]: where the actions put the pointer, drawn."""
    points: NDArray[np.float32]
    """[B, T, 2] px of the picture (outside it, where a crop is elsewhere); NaN where there is none."""
    goals: list[str]
    """[B]: what the actor was asked to do."""
    positions: list[int]
    """[B]: places in the global order; no two windows of a run have the same."""


@dataclass(frozen=True)
class _Window:
    """One sample of a batch."""

    frames: NDArray[np.uint8] | None
    latents: NDArray[np.float32] | None
    actions: Actions
    maps: NDArray[np.float32]
    points: NDArray[np.float32]
    goal: str


def list_windows(
    stretches: Sequence[Stretch], config: DataConfig, starts: Sequence[NDArray[np.int64]] | None = None
) -> NDArray[np.int64]:
    """Every (stretch, first frame) of a window in which something happens, and a share of the idle ones; [n, 2].

    Windows with a frame that was left blank on purpose are left out: nothing an actor did explains it.

    Args:
        starts: for each stretch, the frames at which a window may begin; None: any.

    Raises `GoaltraceError` when there is none.
    """
    found = []
    keep_every = round(1 / config.idle_share) if config.idle_share else 0
    idle = 0
    for number, stretch in enumerate(stretches):
        may = np.arange(len(stretch)) if starts is None else starts[number]
        may = may[may + config.window <= len(stretch)]
        busy, blank = _count(stretch.busy()), _count(stretch.blank())
        may = may[blank[may + config.window] == blank[may]]
        acts = busy[may + config.window] > busy[may + 1]
        count = idle + np.cumsum(~acts)
        kept = acts | ((count % keep_every == 0) if keep_every else False)
        idle = int(count[-1]) if len(count) else idle
        found.append(np.stack([np.full(int(kept.sum()), number), may[kept]], axis=1))
    windows = np.concatenate(found) if found else np.zeros((0, 2), np.int64)
    if not len(windows):
        raise GoaltraceError("nothing happens in any window; record with actions or --set data.idle_share=1")
    return windows


def _count(flags: NDArray[np.bool_]) -> NDArray[np.int64]:
    """[n + 1]: how many flags are set before each."""
    return np.concatenate([[0], np.cumsum(flags.astype(np.int64))])


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
            apart = np.maximum(frames[1:], frames[:-1]) - np.minimum(frames[1:], frames[:-1])
            changed = np.asarray((apart > CHANGE).any(axis=0))
            active = np.argwhere(changed[..., 0] | changed[..., 1] | changed[..., 2])
    if len(active):
        y, x = active[rng.integers(len(active))]
        corner = (x - rng.uniform(0.1, 0.9) * size[0], y - rng.uniform(0.1, 0.9) * size[1])
    else:
        corner = (rng.uniform(0, width - size[0] + 1), rng.uniform(0, height - size[1] + 1))
    return int(np.clip(corner[0], 0, width - size[0])), int(np.clip(corner[1], 0, height - size[1]))


class Loader:
    """Batches from step to step; its whole state is the step, for any number of ranks and workers."""

    def __init__(
        self, store: ClipStore, clips: list[Clip], config: Config, seed: int, rank: int = 0, world: int = 1
    ) -> None:
        """Raises `GoaltraceError` for no windows, a mix that does not fit, latents of other clips, an uneven share."""
        self._store, self._config, self._seed, self._rank, self._world = store, config, seed, rank, world
        self.waited = 0.0
        """Seconds that `iterate` has waited for data."""
        data = config.data
        sizes = {config.train.batch, config.whole_batch} if data.crop_width else {config.train.batch}
        for size in sizes:
            if size % world:
                raise GoaltraceError(
                    f"--set train.batch: a step's {size} windows cannot be shared evenly by {world} ranks"
                )
        self.stretches = [run for run in join(clips, data.fps) if len(run) >= data.window]
        self.latents = LatentStore(Path(data.latents), config) if data.latents else None
        starts = [self.latents.starts(run) for run in self.stretches] if self.latents else None
        self.windows = list_windows(self.stretches, data, starts)
        weights = self._weights(data.mix)
        self._orders = Order(seed, len(self.windows), weights), Order(seed + 1, len(self.windows), weights)

    def _weights(self, mix: str) -> NDArray[np.float64] | None:
        """A window's weight is that of the clip its last frame is in."""
        if not mix:
            return None
        clips = [clip for run in self.stretches for clip in run.clips]
        each = clip_weights(clips, mix, self._store.reader)
        begins = np.cumsum([0, *(len(run.clips) for run in self.stretches)])
        weights = np.empty(len(self.windows))
        for number, run in enumerate(self.stretches):
            mine = self.windows[:, 0] == number
            last = run.frames[self.windows[mine, 1] + self._config.data.window - 1]
            weights[mine] = each[begins[number] + np.searchsorted(run.starts, last, side="right") - 1]
        if not weights.any():
            raise GoaltraceError(f"--set data.mix: {mix}: leaves every window with weight 0; give some clips more")
        return weights

    def load(self, step: int) -> Batch:
        """This rank's part of one step: crops, or whole pictures every `whole_every`-th step and without crops."""
        return _batch([self._sample(step, place) for place in self._places(step)], self._positions(step))

    def iterate(self, start: int, stop: int) -> Generator[Batch, None, None]:
        """Batches of steps [start, stop); `workers` threads make their windows ahead of time."""
        workers = self._config.data.workers
        if workers == 0:
            for step in range(start, stop):
                began = time.perf_counter()
                batch = self.load(step)
                self.waited += time.perf_counter() - began
                yield batch
            return
        pool = ThreadPoolExecutor(workers, thread_name_prefix="decode")
        ahead: deque[list[Future[_Window]]] = deque()
        asked = start
        try:
            for step in range(start, stop):
                began = time.perf_counter()
                while asked < min(step + 1 + AHEAD, stop):
                    ahead.append([pool.submit(self._sample, asked, place) for place in self._places(asked)])
                    asked += 1
                batch = _batch([future.result() for future in ahead.popleft()], self._positions(step))
                self.waited += time.perf_counter() - began
                yield batch
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _cropped(self, step: int) -> bool:
        data = self._config.data
        return bool(data.crop_width) and step % data.whole_every < data.whole_every - 1

    def _places(self, step: int) -> range:
        """This rank's places in the step's global batch."""
        cropped = self._cropped(step) or not self._config.data.crop_width
        total = self._config.train.batch if cropped else self._config.whole_batch
        return share(total, self._rank, self._world)

    def _positions(self, step: int) -> list[int]:
        return [step * self._config.train.batch + place for place in self._places(step)]

    def _sample(self, step: int, place: int) -> _Window:
        data, batch = self._config.data, self._config.train.batch
        before = step // data.whole_every
        if self._cropped(step):
            window = self._window(self._orders[0].at((step - before) * batch + place))
            return self._crop(window, np.random.default_rng([self._seed, step, place]))
        if data.crop_width:
            return self._window(self._orders[1].at(before * self._config.whole_batch + place))
        return self._window(self._orders[0].at(step * batch + place))

    def _window(self, number: int) -> _Window:
        which, start = self.windows[number].tolist()
        stretch, data = self.stretches[which], self._config.data
        stop = start + data.window
        events = self._store.events(stretch, start, stop)
        maps = render_map(events.pointer, events.scale, (data.width, data.height))
        frames = None if self.latents else self._store.frames(stretch, start, stop)
        latents = self.latents.window(stretch, start, stop) if self.latents else None
        goal = str(stretch.clips[stretch.clips_of(start, stop)[1] - 1].row["goal"])
        return _Window(frames, latents, events.actions, maps, events.pointer, goal)

    def _crop(self, window: _Window, rng: np.random.Generator) -> _Window:
        assert window.frames is not None
        width, height = self._config.data.crop_width, self._config.data.crop_height
        x, y = crop_corner(window.frames, window.maps, (width, height), rng)
        part = np.s_[:, y : y + height, x : x + width]
        points = window.points - np.array([x, y], np.float32)
        return _Window(window.frames[part], None, window.actions, window.maps[part], points, window.goal)


def _batch(windows: list[_Window], positions: list[int]) -> Batch:
    frames = [window.frames for window in windows if window.frames is not None]
    latents = [window.latents for window in windows if window.latents is not None]
    return Batch(
        frames=np.stack(frames) if frames else None,
        latents=np.stack(latents) if latents else None,
        actions=stack_actions([window.actions for window in windows]),
        maps=np.stack([window.maps for window in windows]),
        points=np.stack([window.points for window in windows]),
        goals=[window.goal for window in windows],
        positions=positions,
    )
