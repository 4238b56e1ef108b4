"""LPIPS by its formula, with random weights: the authors' weights are not here, so their numbers are not checked."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from manifests.errors import GoaltraceError
from trainer.evaluation.lpips import LPIPS, SCALE, SHIFT, shapes


@pytest.fixture(scope="module")
def weights() -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return {
        name: torch.rand(shape, generator=generator) if name.startswith("lin") else
        torch.randn(shape, generator=generator) * (0.05 if len(shape) > 1 else 0.01)
        for name, shape in shapes().items()
    }  # fmt: skip


def test_it_is_the_distance_of_alexnets_features(weights: dict[str, torch.Tensor], tmp_path: Path) -> None:
    named = {name.replace("lin3.", "lins.3."): value for name, value in weights.items()}  # a second name they go by
    save_file(named, tmp_path / "w.safetensors")
    metric = LPIPS.load(tmp_path / "w.safetensors")
    generator = torch.Generator().manual_seed(1)
    a, b = torch.rand(2, 48, 64, 3, generator=generator), torch.rand(2, 48, 64, 3, generator=generator)
    # the layers as torchvision's AlexNet numbers them; the taps are behind each ReLU
    net = nn.Sequential(
        nn.Conv2d(3, 64, 11, 4, 2), nn.ReLU(), nn.MaxPool2d(3, 2), nn.Conv2d(64, 192, 5, padding=2), nn.ReLU(),
        nn.MaxPool2d(3, 2), nn.Conv2d(192, 384, 3, padding=1), nn.ReLU(), nn.Conv2d(384, 256, 3, padding=1), nn.ReLU(),
        nn.Conv2d(256, 256, 3, padding=1), nn.ReLU(),
    )  # fmt: skip
    net.load_state_dict({k.split(".", 2)[2]: v for k, v in weights.items() if k.startswith("net.")})
    expected = torch.zeros(2)
    x, y = ((side.movedim(-1, 1) * 2 - 1 - torch.tensor(SHIFT).view(3, 1, 1)) / torch.tensor(SCALE).view(3, 1, 1)
            for side in (a, b))  # fmt: skip
    with torch.no_grad():
        tap = 0
        for layer in net:
            x, y = layer(x), layer(y)
            if isinstance(layer, nn.ReLU):
                u, v = nn.functional.normalize(x, dim=1), nn.functional.normalize(y, dim=1)
                lin = weights[f"lin{tap}.model.1.weight"].flatten()
                for k in range(2):
                    at = [(lin * (u[k, :, i, j] - v[k, :, i, j]) ** 2).sum()
                          for i in range(u.shape[2]) for j in range(u.shape[3])]  # fmt: skip
                    expected[k] += torch.stack(at).mean()
                tap += 1
    assert torch.allclose(metric(a, b), expected, rtol=1e-4)
    assert metric(a, a).tolist() == [0, 0]


def test_weights_that_are_not_those_are_one_line(weights: dict[str, torch.Tensor], tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    with pytest.raises(GoaltraceError, match="missing or not safetensors"):
        LPIPS.load(path)
    path.write_bytes(b"not at all")
    with pytest.raises(GoaltraceError, match="missing or not safetensors"):
        LPIPS.load(path)
    save_file({**weights, "lin2.model.1.weight": torch.zeros(3)}, path)
    with pytest.raises(GoaltraceError, match=r"lin2.model.1.weight: \(3,\), must be \(1, 384, 1, 1\)"):
        LPIPS.load(path)


def test_small_pictures_are_refused(weights: dict[str, torch.Tensor]) -> None:
    with pytest.raises(GoaltraceError, match="35 px"):
        LPIPS(weights)(torch.zeros(1, 32, 64, 3), torch.zeros(1, 32, 64, 3))
