"""What the arms differ in, and what open loop is given."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from manifests.errors import GoaltraceError
from trainer.codec.pixel import PixelCodec
from trainer.data.index import Index
from trainer.data.windows import ClipStore
from trainer.evaluation.rollouts import RolloutModel, batches, closed_loop, open_loop, window_step
from trainer.evaluation.scenes import (
    ARMS,
    Scene,
    arm_inputs,
    choose_scenes,
    donor_of,
    frames_given,
    scenes_like,
    whole,
)
from trainer.inputs import ModelInputs
from trainer.model.world import WorldModel
from trainer.settings import override
from trainer.settings.config import Config
from trainer.settings.presets import preset


@pytest.fixture(scope="module")
def plain(small: Config) -> Config:
    """Without a pointer head, so that the codec can be exact."""
    return override(small, ["codec.name=pixel", "codec.channels=192", "actions.head_width=0", "sample.still=0"])


@pytest.fixture
def scenes(store: ClipStore, index: Index, plain: Config) -> list[Scene]:
    return choose_scenes(store, index.held_out, plain, 2, 4)


@pytest.fixture
def player(plain: Config) -> RolloutModel:
    torch.manual_seed(0)
    model = WorldModel(plain).eval()
    with torch.no_grad():
        for parameter in model.parameters():  # what starts at zero would hide what the actions do
            parameter.add_(0.02 * torch.randn(parameter.shape))
    codec = PixelCodec(8)
    return RolloutModel(model, codec, plain, ModelInputs(plain, codec, torch.device("cpu")), torch.device("cpu"))


def test_arms_share_what_is_given_and_differ_after(scenes: list[Scene]) -> None:
    assert len(scenes) == 2 and scenes[0].clip.session != scenes[1].clip.session
    me, donor = scenes[0], donor_of(scenes, 0)
    assert donor is scenes[1]
    actions, paths, maps = zip(*(arm_inputs(me, donor, arm) for arm in ARMS), strict=True)
    k = me.given
    for n in (1, 2):
        assert (actions[n][:k] == me.actions[:k]).all() and (paths[n][:k] == me.pointer[:k]).all()
        assert (maps[n][:k] == maps[0][:k]).all() and (maps[n][k:] != maps[0][k:]).any()
    assert (actions[1][k:] == donor.actions[k:]).all() and (paths[1][k:] == donor.pointer[k:]).all()
    assert not actions[2][k:].any() and (paths[2][k:] == me.pointer[k - 1]).all()


def test_all_arms_have_the_same_noise(player: RolloutModel, scenes: list[Scene]) -> None:
    donors = [donor_of(scenes, n) for n in range(len(scenes))]
    together = closed_loop(player, scenes, donors, ("true", "null"), seed=3)
    alone = closed_loop(player, scenes[1:], donors[1:], ("true",), seed=3)
    assert torch.allclose(together["true"][1], alone["true"][0], atol=1e-5)
    assert not torch.allclose(together["true"][0], together["null"][0], atol=1e-4)
    again = closed_loop(player, scenes, [None, None], ("true",), seed=4)
    assert not torch.allclose(together["true"][0], again["true"][0], atol=1e-4)


def test_open_loop_starts_every_window_from_true_frames(player: RolloutModel, scenes: list[Scene]) -> None:
    videos, since = open_loop(player, scenes, seed=3)
    closed = closed_loop(player, scenes, [None, None], ("true",), seed=3)["true"]
    for scene, video, free, last in zip(scenes, videos, closed, since, strict=True):
        k = scene.given
        assert last.tolist() == list(range(k - 1, len(scene.frames) - 1))
        assert torch.allclose(video[: k + 1], free[: k + 1], atol=1e-5)  # the first window is the roll-out's beginning
        later = Scene(scene.clip, 0, k, scene.frames[1:], scene.actions[1:], scene.pointer[1:], scene.seen[1:],
                      scene.scale, None, None)  # fmt: skip
        own = closed_loop(player, [later], [None], ("true",), seed=3)["true"][0]
        assert torch.allclose(video[k + 1], own[k], atol=1e-5)


def test_the_bar_knows_how_often_it_moves(player: RolloutModel, scenes: list[Scene]) -> None:
    calls: list[None] = []
    closed_loop(player, scenes, [None, None], ARMS, 0, lambda: calls.append(None))
    open_loop(player, scenes, 0, lambda: calls.append(None))
    assert len(calls) == batches(player, scenes, len(ARMS))


def test_frames_are_counted_in_whole_latent_frames() -> None:
    wan = preset("wan-1.3b")  # four frames to a latent, eight latents of context, windows of 33 frames
    assert frames_given(wan) == 29 and window_step(wan) == 4 and (whole(15, 4), whole(16, 4)) == (16, 16)
    tiny = preset("tiny")
    assert frames_given(tiny) == 2 and window_step(tiny) == 1 and whole(15, 1) == 15


def test_the_busiest_stretch_without_blank_frames_is_taken(store: ClipStore, index: Index, plain: Config) -> None:
    clip = index.held_out[0]
    scene = choose_scenes(store, [clip], plain, 1, 4)[0]
    assert len(scene.frames) == scene.given + 4 == 6
    listed = [{"clip": clip.id, "first": scene.start + scene.given, "frames": scene.made}]
    again = scenes_like(store, [clip], plain, listed)[0]
    assert (again.start, again.given) == (scene.start, scene.given) and np.array_equal(again.frames, scene.frames)
    with pytest.raises(GoaltraceError, match="not among the held-out clips"):
        scenes_like(store, [clip], plain, [{"clip": "other", "first": 2, "frames": 4}])
    with pytest.raises(GoaltraceError, match="has no frames"):
        scenes_like(store, [clip], plain, [{"clip": clip.id, "first": 2, "frames": 400}])
