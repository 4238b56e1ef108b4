"""Clips as the model sees them: pictures decoded when they are needed, actions and pointer encoded from the events."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from manifests.clip_io import ClipReader
from manifests.errors import GoaltraceError
from manifests.item_errors import one_item
from manifests.progress import OnProgress, ignore
from manifests.video import pictures_at
from trainer.actions import Actions, encode_actions
from trainer.data.cache import Cache
from trainer.data.clip import Clip, numbers
from trainer.data.cursor import Letterbox, pointer_path, render_map, seen_pointer
from trainer.data.left_out import BadVideo, LeftOutClips
from trainer.data.segment import ClipSegment, joined_row
from trainer.settings.config import Config

Pictures = NDArray[np.uint8]


@dataclass(frozen=True)
class Events:
    """What was done on the way to n of the model's frames."""

    actions: Actions
    """[n, slots, features]: what was done on the way to each frame."""
    pointer: NDArray[np.float32]
    """[n, 2] px of the model's picture: where the actions put the pointer; NaN where there is none."""
    seen: NDArray[np.float32]
    """[n, 2] px: where the recorder saw it; for measuring only."""
    scale: float
    """Model px per recorded px."""

    def cut(self, start: int, stop: int) -> Events:
        part = slice(start, stop)
        return Events(self.actions[part], self.pointer[part], self.seen[part], self.scale)


@dataclass(frozen=True)
class ClipData(Events):
    """The same with the frames."""

    frames: Pictures
    """[n, height, width, 3] RGB, letterboxed."""

    def maps(self, start: int, stop: int) -> NDArray[np.float32]:
        """Cursor maps of frames [start, stop), float32 [stop - start, height, width]."""
        height, width = self.frames.shape[1:3]
        return render_map(self.pointer[start:stop], self.scale, (width, height))


class ClipStore:
    """Clips of one data set, with a cache of bounded size; safe to use from several threads."""

    def __init__(self, reader: ClipReader, config: Config, on_progress: OnProgress = ignore) -> None:
        """`on_progress` hears of each clip that is left out, in whatever thread finds it."""
        self.reader, self._config = reader, config
        self._size = (config.data.width, config.data.height)
        self._cache = Cache(config.data.cache_mb * 2**20)
        frame = 3 * config.data.width * config.data.height
        self._roomy = 0 < 2 * config.data.shuffle * frame <= config.data.cache_mb * 2**20
        """A clip's pictures stay until its last window: no clip's windows are further apart than `shuffle`."""
        self._reading = threading.Lock()
        self._decoding = [threading.Lock() for _ in range(64)]
        self._recent: tuple[Clip, ClipData] | None = None
        self.left_out = LeftOutClips(on_progress)

    def get(self, clip: Clip) -> ClipData:
        """One clip whole."""
        recent = self._recent
        if recent is not None and recent[0] is clip:
            return recent[1]
        whole = ClipSegment.of([clip], self._config.data.fps)
        events = self.events(whole, 0, len(whole))
        data = ClipData(events.actions, events.pointer, events.seen, events.scale, self.frames(whole, 0, len(whole)))
        self._recent = clip, data
        return data

    def events(self, segment: ClipSegment, start: int, stop: int) -> Events:
        """Actions and pointer of the model's frames [start, stop) of a segment."""
        first, end = segment.clips_of(max(start - 1, 0), stop)  # what leads to a frame begins at the one before
        low, high = segment.frames_of(first, end)
        clips = segment.clips[first:end]
        key = (segment.key, len(segment.clips), first, end)  # a clip alone has a grid of its own
        made: Events | None = self._cache.get(key)
        if made is None:
            row, frames = joined_row(clips), (segment.frames[low:high] - segment.starts[first]).tolist()
            box = self._box(clips[0])
            made = Events(
                encode_actions(row, frames, self._config.actions),
                box.place(pointer_path(row, frames)),
                box.place(seen_pointer(row, frames)),
                box.scale,
            )
            self._cache.put(key, made, made.actions.nbytes + 2 * made.pointer.nbytes)
        return made.cut(start - low, stop - low)

    def frames(self, segment: ClipSegment, start: int, stop: int) -> Pictures:
        """The model's frames [start, stop) of a segment, uint8 [n, height, width, 3], letterboxed."""
        return self.pictures(segment, range(start, stop))

    def pictures(self, segment: ClipSegment, places: Sequence[int], out: Pictures | None = None) -> Pictures:
        """Any of the model's frames of a segment, in increasing order; into `out`, which is black, if it is given."""
        box = self._box(segment.clips[0])
        frames = np.zeros((len(places), self._size[1], self._size[0], 3), np.uint8) if out is None else out
        inside = frames[:, box.top : box.top + box.height, box.left : box.left + box.width]
        recorded = segment.frames[list(places)]
        owners = np.searchsorted(segment.starts, recorded, side="right") - 1
        for owner in np.unique(owners):
            at = np.flatnonzero(owners == owner)
            pictures, _ = _checked_pictures(segment.clips[owner])
            wanted = pictures[recorded[at] - segment.starts[owner]]
            whole = not self._cache.overflowed or (self._roomy and owner == owners[-1])  # else a window over a cut
            shown = self._decoded(segment, int(owner), wanted, (box.width, box.height), whole)
            for place, picture in zip(at, wanted.tolist(), strict=True):
                inside[place] = shown[picture]
        return frames

    def _decoded(
        self, segment: ClipSegment, owner: int, wanted: NDArray[np.int64], size: tuple[int, int], whole: bool
    ) -> dict[int, Pictures]:
        """Pictures of one clip by number: from the cache, or from one run through what is missing.

        whole: decode what any window shows of the clip, to be found in the cache by the next one.
        """
        clip = segment.clips[owner]
        pictures, pts = _checked_pictures(clip)
        shown = self._kept(clip, wanted)
        if all(picture is not None for picture in shown.values()):
            return shown
        with self._decoding[hash(clip.id) % len(self._decoding)]:  # no two threads decode one clip
            shown = self._kept(clip, wanted)
            missing = sorted(number for number, picture in shown.items() if picture is None)
            if not missing:
                return shown
            tries = [missing]
            if whole:
                low, high = segment.frames_of(owner, owner + 1)
                every = self._kept(clip, pictures[segment.frames[low:high] - segment.starts[owner]])
                tries = [[number for number, picture in every.items() if picture is None], missing]
            found = _pictures(clip.id, self._video(clip, keep=not whole), pts, tries, size)
            for number, picture in found.items():
                shown[number] = picture
                self._cache.put((clip.id, number), picture, picture.nbytes)
        return shown

    def _kept(self, clip: Clip, wanted: NDArray[np.int64]) -> dict[int, Pictures]:
        return {number: self._cache.get((clip.id, number)) for number in set(wanted.tolist())}

    def _video(self, clip: Clip, keep: bool) -> bytes:
        key = (clip.id, "video")
        video: bytes | None = self._cache.get(key)
        if video is None:
            with self._reading:
                video = bytes(self.reader.read(clip.id, ["video"])["video"]["bytes"])
            if keep:
                self._cache.put(key, video, len(video))
        return video

    def _box(self, clip: Clip) -> Letterbox:
        return Letterbox.fit(clip.size, self._size)


def _pictures(
    clip: str, video: bytes, pts: NDArray[np.int64], tries: Sequence[Sequence[int]], size: tuple[int, int]
) -> dict[int, Pictures]:
    """The first of several sets of pictures that can be decoded, by number; `BadVideo` when not even the last can.

    So whether a window can be read depends on its own pictures alone, and not on what was kept of others.
    """
    for some in tries:
        times = {int(pts[number]): number for number in some}
        try:
            with one_item("its video"):
                return {times[at]: picture for at, picture in pictures_at(video, times, size).items()}
        except GoaltraceError as error:
            if some is tries[-1]:
                raise BadVideo(clip, error) from None
    return {}


@lru_cache(maxsize=4096)
def _checked_pictures(clip: Clip) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Which picture shows each recorded frame, and when the video shows each picture first."""
    pictures, pts = numbers(clip.row, "picture"), numbers(clip.row, "pts")
    if not len(pictures) == len(pts) == len(numbers(clip.row, "t1_ns")):
        raise GoaltraceError(f"clip {clip.id}: t1_ns, pts and picture differ in length; pack its session again")
    steps = np.diff(pictures, prepend=-1)
    if steps[:1].tolist() != [1] or steps.min() < 0 or steps.max() > 1:
        raise GoaltraceError(f"clip {clip.id}: picture does not count up from 0; pack its session again")
    return pictures, pts[steps == 1]
