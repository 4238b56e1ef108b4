"""Guarantees of a play: a person who does what the recording did sees what a replay shows, frame for frame."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from manifests.errors import GoaltraceError
from tests.trainer.model.conftest import lively
from trainer.codec import make_codec
from trainer.data.clip import Clip, numbers
from trainer.inference.loaded_run import LoadedRun, load_run
from trainer.inputs import ModelInputs
from trainer.model.world import WorldModel
from trainer.play.film import MOST_BYTES, PlayFilm
from trainer.play.game import Game, PlayableModel, first_frame, spaced
from trainer.settings import override


@pytest.fixture(scope="module")
def opened(run: Path) -> LoadedRun:
    return load_run(run, None, "cpu")


@pytest.fixture(scope="module")
def player(opened: LoadedRun) -> PlayableModel:
    """A model that takes its actions to heart; four steps of training do not teach that."""
    model: WorldModel = lively(opened.config)
    return PlayableModel(model, opened.codec, opened.config, opened.store, opened.inputs)


def pixels(picture: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(picture)).convert("RGB"))


def copied(game: Game, clip: Clip, frames: int) -> Iterator[bytes]:
    """Do by hand what the recording did, and take the pictures."""
    given, ends = game._player.given, numbers(clip.row, "t1_ns")[clip.frames].tolist()
    for action in clip.row["actions"]:
        if action["slot"] >= clip.frames[given - 1]:
            game.live.add(dict(action))
    time = game._config.codec.time
    for number in range(given, given + frames, time):
        yield from (one.picture for one in game.next(ends[number - 1 : number + time]))


def test_doing_what_the_recording_did_is_the_replay(player: PlayableModel, opened: LoadedRun) -> None:
    clip = opened.held_out[0]
    replay, live, idle = (Game(player, clip, "", 0, again) for again in (True, False, False))
    shown = [one for _ in range(8) for one in replay.next([])]
    assert [one.picture for one in shown] == list(copied(live, clip, 8))
    still = [idle.next([k * 200, k * 200 + 200])[0].picture for k in range(8)]
    assert still != [one.picture for one in shown], "the actions must matter for this to say anything"
    assert replay.left == len(clip.frames) - player.given - 8 and live.left is None


def test_a_codec_over_time_makes_four_frames_at_once(opened: LoadedRun, tmp_path: Path) -> None:
    from diffusers import AutoencoderKLWan

    torch.manual_seed(0)
    AutoencoderKLWan(base_dim=4, z_dim=16, dim_mult=[1, 1, 1, 1], num_res_blocks=1).save_pretrained(tmp_path)
    changes = ["codec.name=wan", f"codec.weights={tmp_path}", "codec.channels=16", "model.patch=1", "data.window=5",
               "actions.head_width=0", "actions.key_width=0", "model.predicts=velocity", "sample.still=0"]  # fmt: skip
    config = override(opened.config, changes)
    codec = make_codec(config.codec)
    inputs = ModelInputs(config, codec, torch.device("cpu"))
    player = PlayableModel(lively(config), codec, config, opened.store, inputs)
    clip = opened.held_out[0]
    replay, live = (Game(player, clip, "", 0, again) for again in (True, False))
    assert [one.number for one in replay.latest] == list(range(5))
    shown = [one for _ in range(2) for one in replay.next([])]
    assert [one.number for one in shown] == list(range(5, 13)) and all(one.recorded for one in shown)
    assert [one.picture for one in shown] == list(copied(live, clip, 8))
    assert [a["frame"] for a in replay.film.actions] == [a["frame"] for a in live.film.actions] != []


def test_a_play_begins_with_the_true_frames_and_counts_on(player: PlayableModel, opened: LoadedRun) -> None:
    clip = opened.held_out[0]
    game = Game(player, clip, "", 0, True)
    begun = game.latest
    assert [(one.number, one.given) for one in begun] == [(number, True) for number in range(player.given)]
    true = opened.store.get(clip).frames
    assert all(np.array_equal(pixels(one.picture), true[one.number]) for one in begun)
    (first,) = game.next([])
    assert (first.number, first.given) == (player.given, False) and first.recorded is not None
    assert np.array_equal(pixels(first.recorded), true[player.given])
    assert game.latest == [first] and len(game.film.pictures) == player.given + 1


def test_a_clip_that_is_too_short_or_blank_cannot_be_played(opened: LoadedRun) -> None:
    clip = opened.held_out[0]
    blank = Clip({**clip.row, "frame_redacted": [True] * len(clip.row["t1_ns"])}, clip.fps)
    half = Clip({**clip.row, "frame_redacted": [k < 7 for k in range(len(clip.row["t1_ns"]))]}, clip.fps)
    assert first_frame(clip, 2) == 0 and half.frames[first_frame(half, 2)] >= 7
    for bad, given in ((blank, 2), (clip, len(clip.frames))):
        with pytest.raises(GoaltraceError, match=f"clip {clip.id}: too short or too much of it left blank"):
            first_frame(bad, given)


def test_a_model_that_cannot_be_rolled_out_is_one_line(opened: LoadedRun) -> None:
    config = override(opened.config, ["model.causal=false"])
    player = PlayableModel(WorldModel(config), opened.codec, config, opened.store, opened.inputs)
    with pytest.raises(GoaltraceError, match="causal"):
        Game(player, opened.held_out[0], "", 0, False)


def test_a_long_play_forgets_its_beginning_and_says_so() -> None:
    film, size = PlayFilm(), MOST_BYTES // 8
    for number in range(20):
        film.add(bytes(1) * size, [{"frame": number}])
    assert (film.first, len(film.pictures), film.actions[0]["frame"]) == (12, 8, 12) and film.size <= MOST_BYTES


def test_times_are_evenly_spaced_and_increase() -> None:
    assert spaced(0, 400, 4) == [0, 100, 200, 300, 400]
    assert spaced(5, 5, 1) == [5, 6]
