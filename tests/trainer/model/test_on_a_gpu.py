"""What a GPU will do otherwise than a CPU: its own rules of autocast, and waiting; no GPU is needed to see either."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from types import SimpleNamespace
from typing import Any, cast

import pytest
import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode

from tests.trainer.model.conftest import counted, inputs, lively, variant
from trainer.machine.parallel import ALONE
from trainer.model import attention
from trainer.model.attention import FrameMask, Visible
from trainer.model.dit import Condition, Norm
from trainer.objective.flow import flow_loss
from trainer.settings.config import Config
from trainer.training.optimise import new_state

WAITS = {"nonzero", "_local_scalar_dense", "masked_select", "lift_fresh"}
"""Operations whose result a CPU must see before it can go on, and constants that are copied to the device."""


@pytest.fixture
def as_on_a_gpu() -> Iterator[None]:
    """Autocast as on CUDA, whose list of operations is not the CPU's, on tensors that have a device but no values."""
    torch.set_autocast_enabled("cuda", True)
    torch.set_autocast_dtype("cuda", torch.bfloat16)
    try:
        with FakeTensorMode(), torch.no_grad():
            yield
    finally:
        torch.set_autocast_enabled("cuda", False)


@pytest.mark.usefixtures("as_on_a_gpu")
def test_queries_and_keys_stay_bf16_like_values() -> None:
    """FlexAttention takes no fp32 query beside a bf16 value, and a cache of fp32 keys would be twice as large."""
    norm = Norm(64, eps=1e-6)
    norm.weight = nn.Parameter(torch.empty(64, device="cuda"))
    assert norm(torch.empty(2, 8, 64, device="cuda", dtype=torch.bfloat16)).dtype == torch.bfloat16


@pytest.mark.parametrize(
    ("tokens", "mask", "allowed"), [(6912, None, True), (6, None, False), (6912, torch.ones(1), False)]
)
def test_cudnn_is_left_to_pytorch_for_long_sequences_and_kept_from_short_ones_and_masks(
    tokens: int, mask: torch.Tensor | None, allowed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[bool] = []

    def attend(*given: object) -> None:
        found.append(torch.backends.cuda.cudnn_sdp_enabled())

    monkeypatch.setattr(attention.F, "scaled_dot_product_attention", attend)
    query, key = (SimpleNamespace(is_cuda=True, shape=(1, 2, count, 64)) for count in (6912, tokens))
    attention._dense(cast(torch.Tensor, query), cast(torch.Tensor, key), cast(torch.Tensor, key), mask)
    assert found == [allowed]


def test_the_modulation_is_exact() -> None:
    condition, t = Condition(48, 0), torch.rand(2, 3)
    with torch.autocast("cpu", torch.bfloat16):
        low = condition(t)
    assert all(torch.equal(one, other) for one, other in zip(low, condition(t), strict=True))


class Waits(TorchDispatchMode):
    """Collects them."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def __torch_dispatch__(self, operation: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = operation.name().removeprefix("aten::").split(".")[0]
        self.found += [name] * (name in WAITS)
        return operation(*args, **(kwargs or {}))


def test_a_pass_does_not_wait_for_the_gpu(config: Config) -> None:
    """But once for the number of keys pressed, where there is a key head; what is made once is made before."""
    model, (latents, _, conditions) = lively(config), inputs(config)
    for _ in range(2):
        with Waits() as waits:
            torch.autograd.backward(flow_loss(model, latents, conditions, config, 0, [0, 1]).total)
    assert waits.found == []


def in_blocks(rule: FrameMask, device: torch.device, dense: bool = False) -> Visible:
    """As `visible` on CUDA."""
    alone = in_blocks(replace(rule, late=0), device) if rule.late else None
    return Visible(rule, attention._block_mask(rule, device), alone)


@pytest.mark.parametrize(("inject", "window"), [("internal", 0), ("contextual", 2)])
def test_training_through_flex_attention_is_compiled_once_and_follows_the_same_gradient(
    inject: str, window: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All but the kernel itself, which PyTorch computes by its definition here: it refuses gradients on a CPU."""
    made: list[torch.fx.GraphModule] = []

    def gradient() -> tuple[torch.Tensor, torch.Tensor]:
        loss = flow_loss(model, latents, conditions, config, 0, [0, 1]).total
        return loss.detach(), torch.cat(
            [part.flatten() for part in torch.autograd.grad(loss, list(model.parameters()))]
        )

    config = variant(
        model={"layers": 10, "window": window}, actions={"inject": inject}, train={"compile": True, "recompute": True}
    )
    model, (latents, _, conditions) = lively(config), inputs(config)
    loss, want = gradient()
    torch._dynamo.reset()
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend=counted(made, "aot_eager")))
    monkeypatch.setattr("torch.nn.attention.flex_attention._validate_device", lambda *given: None, raising=False)
    monkeypatch.setattr("trainer.model.dit.visible", in_blocks)
    new_state(model, config.train, ALONE, torch.device("cpu"))
    for _ in range(2):  # with masks made anew
        found, got = gradient()
        assert torch.allclose(found, loss, rtol=1e-5)
        assert (got - want).norm() < 1e-4 * want.norm()
        assert len(made) == 1


@pytest.mark.needs("g++")
@pytest.mark.parametrize(
    "rule", [FrameMask(3, 3, 191), FrameMask(3, 5, 40, late=6, window=4, lag=1)], ids=["odd length", "after a past"]
)
def test_compiled_flex_attention_sees_what_a_dense_mask_shows(rule: FrameMask) -> None:
    generator = torch.Generator().manual_seed(0)
    query = 3 * torch.randn(2, rule.queries, 2, 32, generator=generator)
    key, value = (torch.randn(2, rule.keys, 2, 32, generator=generator) for _ in range(2))
    device = torch.device("cpu")
    compiled = attention.attention(query, key, value, in_blocks(rule, device))
    assert torch.allclose(compiled, attention.attention(query, key, value, attention.visible(rule, device)), atol=1e-5)
