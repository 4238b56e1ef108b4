"""Training windows in batches: where they begin, what is in them, and decoding ahead of the step that needs them."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from manifests.errors import GoaltraceError
from trainer.actions import Actions, stack_actions
from trainer.data.bad import BadVideo
from trainer.data.clip import Clip
from trainer.data.cursor import render_map
from trainer.data.latents import LatentStore
from trainer.data.mix import clip_weights
from trainer.data.order import Order, share
from trainer.data.store import ClipData, ClipStore, Events
from trainer.data.stretch import ClipStretch, join
from trainer.settings.config import Config, DataConfig

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
class _Room:
    """Memory of a batch that is being made; each window is written where it stays, not stacked afterwards."""

    frames: NDArray[np.uint8] | None
    maps: NDArray[np.float32]


@dataclass(frozen=True)
class _Window:
    """The smaller part of a sample."""

    latents: NDArray[np.float32] | None
    actions: Actions
    points: NDArray[np.float32]
    goal: str


def list_windows(
    stretches: Sequence[ClipStretch], config: DataConfig, starts: Sequence[NDArray[np.int64]] | None = None
) -> NDArray[np.int64]:
    """Every (stretch, first frame) of a window in which something happens, and a share of the idle ones; [n, 2].

    Windows with a frame that was left blank on purpose are left out: nothing an actor did explains it.

    Args:
        starts: for each stretch, the frames at which a window may begin; None: any.

    Raises `GoaltraceError` when there is none.
    """
    found = []
    idle = 0
    for number, stretch in enumerate(stretches):
        may = np.arange(len(stretch)) if starts is None else starts[number]
        may = may[may + config.window <= len(stretch)]
        busy, blank = _count(stretch.busy()), _count(stretch.blank())
        may = may[blank[may + config.window] == blank[may]]
        acts = busy[may + config.window] > busy[may + 1]
        count = idle + np.cumsum(~acts)
        kept = acts | (np.floor(count * config.idle_share) > np.floor((count - 1) * config.idle_share))
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
        store.left_out.of = len(clips)
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
        self.clips = self._clips_of_windows()
        self.order = Order(seed, len(self.windows), self._weights(data.mix), self.clips, data.shuffle)

    def _clips_of_windows(self) -> NDArray[np.int64]:
        """For each window the number of the clip its last frame is in, counted through all stretches."""
        begins = np.cumsum([0, *(len(run.clips) for run in self.stretches)])
        clips = np.empty(len(self.windows), np.int64)
        for number, run in enumerate(self.stretches):
            mine = self.windows[:, 0] == number
            last = run.frames[self.windows[mine, 1] + self._config.data.window - 1]
            clips[mine] = begins[number] + np.searchsorted(run.starts, last, side="right") - 1
        return clips

    def _weights(self, mix: str) -> NDArray[np.float64] | None:
        """A window's weight is that of its clip."""
        if not mix:
            return None
        every = [clip for run in self.stretches for clip in run.clips]
        weights = clip_weights(every, mix, self._store.reader)[self.clips]
        if not weights.any():
            raise GoaltraceError(f"--set data.mix: {mix}: leaves every window with weight 0; give some clips more")
        return weights

    def load(self, step: int) -> Batch:
        """This rank's part of one step: crops, or whole pictures every `whole_every`-th step and without crops."""
        room = self._room(step)
        return self._batch(step, room, [self._sample(step, number, room) for number in range(len(room.maps))])

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
        ahead: deque[tuple[_Room, list[Future[_Window]]]] = deque()
        asked = start
        try:
            for step in range(start, stop):
                began = time.perf_counter()
                while asked < min(step + 1 + AHEAD, stop):
                    room = self._room(asked)
                    windows = [pool.submit(self._sample, asked, number, room) for number in range(len(room.maps))]
                    ahead.append((room, windows))
                    asked += 1
                room, windows = ahead.popleft()
                batch = self._batch(step, room, [window.result() for window in windows])
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

    def _room(self, step: int) -> _Room:
        data = self._config.data
        size = (data.crop_height, data.crop_width) if self._cropped(step) else (data.height, data.width)
        shape = (len(self._places(step)), data.window, *size)
        return _Room(None if self.latents else np.zeros((*shape, 3), np.uint8), np.zeros(shape, np.float32))

    def _sample(self, step: int, number: int, room: _Room) -> _Window:
        """Make one of the step's windows in its place."""
        data, place = self._config.data, self._places(step)[number]
        whole_steps = step // data.whole_every if data.crop_width else 0
        before = (step - whole_steps) * self._config.train.batch + whole_steps * self._config.whole_batch
        which = self.order.at(before + place)
        if room.frames is None:
            return self._window(which, None, room.maps[number])
        if not self._cropped(step):
            return self._readable(which, room.frames[number], room.maps[number])
        frames = np.zeros((data.window, data.height, data.width, 3), np.uint8)
        maps = np.zeros((data.window, data.height, data.width), np.float32)
        window = self._readable(which, frames, maps)
        size = data.crop_width, data.crop_height
        x, y = crop_corner(frames, maps, size, np.random.default_rng([self._seed, step, place]))
        part = np.s_[:, y : y + size[1], x : x + size[0]]
        room.frames[number], room.maps[number] = frames[part], maps[part]
        return replace(window, points=window.points - np.array([x, y], np.float32))

    def _readable(self, which: int, frames: NDArray[np.uint8], maps: NDArray[np.float32]) -> _Window:
        """A window, or the first one of another clip behind it whose video can be decoded.

        Which one that is depends on the data set alone, so ranks, workers and stops still change nothing.
        """
        for number in self._from(which):
            try:
                return self._window(number, frames, maps)
            except BadVideo as bad:
                self._store.left_out.add(bad)
                frames[:] = 0
                maps[:] = 0
        raise GoaltraceError("no window of the data set has a video that can be decoded; pack its sessions again")

    def _from(self, which: int) -> Iterator[int]:
        """A window, and then the first one of each clip behind it, round to where it began."""
        yield which
        before = self.clips[which]
        for number in (np.arange(1, len(self.windows)) + which) % len(self.windows):
            if self.clips[number] != before:
                before = self.clips[number]
                yield int(number)

    @property
    def left_out(self) -> int:
        """Clips left out so far, since their videos cannot be decoded."""
        return len(self._store.left_out)

    def _window(self, which: int, frames: NDArray[np.uint8] | None, maps: NDArray[np.float32]) -> _Window:
        number, start = self.windows[which].tolist()
        stretch, stop = self.stretches[number], start + self._config.data.window
        events = self._store.events(stretch, start, stop)
        render_map(events.pointer, events.scale, (maps.shape[2], maps.shape[1]), maps)
        if frames is not None:
            self._store.pictures(stretch, range(start, stop), frames)
        latents = self.latents.window(stretch, start, stop) if self.latents else None
        goal = stretch.clips[stretch.clips_of(start, stop)[1] - 1].goal
        return _Window(latents, events.actions, events.pointer, goal)

    def _batch(self, step: int, room: _Room, windows: list[_Window]) -> Batch:
        latents = [window.latents for window in windows if window.latents is not None]
        return Batch(
            frames=room.frames,
            latents=np.stack(latents) if latents else None,
            actions=stack_actions([window.actions for window in windows]),
            maps=room.maps,
            points=np.stack([window.points for window in windows]),
            goals=[window.goal for window in windows],
            positions=[step * self._config.train.batch + place for place in self._places(step)],
        )
