"""The Fréchet distance is that of the formula, and what is said of true and shuffled actions is not more than is so."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from manifests.errors import GoaltraceError
from trainer.data.index import Index
from trainer.data.windows import ClipStore
from trainer.evaluation import fvd as module
from trainer.evaluation.fvd import FVD, ROWS, Features, as_large, frechet, warning
from trainer.evaluation.measure import pixels
from trainer.evaluation.scenes import Scene, choose_scenes
from trainer.settings.config import Config

seeds, sides = st.integers(0, 2**31), st.integers(1, 7)


def white(rng: np.random.Generator, n: int, d: int) -> Features:
    """n > d points whose own mean is 0 and whose own covariance is the identity."""
    points = rng.normal(size=(n, d))
    return np.linalg.qr(points - points.mean(axis=0))[0] * np.sqrt(n - 1)


def rotation(rng: np.random.Generator, d: int) -> Features:
    return np.asarray(np.linalg.qr(rng.normal(size=(d, d)))[0])


@given(seeds, sides, st.integers(2, 30), st.integers(2, 30), st.floats(0, 5))
def test_gaussians_with_common_axes_have_the_closed_form(seed: int, d: int, n: int, m: int, far: float) -> None:
    rng = np.random.default_rng(seed)
    turn, (s, t) = rotation(rng, d), rng.uniform(0, 3, (2, d))  # deviations along the axes, also tiny ones
    mean = far * rng.normal(size=d)
    a = white(rng, n + d, d) * s @ turn + mean
    b = white(rng, m + d, d) * t @ turn
    assert frechet(a, b) == pytest.approx(mean @ mean + ((s - t) ** 2).sum(), abs=1e-9, rel=1e-9)


@given(seeds, sides, st.integers(2, 30), st.integers(2, 30))
def test_any_two_sets_have_the_distance_of_the_matrix_root(seed: int, d: int, n: int, m: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(n, d)) @ rng.normal(size=(d, d)), rng.normal(size=(m, d)) + 1  # n and m may be below d
    one, other = (np.atleast_2d(np.cov(side, rowvar=False)) for side in (a, b))
    values, vectors = np.linalg.eigh(one)
    root = vectors * np.sqrt(np.maximum(values, 0)) @ vectors.T
    trace = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ other @ root), 0)).sum()
    mean = a.mean(axis=0) - b.mean(axis=0)
    expected = mean @ mean + np.trace(one) + np.trace(other) - 2 * trace
    assert frechet(a, b) == pytest.approx(expected, abs=1e-5 * (1 + np.trace(one)))  # the root loses half the digits
    assert frechet(a, b) == pytest.approx(frechet(b, a), abs=1e-9 * (1 + np.trace(one)))


@given(seeds, st.integers(1, 60), st.integers(2, 20), st.floats(-100, 100))
def test_equal_sets_have_none_and_a_shift_its_square(seed: int, d: int, n: int, shift: float) -> None:
    rng = np.random.default_rng(seed)
    a = rng.normal(size=(n, d)) * 10
    size = 1e-9 * d * (100 + shift**2)
    assert frechet(a, a) == pytest.approx(0, abs=size)
    assert frechet(a, rng.permutation(a)) == pytest.approx(0, abs=size)
    assert frechet(a, a + shift) == pytest.approx(d * shift**2, abs=size)


def test_few_windows_are_biased_upwards_and_said_to_be() -> None:
    rng = np.random.default_rng(0)
    few, many = (np.mean([frechet(*rng.normal(size=(2, n, 20))) for _ in range(10)]) for n in (10, 1000))
    assert few > 10 * many > 0  # both sets are of one distribution
    assert "10 windows is biased upwards" in warning(10, 20) and warning(20, 20) and not warning(21, 20)


def arms(rng: np.random.Generator, apart: float, sessions: int, each: int = 4) -> list[Features]:
    """Recorded windows, and those of two arms of which the second is further off."""
    real = rng.normal(size=(sessions * each, 5))
    near, off = (real + 0.5 * rng.normal(size=real.shape) for _ in range(2))
    return [real, near, off + apart]


def test_arms_that_differ_are_told_apart_where_there_are_sessions_enough() -> None:
    for sessions, least in ((1, 0.4), (2, 0.15), (12, 0.005)):  # of 2, 4 and 4,096 ways to swap one is the measured
        real, near, off = arms(np.random.default_rng(0), 2.0, sessions)
        session = np.repeat(np.arange(sessions), 4)
        share = as_large(real, [near], [off], session, 0)
        assert least <= share <= 1.6 * least + 0.01
        assert as_large(real, [off], [near], session, 0) > 0.95
        assert as_large(real, [near], [near], session, 0) == 1
    assert as_large(real, [near, near], [off, off], session, 0) == share


def test_arms_that_do_not_differ_are_told_apart_one_time_in_five_at_a_fifth(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SWAPS", 39)
    rng = np.random.default_rng(1)
    session = np.repeat(np.arange(6), 2)
    shares = []
    for trial in range(40):
        real, near, off = arms(rng, 0, 6, 2)
        shares.append(as_large(real, [near], [off], session, trial))
    assert 2 <= sum(share <= 0.2 for share in shares) <= 15


@pytest.fixture
def scenes(store: ClipStore, index: Index, small: Config) -> list[Scene]:
    return choose_scenes(store, index.held_out, small, 2, 12)


def colours(windows: torch.Tensor) -> torch.Tensor:
    """[n, T, height, width, 3] -> [n, 3]: stands for a network."""
    return windows.mean(dim=(1, 2, 3))


def test_the_generated_frames_of_the_same_clips_are_set_side_by_side(scenes: list[Scene]) -> None:
    fvd = FVD.over(scenes, colours)
    assert fvd.frames == scenes[0].made == 12 and len({scene.clip.session for scene in scenes}) == 2
    for n, scene in enumerate(scenes):
        truth = pixels(scene)
        wrong = truth.clone()
        wrong[: scene.given] = 0  # what was given is not looked at
        for row in ("recorded", "codec", *ROWS[:-1]):
            fvd.take(row, n, scene, {"codec": wrong, "shuffled": truth + 0.5}.get(row, truth))
        fvd.take("true", n, scene, truth + 0.1)  # a second seed
        fvd.take("shuffled", n, scene, truth + 0.5)
    told = fvd.report(scenes, "desktop", 0)
    assert told["rows"]["codec"] == pytest.approx(0, abs=1e-9)
    assert told["rows"]["true"] == pytest.approx((0 + 3 * 0.1**2) / 2, abs=1e-6)  # the mean over seeds
    assert told["rows"]["shuffled"] == pytest.approx(3 * 0.5**2, abs=1e-5)
    assert (told["windows"], told["frames"], told["features"], told["sessions"]) == (2, 12, 3, 2)
    assert "2 windows" in told["warning"] and told["as_large"] > 0.15


def test_long_rollouts_are_cut_into_windows(scenes: list[Scene]) -> None:
    clip = np.concatenate([scenes[0].frames] * 4)
    long = replace(scenes[0], frames=clip[: scenes[0].given + 37])
    fvd = FVD.over([long], colours)
    fvd.take("true", 0, long, pixels(long))
    assert fvd.frames == 16 and fvd.found["true", 0][0].shape == (2, 3)


def test_windows_that_i3d_cannot_see_are_refused(scenes: list[Scene]) -> None:
    short = [replace(scene, frames=scene.frames[: scene.given + 8]) for scene in scenes]
    with pytest.raises(GoaltraceError, match="at least 9 generated frames, and here are 8; add --frames 16"):
        FVD.over(short, colours)
    with pytest.raises(GoaltraceError, match="one desktop window has no spread"):
        FVD.over(scenes[:1], colours)
    with pytest.raises(GoaltraceError, match="not finite"):
        FVD.over(scenes, colours).take("true", 0, scenes[0], pixels(scenes[0]) / 0)
