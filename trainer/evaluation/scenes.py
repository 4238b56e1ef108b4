"""What is rolled out: stretches of held-out clips, with the actions of each arm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from manifests.errors import GoaltraceError
from trainer.actions import Actions, acted, nothing_done
from trainer.data.clip import Clip
from trainer.data.cursor import render_map
from trainer.reading.screens import ScreenGrid, screen_cells
from trainer.settings.config import Config

if TYPE_CHECKING:
    from trainer.data.windows import ClipStore

ARMS = ("true", "shuffled", "null")


@dataclass(frozen=True)
class Scene:
    """A stretch of a clip: the first `given` frames are shown, the rest are to be generated; F frames in all."""

    clip: Clip
    start: int
    """Its first frame, among the model's frames of the clip."""
    given: int
    frames: NDArray[np.uint8]
    """[F, height, width, 3]."""
    actions: Actions
    """[F, S, A]."""
    pointer: NDArray[np.float32]
    """[F, 2] px: where the actions put the pointer."""
    seen: NDArray[np.float32]
    """[F, 2] px: where the recorder saw it."""
    scale: float
    """Model px per recorded px."""
    grid: ScreenGrid | None
    cells: NDArray[np.int64] | None
    """[F, rows, columns]: the characters on a terminal's screen; None where they were not recorded."""

    @property
    def kind(self) -> str:
        return str(self.clip.row["kind"])

    @property
    def made(self) -> int:
        """Frames to be generated."""
        return len(self.frames) - self.given


def frames_given(config: Config) -> int:
    """Frames that a scene shows: they fill the context, `sample.context` latent frames."""
    return 1 + (config.sample.context - 1) * config.codec.time


def whole(frames: int, time: int) -> int:
    """Generated frames in whole latent frames."""
    return -(-frames // time) * time


def cut_scene(store: ClipStore, clip: Clip, start: int, given: int, made: int) -> Scene:
    """The scene whose first frame is `start`."""
    data, stop = store.get(clip), start + given + made
    size = (data.frames.shape[2], data.frames.shape[1])
    grid = cells = None
    if clip.row["kind"] == "terminal":
        grid = ScreenGrid.of(clip.row, size)
        cells = screen_cells(store.reader, clip, grid)
    part = slice(start, stop)
    return Scene(
        clip, start, given, data.frames[part].copy(), data.actions[part], data.pointer[part], data.seen[part],
        data.scale, grid, None if cells is None else cells[part],
    )  # fmt: skip


def choose_scenes(store: ClipStore, clips: Sequence[Clip], config: Config, count: int, frames: int) -> list[Scene]:
    """At most `count` scenes, clips evenly spaced; in each clip the stretch with the most actions.

    All scenes of a kind have the same length: `frames` generated ones, fewer where no clip is that long. A clip whose
    video does not decode is left out with a warning.
    """
    scenes: list[Scene] = []
    kinds = sorted({str(clip.row["kind"]) for clip in clips})
    given, time = frames_given(config), config.codec.time
    for kind in kinds:
        of_kind = [clip for clip in clips if clip.row["kind"] == kind]
        longest = max(len(clip.frames) for clip in of_kind) - given
        made = min(whole(frames, time), longest // time * time)
        fitting = [clip for clip in of_kind if made >= time and len(clip.frames) >= given + made]
        share = max(1, count // len(kinds))
        for clip in (fitting[i] for i in np.linspace(0, len(fitting) - 1, min(share, len(fitting))).astype(int)):
            with store.left_out.skipping():
                start = busiest(store, clip, given, made)
                if start is not None:
                    scenes.append(cut_scene(store, clip, start, given, made))
    if not scenes and len(store.left_out):
        raise GoaltraceError("the video of no held-out clip that was looked at can be decoded; pack the sessions again")
    if not scenes:
        raise GoaltraceError(f"no held-out clip is longer than the {given} given frames; record longer sessions")
    return scenes


def busiest(store: ClipStore, clip: Clip, given: int, made: int) -> int | None:
    """Where the stretch with the most frames to which something was done begins; None where each has a blank frame."""
    done, blank = acted(store.get(clip).actions).astype(int), blanked(clip)
    length = given + made
    starts = [s for s in range(len(blank) - length + 1) if not blank[s : s + length].any()]
    return max(starts, key=lambda s: int(done[s + given : s + length].sum()), default=None)


def blanked(clip: Clip) -> NDArray[np.bool_]:
    """For each of the model's frames: was it, or a frame on the way to it, left blank on purpose?"""
    total = np.concatenate([[0], np.cumsum(np.asarray(clip.row["frame_redacted"], bool))])
    ends = np.array([-1, *clip.frames]) + 1
    blank: NDArray[np.bool_] = total[ends[1:]] > total[ends[:-1]]
    return blank


def scenes_like(
    store: ClipStore, clips: Sequence[Clip], config: Config, listed: Sequence[dict[str, Any]]
) -> list[Scene]:
    """The scenes that another evaluation lists (`clip`, `first` generated frame, `frames`).

    `GoaltraceError` when a clip is not among these held-out ones, or not so long.
    """
    known = {clip.id: clip for clip in clips}
    scenes = []
    for item in listed:
        clip, first, made = known.get(str(item["clip"])), int(item["first"]), int(item["frames"])
        if clip is None:
            raise GoaltraceError(
                f"clip {item['clip']}: not among the held-out clips of this run; "
                "only runs that hold out the same sessions can be compared"
            )
        time = config.codec.time
        given = 1 + (min(frames_given(config), first) - 1) // time * time
        if made % time or not 1 <= first <= first + made <= len(clip.frames):
            raise GoaltraceError(f"clip {clip.id}: has no frames {first} to {first + made} for this run")
        scenes.append(cut_scene(store, clip, first - given, given, made))
    return scenes


def donor_of(scenes: Sequence[Scene], number: int) -> Scene | None:
    """The next scene of the same kind and length, from another session if it can be; None if there is none."""
    me = scenes[number]
    later = [s for s in [*scenes[number + 1 :], *scenes[:number]] if (s.kind, s.made) == (me.kind, me.made)]
    others = [scene for scene in later if scene.clip.session != me.clip.session] or later
    return others[0] if others else None


def arm_inputs(scene: Scene, donor: Scene | None, arm: str) -> tuple[Actions, NDArray[np.float32], NDArray[np.float32]]:
    """Actions [F, S, A], pointer path px [F, 2] and maps [F, height, width] of one arm.

    The given frames keep their own. After them: "true" the clip's own, "shuffled" the donor clip's (its own in
    reverse order when there is no donor), "null" nothing done and the pointer left where it is.
    """
    actions, path, k = scene.actions.copy(), scene.pointer.copy(), scene.given
    if arm == "shuffled" and donor is not None:
        actions[k:], path[k:] = donor.actions[donor.given :], donor.pointer[donor.given :]
    elif arm == "shuffled":
        actions[k:], path[k:] = actions[k:][::-1].copy(), path[k:][::-1].copy()
    elif arm == "null":
        actions[k:], path[k:] = nothing_done(actions[k:], actions[k - 1]), path[k - 1]
    height, width = scene.frames.shape[1:3]
    return actions, path, render_map(path, scene.scale, (width, height))
