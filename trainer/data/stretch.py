"""Clips that follow each other without a gap, as one: a window does not care where its session was cut."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from manifests.clip import EventRow
from trainer.data.clip import Clip, any_between, numbers, pick_frames
from trainer.data.cursor import SeenRow

GAP = 2.5  # of a recorded interval: more than that between two clips is a gap


@dataclass(frozen=True, eq=False)
class ClipStretch:
    """One clip, or several of one session; recorded frames are counted through."""

    clips: tuple[Clip, ...]
    starts: NDArray[np.int64]
    """[clips + 1]: the first recorded frame of each clip, and the number of all."""
    frames: NDArray[np.int64]
    """The recorded frames that the model sees, on one grid of ticks."""

    @classmethod
    def of(cls, clips: Sequence[Clip], fps: float) -> ClipStretch:
        times = [numbers(clip.row, "t1_ns") for clip in clips]
        starts = np.cumsum([0, *map(len, times)])
        return cls(tuple(clips), starts, np.asarray(pick_frames(np.concatenate(times), fps), np.int64))

    @property
    def key(self) -> str:
        """Names it in a data set: its first clip."""
        return self.clips[0].id

    def __len__(self) -> int:
        return len(self.frames)

    def clips_of(self, start: int, stop: int) -> tuple[int, int]:
        """The clips [first, stop) that hold the model's frames [start, stop)."""
        held = np.searchsorted(self.starts, self.frames[[start, stop - 1]], side="right") - 1
        return int(held[0]), int(held[1]) + 1

    def frames_of(self, first: int, stop: int) -> tuple[int, int]:
        """The model's frames [start, stop) that lie in the clips [first, stop)."""
        ends = np.searchsorted(self.frames, self.starts[[first, stop]])
        return int(ends[0]), int(ends[1])

    def blank(self) -> NDArray[np.bool_]:
        """For each of the model's frames: was it, or a frame on the way to it, left blank on purpose?"""
        blank = np.concatenate([numbers(clip.row, "frame_redacted") for clip in self.clips])
        return any_between([-1, *self.frames], blank)

    def busy(self) -> NDArray[np.bool_]:
        """For each of the model's frames: was something done or did something change on the way to it?"""
        something = np.zeros(self.starts[-1] + 1, bool)
        for clip, begin in zip(self.clips, self.starts, strict=False):
            changed = numbers(clip.row, "changed") > 0
            something[begin : begin + len(changed)] |= changed
            slots = clip.slots()
            something[begin + np.clip(slots + 1, 0, len(changed))] = True  # the last slot leads into the next clip
        return any_between([0, *self.frames], something)


def join(clips: Sequence[Clip], fps: float) -> list[ClipStretch]:
    """Put clips together that follow each other; in the order of their first clips, whatever order they come in."""
    sessions: dict[str, list[Clip]] = {}
    for clip in clips:
        sessions.setdefault(clip.session, []).append(clip)
    stretches = []
    for members in sessions.values():
        ordered = sorted(members, key=lambda clip: (int(clip.row["clip_index"]), clip.id))
        cuts = [k for k, (a, b) in enumerate(pairwise(ordered), start=1) if not _follows(a, b)]
        stretches += [ClipStretch.of(ordered[i:j], fps) for i, j in pairwise([0, *cuts, len(ordered)])]
    return stretches


def _follows(before: Clip, after: Clip) -> bool:
    if int(after.row["clip_index"]) != int(before.row["clip_index"]) + 1:
        return False
    if _look(before.row) != _look(after.row):
        return False
    times, later = numbers(before.row, "t1_ns"), numbers(after.row, "t1_ns")
    if len(times) < 2 or not len(later):
        return False
    return bool(0 < later[0] - times[-1] <= GAP * np.median(np.diff(times)))


def _look(row: EventRow) -> tuple[str, int, int, bool, float]:
    return row["kind"], row["width"], row["height"], row["cursor_in_pixels"], row["fps"]


def joined_row(clips: Sequence[Clip]) -> SeenRow:
    """What `encode_actions` and the pointer need of clips that follow each other, as if they were one."""
    if len(clips) == 1:
        return clips[0].row
    offsets = np.cumsum([0, *(len(numbers(clip.row, "t1_ns")) for clip in clips)]).tolist()
    first = clips[0].row
    return {
        "kind": first["kind"],
        "cursor_in_pixels": first["cursor_in_pixels"],
        "start_keys": first["start_keys"],
        "start_buttons": first["start_buttons"],
        "start_x": first["start_x"],
        "start_y": first["start_y"],
        "actions": [
            {**action, "slot": action["slot"] + offset}
            for clip, offset in zip(clips, offsets, strict=False)
            for action in clip.row["actions"]
        ],
        "cursor_x": [x for clip in clips for x in numbers(clip.row, "cursor_x").tolist()],
        "cursor_y": [y for clip in clips for y in numbers(clip.row, "cursor_y").tolist()],
    }
