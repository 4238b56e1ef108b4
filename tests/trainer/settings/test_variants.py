"""A variant is one file and one line: settings, model, cost and codec take a new one as it is."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
import torch

from manifests.errors import GoaltraceError
from tests.trainer.model.conftest import BASE, inputs, lively
from tests.trainer.model.conftest import variant as changed
from tests.trainer.settings.added import AddedInjection, HalfCodec
from trainer.codec import codec_from_state, make_codec
from trainer.objective import objective
from trainer.planning.cost import forward_flops, shapes, training_flops
from trainer.planning.memory import activations
from trainer.settings import override
from trainer.settings.config import CodecConfig, Config
from trainer.settings.presets import preset
from trainer.settings.variants import CODECS, INJECTIONS, OBJECTIVES, Check, variant

HERE = AddedInjection.__module__


@pytest.mark.parametrize("table", [CODECS, INJECTIONS, OBJECTIVES], ids=["codecs", "injections", "objectives"])
def test_every_registered_name_stands_for_a_class_that_states_its_checks(table: Mapping[str, str]) -> None:
    for name in table:
        assert all(isinstance(check, Check) for check in variant(table, name).checks(Config()))


def test_a_new_injection_is_checked_made_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(INJECTIONS, "added", f"{HERE}:AddedInjection")
    with pytest.raises(GoaltraceError, match=r"--set actions.lag=5: must be below 5 for added"):
        override(preset("tiny"), ["actions.inject=added", "actions.lag=5"])
    config = changed(actions={"inject": "added"})
    latents, t, conditions = inputs(config)
    model = lively(config)
    with torch.no_grad():
        assert not torch.equal(model(latents, t, conditions), model(latents, t))
    monkeypatch.setitem(INJECTIONS, "bare", "trainer.model.inject.base:Injection")
    bare = changed(actions={"inject": "bare"})
    assert operations(config) == operations(bare) + 1_000_000
    assert kept(config) == kept(bare) + shapes(config)[0].windows * config.model.layers * 4 * 4096


def operations(config: Config) -> float:
    return sum(forward_flops(config, config.data.width, config.data.height).values())


def kept(config: Config) -> int:
    return activations(config, shapes(config)[0], low=False)[0]


def test_a_new_codec_is_checked_made_and_restored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CODECS, "half", f"{HERE}:HalfCodec")
    with pytest.raises(GoaltraceError, match=r"--set codec.patch=8: must be 2 for half"):
        override(preset("tiny"), ["codec.name=half"])
    config = CodecConfig(name="half", patch=2, channels=12)
    codec = make_codec(config)
    assert isinstance(codec, HalfCodec) and codec_from_state(config, codec.state()) == codec and config.time == 1


def test_a_new_objective_is_trained_for_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(OBJECTIVES, "halved", f"{HERE}:HalvedObjective")
    config = changed(train={"objective": "halved"})
    model, (latents, _, conditions) = lively(config), inputs(config)
    loss, half = (objective(one).loss(model, latents, conditions, one, 0, [0, 1]).total for one in (BASE, config))
    assert torch.equal(half, loss / 2)
    assert training_flops(config) == 2 * training_flops(BASE)
