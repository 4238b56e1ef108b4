"""In bf16: what stays exact, and what a GPU's own rules of autocast make of it; no GPU is needed to see either."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode

from trainer.model.dit import Condition, Norm


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


def test_the_modulation_is_exact() -> None:
    condition, t = Condition(48, 0), torch.rand(2, 3)
    with torch.autocast("cpu", torch.bfloat16):
        low = condition(t)
    assert all(torch.equal(one, other) for one, other in zip(low, condition(t), strict=True))
