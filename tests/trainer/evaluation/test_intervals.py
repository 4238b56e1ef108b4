"""Figures of drawn clips are figures of those clips, and intervals cover what they should."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.evaluation.intervals import Sample, drawn, interval, paired_difference, with_interval

counted = st.lists(st.tuples(st.floats(0.001, 10), st.integers(1, 5)), min_size=1, max_size=6)
listed = st.lists(st.lists(st.integers(0, 9).map(float), max_size=4), min_size=1, max_size=6)


def repeated(sample: Sample, times: list[int]) -> Sample:
    """The sample in which clip k is there times[k] times."""
    order = [k for k, n in enumerate(times) for _ in range(n)]
    if sample.how in ("median", "hits"):
        return Sample(sample.how, values=[sample.values[k] for k in order])
    return Sample(sample.how, [sample.sums[k] for k in order], [sample.counts[k] for k in order])


@given(counted, st.sampled_from(["mean", "share", "decibel", "decibels"]), st.data())
def test_a_clip_drawn_twice_counts_twice(pairs: list[tuple[float, int]], how: str, data: st.DataObject) -> None:
    sample = Sample(how, [s for s, _ in pairs], [float(c) for _, c in pairs])  # type: ignore[arg-type]
    times = data.draw(st.lists(st.integers(0, 3), min_size=len(pairs), max_size=len(pairs)).filter(any))
    weighted = sample.figure(np.array([times], float))[0]
    assert weighted == pytest.approx(repeated(sample, times).figure()[0])


@given(listed, st.sampled_from(["median", "hits"]), st.data())
def test_pooled_values_too(values: list[list[float]], how: str, data: st.DataObject) -> None:
    sample = Sample(how, values=values)  # type: ignore[arg-type]
    times = data.draw(st.lists(st.integers(0, 3), min_size=len(values), max_size=len(values)))
    weighted = sample.figure(np.array([times], float))[0]
    pool = [v for part, n in zip(values, times, strict=True) for v in part * n]
    if not pool:
        assert np.isnan(weighted)
    else:
        expected = np.median(pool) if how == "median" else np.mean(np.array(pool) <= 3)
        assert weighted == pytest.approx(expected)


def test_what_the_ways_of_counting_mean() -> None:
    sums, counts = [1.0, 30.0], [1.0, 10.0]
    assert Sample("mean", sums, counts).figure()[0] == pytest.approx(2.0)
    assert Sample("share", sums, counts).figure()[0] == pytest.approx(31 / 11)
    assert Sample("decibels", [0.1, 0.01], [1, 1]).figure()[0] == pytest.approx(15)
    assert Sample("decibel", [0.1, 0.01], [1, 1]).figure()[0] == pytest.approx(-10 * np.log10(0.055))
    assert np.isnan(Sample("mean", [0.0], [0.0]).figure()[0])
    assert Sample("mean", [0.0, 4.0], [0.0, 2.0]).figure()[0] == 2  # a clip without any does not count as 0


def test_intervals_cover_the_mean_nineteen_times_in_twenty() -> None:
    rng = np.random.default_rng(0)
    covered = 0
    for trial in range(200):
        values = rng.normal(3, 2, 40)
        ends = with_interval(Sample("mean", values.tolist(), [1.0] * 40), trial)
        assert ends is not None
        covered += ends["low"] <= 3 <= ends["high"]
    assert 180 <= covered <= 198


def test_the_same_seed_gives_the_same_interval() -> None:
    sample = Sample("median", values=[[1, 2], [3], [9, 4, 4]])
    assert with_interval(sample, 5) == with_interval(sample, 5)
    one, two = drawn(sample, 1), drawn(sample, 2)
    assert (one.sum(axis=1) == 3).all() and (one != two).any()


def test_sessions_are_drawn_and_then_their_clips() -> None:
    weights = drawn(Sample("median", values=[[1.0]] * 6, sessions=["a", "b", "a", "a", "c", "b"]), 0)
    of_session = {"a": weights[:, [0, 2, 3]].sum(1), "b": weights[:, [1, 5]].sum(1), "c": weights[:, 4]}
    assert (of_session["a"] % 3 == 0).all() and (of_session["b"] % 2 == 0).all()
    assert (of_session["a"] / 3 + of_session["b"] / 2 + of_session["c"] == 3).all()
    assert weights.mean(axis=0) == pytest.approx(np.ones(6), abs=0.15)
    assert ((weights[:, 0] != weights[:, 2]) | (weights[:, 2] != weights[:, 3])).any()


def test_of_one_session_the_clips_are_drawn() -> None:
    weights = drawn(Sample("mean", [1.0, 2.0, 3.0], [1.0, 1.0, 1.0], sessions=["a"] * 3), 4)
    assert (weights.sum(axis=1) == 3).all() and len(np.unique(weights, axis=0)) == 10


def test_many_like_clips_of_few_sessions_do_not_make_a_figure_surer() -> None:
    """Each of five sessions has its own level, which all its clips share."""
    levels = np.random.default_rng(1).normal(size=5)
    widths = []
    for clips in (1, 20):
        sums = np.repeat(levels, clips).tolist()
        sessions = np.repeat([*"abcde"], clips).tolist()
        ends = with_interval(Sample("mean", sums, [1.0] * len(sums), sessions=sessions), 0)
        assert ends is not None
        widths.append(ends["high"] - ends["low"])
    assert widths[0] == pytest.approx(widths[1])


def test_one_clip_has_no_interval_and_nothing_has_no_figure() -> None:
    one = with_interval(Sample("mean", [2.0], [1.0]), 0)
    assert one == {"value": 2.0, "low": None, "high": None}
    assert with_interval(Sample("share", [0.0, 0.0], [0.0, 0.0]), 0) is None
    assert interval(np.full(1000, np.nan)) is None


def test_paired_differences_are_narrower_than_the_clips_differ() -> None:
    rng = np.random.default_rng(0)
    clip = rng.normal(0, 10, 30)
    a = Sample("mean", clip.tolist(), [1.0] * 30)
    b = Sample("mean", (clip + 1 + rng.normal(0, 0.1, 30)).tolist(), [1.0] * 30)
    reported = paired_difference(a, b, 0)
    assert reported is not None and 0.9 < reported["low"] < reported["value"] < reported["high"] < 1.1
    assert paired_difference(a, a, 0) == {"value": 0.0, "low": 0.0, "high": 0.0}
    with pytest.raises(ValueError, match="clips"):
        paired_difference(a, Sample("mean", [1.0], [1.0]), 0)
