"""Settings: whatever is asked for is either carried out or refused in one line, before anything is made."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from manifests.errors import GoaltraceError
from trainer.planning.plan import count_parameters
from trainer.settings import from_dict, override, to_dict, with_whole_paths
from trainer.settings.config import Config
from trainer.settings.overrides import range_of
from trainer.settings.presets import PRESETS, preset

NUMBERS = {
    f"{group.name}.{item.name}"
    for group in dataclasses.fields(Config)
    for item in dataclasses.fields(getattr(Config(), group.name))
    if type(getattr(getattr(Config(), group.name), item.name)) in (int, float)
}


def _field(name: str) -> tuple[object, str]:
    group, _, key = name.partition(".")
    return getattr(Config(), group), key


def test_every_number_has_a_range_that_its_presets_keep() -> None:
    free = {name for name in NUMBERS if math.inf in map(abs, range_of(*_field(name)))}
    assert free == {"codec.channels"}  # its range is a matter of the codec
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


def test_a_run_of_before_a_setting_has_its_default_and_keeps_its_own_values() -> None:
    document = to_dict(replace(preset("tiny"), train=replace(preset("tiny").train, lr=0.25)))
    del document["train"]["objective"]
    document["train"]["save_seconds"] = 300  # a whole number where a number is asked for, as older runs have it
    config = from_dict(document, "run/config.json")
    assert (config.train.objective, config.train.lr, config.train.save_seconds) == ("flow", 0.25, 300)


@pytest.mark.parametrize(
    ("setting", "line"),
    [
        ("codec.name=jpeg", "--set codec.name=jpeg: must be one of pixel, pca, wan"),
        ("actions.inject=x", "--set actions.inject=x: must be one of internal, residual, contextual, external, none"),
        ("train.objective=", "--set train.objective: must be one of flow"),
        ("actions.cursor=x", "--set actions.cursor=x: must be one of none, coords, map, reference"),
        ("actions.width=12", "--set actions.width=12: must be a multiple of 8"),
        ("train.lr=nan", "--set train.lr=nan: must be between 1e-12 and 1,000,000,000,000.0"),
        ("train.ema=1.5", "--set train.ema=1.5: must be between 0 and 1"),
        ("train.ema=x", "--set train.ema: 'x' is not a number"),
        ("codec.channels=200", "--set codec.channels=200: must be 1 to 192 for pca"),
        (
            "model.predicts=velocity",
            "--set actions.head_width=12: must be 0 unless codec.name=pca, actions.cursor=map or reference, and "
            "model.predicts=change",
        ),
    ],
)
def test_what_is_refused_names_the_setting_and_what_it_must_be(setting: str, line: str) -> None:
    with pytest.raises(GoaltraceError) as caught:
        override(preset("tiny"), [setting])
    assert str(caught.value) == line


def test_a_file_with_a_value_of_another_type_is_refused() -> None:
    document = to_dict(preset("tiny"))
    document["model"]["layers"] = "4"
    with pytest.raises(GoaltraceError, match=r"^run: config.model.layers: '4' is not a whole number$"):
        from_dict(document, "run")
    document["model"]["layers"], document["model"]["depth"] = 4, 1
    with pytest.raises(GoaltraceError, match=r"config.model.depth: unknown"):
        from_dict(document, "run")
