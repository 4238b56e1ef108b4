"""Does the model obey its actions? Roll-outs of held-out clips with true, shuffled and no actions, measured.

Every figure is taken from the decoded pixels of the roll-out. The pointer is found there by the reader of
trainer.pointer, which knows neither the actions nor the cursor map.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from manifests.errors import GoaltraceError
from trainer.codec.pca import PCACodec
from trainer.config import Config
from trainer.data.actions import FEATURES
from trainer.data.cursor import render_map
from trainer.data.index import Clip
from trainer.data.windows import ClipData, ClipStore
from trainer.model.dit import DiT
from trainer.objective import Conditions
from trainer.pointer import PointerReader
from trainer.sample import roll_out

ARMS = ("true", "shuffled", "null")
HIT_PX = 3.0
MOVED_PX = 4.0
CHANGED = 16 / 255
ROWS_AT_ONCE = 16
_HELD = sum(name.startswith("held:") for name in FEATURES)


@dataclass(frozen=True)
class Scene:
    """A stretch of a held-out clip: the first `given` frames are shown, the rest are to be generated."""

    clip: Clip
    data: ClipData
    start: int
    stop: int
    given: int

    @property
    def frames(self) -> NDArray[np.uint8]:
        return self.data.frames[self.start : self.stop]


def choose_scenes(store: ClipStore, clips: list[Clip], config: Config, count: int, frames: int) -> list[Scene]:
    """At most `count` scenes, clips evenly spaced; in each clip the stretch with the most actions.

    All scenes of a kind have the same length: `frames` generated ones, fewer where no clip is that long.
    """
    scenes: list[Scene] = []
    kinds = sorted({clip.row["kind"] for clip in clips})
    for kind in kinds:
        of_kind = [clip for clip in clips if clip.row["kind"] == kind]
        given = config.sample.context
        longest = max(len(clip.frames) for clip in of_kind)
        length = min(given + frames, longest)
        fitting = [clip for clip in of_kind if len(clip.frames) >= length]
        share = max(1, count // len(kinds))
        chosen = [fitting[i] for i in np.linspace(0, len(fitting) - 1, min(share, len(fitting))).astype(int)]
        for clip in chosen:
            data = store.get(clip)
            acts = (data.actions[:, :, _HELD:].sum(axis=2) > 0).sum(axis=1)
            blank = clip.blank()
            starts = [s for s in range(len(clip.frames) - length + 1) if not blank[s : s + length].any()]
            if not starts:
                continue
            start = max(starts, key=lambda s: int(acts[s + given : s + length].sum()))
            scenes.append(Scene(clip, data, start, start + length, given))
    if not scenes:
        raise GoaltraceError("no held-out clip is long enough to roll out; record longer sessions")
    return scenes


def arm_inputs(
    scene: Scene, donor: Scene | None, arm: str
) -> tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.float32]]:
    """Actions [F, substeps, features], pointer path px [F, 2] and maps [F, height, width] of one arm.

    The given frames keep their own. After them: "true" the clip's own, "shuffled" the donor clip's (its own in
    reverse order when there is no donor), "null" nothing done and the pointer left where it is.
    """
    actions = scene.data.actions[scene.start : scene.stop].copy()
    path = scene.data.pointer[scene.start : scene.stop].copy()
    k = scene.given
    if arm == "shuffled" and donor is not None:
        actions[k:] = donor.data.actions[donor.start + k : donor.stop]
        path[k:] = donor.data.pointer[donor.start + k : donor.stop]
    elif arm == "shuffled":
        actions[k:], path[k:] = actions[k:][::-1].copy(), path[k:][::-1].copy()
    elif arm == "null":
        actions[k:, :, :_HELD] = actions[k - 1, -1, :_HELD]
        actions[k:, :, _HELD:] = 0
        path[k:] = path[k - 1]
    height, width = scene.data.frames.shape[1:3]
    return actions, path, render_map(path, scene.data.scale, (width, height))


def donor_of(scenes: list[Scene], number: int) -> Scene | None:
    """The next scene of the same kind from another session, else from another clip; None if there is none."""
    me = scenes[number]
    later = [scene for scene in scenes[number + 1 :] + scenes[:number] if scene.clip.row["kind"] == me.clip.row["kind"]]
    others = [scene for scene in later if scene.clip.session != me.clip.session] or later
    return others[0] if others else None


def roll_out_arms(
    model: DiT,
    codec: PCACodec,
    config: Config,
    scenes: list[Scene],
    donors: list[Scene | None],
    arms: tuple[str, ...],
    seed: int,
    on_frame: Callable[[], None] = lambda: None,
) -> dict[str, list[Tensor]]:
    """Decoded roll-outs: for each arm a list over scenes of float [F, height, width, 3] in 0..1, on the CPU.

    All arms of a scene see the same given frames and the same noise.
    """
    device = codec.mean.device
    jobs = [(arm, number) for number in range(len(scenes)) for arm in arms]
    made: dict[tuple[str, int], Tensor] = {}
    lengths = sorted({scene.stop - scene.start for scene in scenes})
    for length in lengths:
        same = [job for job in jobs if scenes[job[1]].stop - scenes[job[1]].start == length]
        for first in range(0, len(same), ROWS_AT_ONCE):
            part = same[first : first + ROWS_AT_ONCE]
            inputs = [arm_inputs(scenes[number], donors[number], arm) for arm, number in part]
            actions = torch.from_numpy(np.stack([item[0] for item in inputs])).to(device)
            maps = torch.from_numpy(np.stack([item[2] for item in inputs])).to(device)
            given = np.stack([scenes[number].frames[: scenes[number].given] for _, number in part])
            latents = codec.encode(torch.from_numpy(given).to(device))
            result = roll_out(model, latents, Conditions(maps, actions), config, seed, on_frame)
            for job, one in zip(part, result, strict=True):
                made[job] = codec.decode(one[None])[0].cpu()
    return {arm: [made[arm, number] for number in range(len(scenes))] for arm in arms}


def psnr(error: float) -> float:
    """Decibels of a mean squared error in 0..1; 99 at most, so that an exact picture stays a number."""
    return min(99.0, -10 * math.log10(max(error, 1e-12)))


def picture_figures(scenes: list[Scene], videos: list[Tensor]) -> dict[str, float]:
    """PSNR of the generated frames, and of the pixels that differ from the last given frame."""
    whole, part_error, part_count = [], 0.0, 0
    for scene, video in zip(scenes, videos, strict=True):
        truth = torch.from_numpy(scene.frames).float() / 255
        squared = (video[scene.given :] - truth[scene.given :]) ** 2
        whole.append(psnr(squared.mean().item()))
        changed = ((truth[scene.given :] - truth[scene.given - 1]).abs() > CHANGED).any(dim=-1)
        part_error += squared[changed].sum().item()
        part_count += 3 * int(changed.sum())
    figures = {"psnr": float(np.mean(whole))}
    if part_count:
        figures["psnr_changed"] = psnr(part_error / part_count)
    return figures


def cursor_figures(scenes: list[Scene], videos: list[Tensor], reader: PointerReader) -> dict[str, float]:
    """Distance from the pointer read in generated frames to where the recorder saw it, px of the model's picture.

    Only frames whose true pointer is at least `MOVED_PX` from its place in the last given frame count: a model that
    draws nothing new would be right on the others.
    """
    errors: list[float] = []
    for scene, video in zip(scenes, videos, strict=True):
        seen = scene.data.seen[scene.start : scene.stop]
        away = np.linalg.norm(seen - seen[scene.given - 1], axis=1)
        frames = [k for k in range(scene.given, len(seen)) if away[k] >= MOVED_PX]  # NaN is never >=
        if frames:
            found = reader.locate(video[frames]).numpy()
            errors += np.linalg.norm(found - seen[frames], axis=1).tolist()
    if not errors:
        return {}
    values = np.array(errors)
    return {
        "cursor_px": float(np.median(values)),
        "cursor_hit": float((values <= HIT_PX).mean()),
        "cursor_frames": len(errors),
    }


def evaluate(
    model: DiT,
    codec: PCACodec,
    reader: PointerReader | None,
    config: Config,
    scenes: list[Scene],
    seed: int,
    on_frame: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    """All figures by kind: `{kind: {"clips", "frames", "rows": {row: {figure: value}}}}`.

    Rows: true, shuffled, null; "repeat" (the last given frame again) and "codec" (the true frames through the
    codec: the ceiling, and for the pointer the reader's own error).
    """
    donors = [donor_of(scenes, number) for number in range(len(scenes))]
    videos = roll_out_arms(model, codec, config, scenes, donors, ARMS, seed, on_frame)
    cpu_codec = codec.to(torch.device("cpu"))
    videos["repeat"], videos["codec"] = [], []
    for scene in scenes:
        exact = cpu_codec.decode(cpu_codec.encode(torch.from_numpy(scene.frames)[None]))[0]
        videos["codec"].append(exact)
        still = torch.from_numpy(scene.frames[scene.given - 1]).float() / 255
        videos["repeat"].append(still.expand(len(scene.frames), -1, -1, -1))
    report: dict[str, Any] = {}
    for kind in sorted({scene.clip.row["kind"] for scene in scenes}):
        chosen = [n for n, scene in enumerate(scenes) if scene.clip.row["kind"] == kind]
        some = [scenes[n] for n in chosen]
        rows: dict[str, dict[str, float]] = {}
        for name, all_videos in videos.items():
            mine = [all_videos[n] for n in chosen]
            rows[name] = picture_figures(some, mine)
            if reader is not None and kind == "desktop":
                rows[name] |= cursor_figures(some, mine, reader)
        report[kind] = {
            "clips": len(some), "frames": sum(s.stop - s.start - s.given for s in some), "rows": rows,
        }  # fmt: skip
    return report
