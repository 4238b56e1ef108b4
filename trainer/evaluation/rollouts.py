"""The model's roll-outs of scenes: closed loop with each arm's actions, and open loop, window by window."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from trainer.actions import Actions
from trainer.codec import Codec
from trainer.codec.still import decode_after
from trainer.evaluation.scenes import ARMS, Scene, arm_inputs, whole
from trainer.inference.sample import roll_out
from trainer.inputs import ModelInputs
from trainer.model.world import WorldModel
from trainer.settings.config import Config

ROWS_AT_ONCE = 16


@dataclass(frozen=True)
class RolloutModel:
    """A model with what it takes to roll it out."""

    model: WorldModel
    codec: Codec
    config: Config
    inputs: ModelInputs
    device: torch.device


@dataclass(frozen=True)
class _Job:
    """One row of a batch: frames to show, and the actions of these and of those to be made."""

    given: NDArray[np.uint8]
    actions: Actions
    path: NDArray[np.float32]
    maps: NDArray[np.float32]
    goal: str


def closed_loop(
    player: RolloutModel,
    scenes: Sequence[Scene],
    donors: Sequence[Scene | None],
    arms: Sequence[str],
    seed: int,
    on_frame: Callable[[], None] = lambda: None,
) -> dict[str, list[Tensor]]:
    """For each arm a list over scenes of decoded float [F, height, width, 3] in 0..1, on the CPU.

    All arms of a scene see the same given frames and the same noise.
    """
    keys = [(arm, number) for number in range(len(scenes)) for arm in arms]
    jobs = []
    for arm, number in keys:
        scene = scenes[number]
        actions, path, maps = arm_inputs(scene, donors[number], arm)
        jobs.append(_Job(scene.frames[: scene.given], actions, path, maps, str(scene.clip.row["goal"])))
    made = dict(zip(keys, _play(player, jobs, seed, on_frame), strict=True))
    return {arm: [made[arm, number] for number in range(len(scenes))] for arm in arms}


def window_step(config: Config) -> int:
    """Frames that an open-loop window makes: those of a training window beyond the context, one latent at least."""
    time = config.codec.time
    given = 1 + (config.sample.context - 1) * time
    return whole(max(config.data.window - given, 1), time)


def open_loop(
    player: RolloutModel, scenes: Sequence[Scene], seed: int, on_frame: Callable[[], None] = lambda: None
) -> tuple[list[Tensor], list[NDArray[np.int64]]]:
    """Each generated frame from true frames a window back, with true actions.

    Returns:
        For each scene the decoded video [F, height, width, 3], put together from its windows (the given frames are the
        first window's); and for each generated frame the number of the last true frame before it, [F - given].
    """
    step = window_step(player.config)
    jobs, places = [], []
    for number, scene in enumerate(scenes):
        actions, path, maps = arm_inputs(scene, None, "true")
        size = min(step, scene.made)
        for first in range(0, scene.made, size):
            start = min(first, scene.made - size)  # the last window may begin earlier, to be as long as the others
            part = slice(start, start + scene.given + size)
            shown = scene.frames[start : start + scene.given]
            jobs.append(_Job(shown, actions[part], path[part], maps[part], str(scene.clip.row["goal"])))
            places.append((number, start, size))
    videos = [torch.zeros(scene.frames.shape) for scene in scenes]
    since = [np.zeros(scene.made, np.int64) for scene in scenes]
    for (number, start, size), video in reversed(list(zip(places, _play(player, jobs, seed, on_frame), strict=True))):
        given = scenes[number].given
        videos[number][start + given : start + given + size] = video[given:]
        since[number][start : start + size] = start + given - 1
        if start == 0:
            videos[number][:given] = video[:given]
    return videos, since


def batches(player: RolloutModel, scenes: Sequence[Scene], arms: int) -> int:
    """How often `closed_loop` and `open_loop` call `on_frame`, a few scenes at once: once a latent of a batch."""
    time, step, total = player.config.codec.time, window_step(player.config), 0
    for numbers in few_at_once(scenes):
        same, made = len(numbers), scenes[numbers[0]].made
        size = min(step, made)
        total += -(-same * arms // ROWS_AT_ONCE) * (made // time)
        total += -(-same * -(-made // size) // ROWS_AT_ONCE) * (size // time)
    return total


def few_at_once(scenes: Sequence[Scene]) -> list[list[int]]:
    """Numbers of scenes of one shape that are rolled out together: three arms of them fill a batch."""
    shapes: dict[tuple[int, int], list[int]] = {}
    for number, scene in enumerate(scenes):
        shapes.setdefault((scene.given, scene.made), []).append(number)
    few = ROWS_AT_ONCE // len(ARMS)
    return [same[first : first + few] for same in shapes.values() for first in range(0, len(same), few)]


@torch.no_grad()
def _play(player: RolloutModel, jobs: Sequence[_Job], seed: int, on_frame: Callable[[], None]) -> list[Tensor]:
    made: dict[int, Tensor] = {}
    for group in _groups(jobs):
        part = [jobs[n] for n in group]
        given = torch.from_numpy(np.stack([job.given for job in part])).to(player.device)
        latents = player.codec.encode(given)
        conditions = player.inputs.conditions(
            np.stack([job.actions for job in part]),
            np.stack([job.maps for job in part]),
            np.stack([job.path for job in part]),
            [job.goal for job in part],
        )
        result = roll_out(player.model, latents, conditions, player.config, seed, on_frame)
        for row, n in enumerate(group):
            one = slice(row, row + 1)
            made[n] = decode_after(player.codec, result[one], given[one])[0].float().cpu()
    return [made[n] for n in range(len(jobs))]


def _groups(jobs: Sequence[_Job]) -> Iterator[list[int]]:
    """Numbers of jobs of one shape, at most ROWS_AT_ONCE."""
    shapes: dict[tuple[int, int], list[int]] = {}
    for number, job in enumerate(jobs):
        shapes.setdefault((len(job.given), len(job.actions)), []).append(number)
    for same in shapes.values():
        for first in range(0, len(same), ROWS_AT_ONCE):
            yield same[first : first + ROWS_AT_ONCE]


@torch.no_grad()
def through_codec(player: RolloutModel, scene: Scene) -> Tensor:
    """The true frames encoded and decoded as a roll-out's are, float [F, height, width, 3] on the CPU."""
    frames = torch.from_numpy(scene.frames)[None].to(player.device)
    return decode_after(player.codec, player.codec.encode(frames), frames[:, : scene.given])[0].float().cpu()
