"""LPIPS by its formula, with random weights in the files that users have."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from manifests.errors import GoaltraceError
from trainer.evaluation.lpips import AT_ONCE, LPIPS, NETS, SCALE, SHIFT, shapes

Weights = dict[str, torch.Tensor]


def conv(into: int, out: int, kernel: int = 3, stride: int = 1, padding: int = 1) -> list[nn.Module]:
    return [nn.Conv2d(into, out, kernel, stride, padding), nn.ReLU()]


def torchvisions(net: str) -> tuple[nn.Sequential, list[int]]:
    """`features` as torchvision numbers them, and the ReLUs behind which the paper compares."""
    if net == "AlexNet":
        pool = nn.MaxPool2d(3, 2)
        layers = [*conv(3, 64, 11, 4, 2), pool, *conv(64, 192, 5, 1, 2), pool, *conv(192, 384), *conv(384, 256)]
        return nn.Sequential(*layers, *conv(256, 256), pool), [1, 4, 7, 9, 11]
    layers, into = [], 3
    for out, times in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        for _ in range(times):
            layers += conv(into, out)
            into = out
        layers.append(nn.MaxPool2d(2, 2))
    return nn.Sequential(*layers), [3, 8, 15, 22, 29]


@pytest.fixture(scope="module")
def weights() -> dict[str, tuple[Weights, Weights]]:
    """For each network torchvision's half and the package's."""
    generator, made = torch.Generator().manual_seed(0), {}
    for net in NETS:
        theirs = torchvisions(net)[0].state_dict()
        trunk = {f"features.{name}": torch.randn(value.shape, generator=generator) * (0.05 if value.dim() > 1 else 0.01)
                 for name, value in theirs.items()}  # fmt: skip
        trunk["classifier.1.weight"] = torch.zeros(4, 4)  # torchvision's files have the classifier too
        lins = {name: torch.rand(shape, generator=generator) for name, shape in shapes(net).items() if "lin" in name}
        made[net] = (trunk, lins)
    return made


@pytest.mark.parametrize("name", list(NETS))
def test_it_is_the_distance_of_the_networks_features(
    name: str, weights: dict[str, tuple[Weights, Weights]], tmp_path: Path
) -> None:
    (trunk, lins), (net, taps) = weights[name], torchvisions(name)
    torch.save(trunk, tmp_path / "trunk.pth", _use_new_zipfile_serialization=False)  # as their files are
    torch.save(lins, tmp_path / "lin.pth")
    metric = LPIPS.load([tmp_path / "trunk.pth", tmp_path / "lin.pth"])
    assert metric.net == name
    generator = torch.Generator().manual_seed(1)
    a, b = torch.rand(2, 48, 64, 3, generator=generator), torch.rand(2, 48, 64, 3, generator=generator)
    net.load_state_dict({key.split(".", 1)[1]: value for key, value in trunk.items() if key.startswith("features.")})
    expected = torch.zeros(2)
    x, y = ((side.movedim(-1, 1) * 2 - 1 - torch.tensor(SHIFT).view(3, 1, 1)) / torch.tensor(SCALE).view(3, 1, 1)
            for side in (a, b))  # fmt: skip
    with torch.no_grad():
        for number, layer in enumerate(net[:-1]):  # the last pooling is not used
            x, y = layer(x), layer(y)
            if number in taps:
                u, v = nn.functional.normalize(x, dim=1), nn.functional.normalize(y, dim=1)
                lin = lins[f"lin{taps.index(number)}.model.1.weight"].flatten()
                expected += torch.einsum("c,nchw->nhw", lin, (u - v) ** 2).mean(dim=(1, 2))
    assert torch.allclose(metric(a, b), expected, rtol=1e-4)
    assert metric(a, a).tolist() == [0, 0]


def test_the_packages_own_file_of_everything_is_read_too(
    weights: dict[str, tuple[Weights, Weights]], tmp_path: Path
) -> None:
    trunk, lins = weights["AlexNet"]
    slices = {0: 1, 3: 2, 6: 3, 8: 4, 10: 5}
    whole = {f"lins.{name[3:]}" if name.startswith("lin3") else name: value for name, value in lins.items()}
    for name, value in trunk.items():
        if name.startswith("features."):
            _, number, part = name.split(".")
            whole[f"net.slice{slices[int(number)]}.{number}.{part}"] = value
    save_file(whole, tmp_path / "w.safetensors")
    read = LPIPS.load([tmp_path / "w.safetensors"])
    assert all(torch.equal(value, (trunk | lins)[name]) for name, value in read.weights.items())
    a, b = torch.rand(2, AT_ONCE + 3, 40, 40, 3)  # more than are computed at once
    assert torch.allclose(read(a, b), torch.cat([read(x[None], y[None]) for x, y in zip(a, b, strict=True)]))


def test_weights_that_are_not_those_are_one_line(weights: dict[str, tuple[Weights, Weights]], tmp_path: Path) -> None:
    path, (trunk, lins) = tmp_path / "w.safetensors", weights["AlexNet"]
    with pytest.raises(GoaltraceError, match="cannot be read"):
        LPIPS.load([path])
    path.write_bytes(b"not at all")
    with pytest.raises(GoaltraceError, match="neither a PyTorch state dict nor safetensors"):
        LPIPS.load([path])
    save_file(lins, path)
    with pytest.raises(GoaltraceError, match="nothing of torchvision's network"):
        LPIPS.load([path])
    save_file(trunk, path)
    with pytest.raises(GoaltraceError, match="nothing of the linear layers"):
        LPIPS.load([path])
    save_file({**trunk, **lins, "lin2.model.1.weight": torch.zeros(3)}, path)
    with pytest.raises(GoaltraceError, match=r"lin2.model.1.weight: \(3,\), must be \(1, 384, 1, 1\)"):
        LPIPS.load([path])
    save_file({**weights["VGG-16"][0], **lins}, path)  # one network's layers, the other's linear ones
    with pytest.raises(GoaltraceError, match=r"features.0.weight: \(64, 3, 3, 3\), must be \(64, 3, 11, 11\)"):
        LPIPS.load([path])


def test_small_pictures_are_refused(weights: dict[str, tuple[Weights, Weights]]) -> None:
    trunk, lins = weights["AlexNet"]
    with pytest.raises(GoaltraceError, match="35 px"):
        LPIPS("AlexNet", trunk | lins)(torch.zeros(1, 32, 64, 3), torch.zeros(1, 32, 64, 3))
