"""Settings: whatever is asked for is either carried out or refused in one line, before anything is made."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from manifests.errors import GoaltraceError
from trainer.config import Config
from trainer.plan import count_parameters
from trainer.presets import PRESETS, preset
from trainer.settings import RANGES, from_dict, override, to_dict, with_whole_paths

NUMBERS = {
    f"{group.name}.{item.name}"
    for group in dataclasses.fields(Config)
    for item in dataclasses.fields(getattr(Config(), group.name))
    if type(getattr(getattr(Config(), group.name), item.name)) in (int, float)
}


def test_every_number_has_a_range_that_its_presets_keep() -> None:
    assert NUMBERS - set(RANGES) == {"codec.channels"}  # its range is a matter of the codec
    for name in PRESETS:
        given = ["codec.weights=vae", "data.texts=file"] if name == "wan-1.3b" else []
        assert override(preset(name), given)


@pytest.mark.parametrize("value", ["-1", "nan", "inf", "1e30", "9" * 20, "x", ""])
def test_a_number_that_no_machine_could_carry_is_one_line(value: str) -> None:
    for name in sorted(NUMBERS):
        with pytest.raises(GoaltraceError, match=f"--set {name}") as caught:
            override(preset("tiny"), [f"{name}={value}"])
        assert "\n" not in str(caught.value)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(sorted(NUMBERS)), st.integers(0, 20)), max_size=3))
def test_what_is_not_refused_can_be_made(changes: list[tuple[str, int]]) -> None:
    try:
        config = override(preset("tiny"), [f"{name}={value}" for name, value in changes])
    except GoaltraceError:
        return
    assert sum(count_parameters(config).values()) > 0


def test_heads_that_a_gpu_has_no_kernel_for_are_refused() -> None:
    with pytest.raises(GoaltraceError, match=r"model\.dim=28: must be at least 16 a head"):
        override(preset("tiny"), ["model.dim=28"])


def test_a_wrong_setting_in_a_file_names_the_file() -> None:
    document = to_dict(preset("tiny"))
    document["model"]["layers"] = 10**12
    with pytest.raises(GoaltraceError, match=r"^run/config.json: config.model.layers=1000000000000: must be between"):
        from_dict(document, "run/config.json")
    document["model"]["layers"], document["train"]["lr"] = 4, math.nan
    with pytest.raises(GoaltraceError, match=r"config.train.lr=nan"):
        from_dict(document, "run/config.json")


def test_paths_are_kept_from_the_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    config = with_whole_paths(override(preset("tiny"), ["data.texts=goals", "model.init=weights"]))
    assert config.data.texts == str(tmp_path / "goals") and config.model.init == str(tmp_path / "weights")
    assert config.data.latents == ""
