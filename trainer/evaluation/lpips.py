"""LPIPS from weights that the user has: Zhang et al., "The Unreasonable Effectiveness of Deep Features as a Perceptual
Metric", arXiv 1801.03924, version 0.1, with AlexNet or VGG-16.

The layers go by torchvision's names (`features.0.weight`), the linear ones by those of the authors' package
(`lin0.model.1.weight`); a file of the package's whole network is read as well.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from manifests.errors import GoaltraceError
from trainer.evaluation.weights import fitting, read_weights


@dataclass(frozen=True)
class Layer:
    """A convolution and its ReLU."""

    number: int
    """Among torchvision's `features`."""
    out: int
    into: int
    kernel: int = 3
    stride: int = 1
    padding: int = 1
    pool: int = 0
    """Side of the maximum taken before it, every 2 px; 0: none."""
    tapped: bool = True
    """Its output is compared."""


NETS = {
    "AlexNet": (
        Layer(0, 64, 3, kernel=11, stride=4, padding=2),
        Layer(3, 192, 64, kernel=5, padding=2, pool=3),
        Layer(6, 384, 192, pool=3),
        Layer(8, 256, 384),
        Layer(10, 256, 256),
    ),
    "VGG-16": (
        Layer(0, 64, 3, tapped=False),
        Layer(2, 64, 64),
        Layer(5, 128, 64, pool=2, tapped=False),
        Layer(7, 128, 128),
        Layer(10, 256, 128, pool=2, tapped=False),
        Layer(12, 256, 256, tapped=False),
        Layer(14, 256, 256),
        Layer(17, 512, 256, pool=2, tapped=False),
        Layer(19, 512, 512, tapped=False),
        Layer(21, 512, 512),
        Layer(24, 512, 512, pool=2, tapped=False),
        Layer(26, 512, 512, tapped=False),
        Layer(28, 512, 512),
    ),
}
SHIFT, SCALE = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)
AT_ONCE = 8  # frames; their features are large
LEAST_SIDE = 35  # px; below it AlexNet's last pooling has nothing left
OTHER_NAMES = ((re.compile(r"^net\.slice\d\."), "features."), (re.compile(r"^lins\.(\d)\."), r"lin\1."))


@dataclass(frozen=True)
class LPIPS:
    """The distance."""

    net: str
    weights: dict[str, Tensor]

    @classmethod
    def load(cls, paths: Sequence[Path], device: torch.device | str = "cpu") -> LPIPS:
        """From one file with everything, or two; `GoaltraceError` when they cannot be read or lack a weight."""
        found = {}
        for path in paths:
            for name, value in read_weights(path, "--lpips").items():
                for other, ours in OTHER_NAMES:
                    name = other.sub(ours, name)
                found[name] = value
        files = ", ".join(map(str, paths))
        for start, what in (("features.", "torchvision's network"), ("lin", "the linear layers of the lpips package")):
            if not any(name.startswith(start) for name in found):
                raise GoaltraceError(
                    f"--lpips {files}: nothing of {what} in it; give that file as well, see docs/evaluation.md"
                )
        second = found.get("lin1.model.1.weight", torch.zeros(1, 0)).shape[1:2]
        net = next((name for name in NETS if shapes(name)["lin1.model.1.weight"][1:2] == second), "AlexNet")
        weights = fitting(found, shapes(net), "--lpips", paths)
        return cls(net, {name: value.to(device) for name, value in weights.items()})

    @torch.no_grad()
    def __call__(self, pictures: Tensor, truth: Tensor) -> Tensor:
        """float [n, height, width, 3] in 0..1, twice -> distance of each frame, [n] on the CPU; 0 for equal ones."""
        if min(pictures.shape[1:3]) < LEAST_SIDE:
            raise GoaltraceError(f"--lpips: pictures must be at least {LEAST_SIDE} px a side")
        few = zip(*(torch.split(side, AT_ONCE) for side in (pictures, truth)), strict=True)
        return torch.cat([self._apart(a, b) for a, b in few])

    def _apart(self, pictures: Tensor, truth: Tensor) -> Tensor:
        total = torch.zeros(len(pictures))
        sides = zip(self._features(pictures), self._features(truth), strict=True)
        for number, (a, b) in enumerate(sides):
            apart = (_unit(a) - _unit(b)).pow(2) * self.weights[f"lin{number}.model.1.weight"]
            total += apart.sum(dim=1).mean(dim=(1, 2)).cpu()
        return total

    def _features(self, frames: Tensor) -> list[Tensor]:
        x = ((frames * 2 - 1 - torch.tensor(SHIFT)) / torch.tensor(SCALE)).movedim(-1, 1)
        x = x.to(self.weights["features.0.weight"].device)
        out = []
        for layer in NETS[self.net]:
            weight, bias = (self.weights[f"features.{layer.number}.{part}"] for part in ("weight", "bias"))
            x = F.max_pool2d(x, layer.pool, 2) if layer.pool else x
            x = F.relu(F.conv2d(x, weight, bias, layer.stride, layer.padding))
            out += [x] if layer.tapped else []
        return out


def shapes(net: str) -> dict[str, tuple[int, ...]]:
    """The weights that a network needs."""
    needed: dict[str, tuple[int, ...]] = {}
    for layer in NETS[net]:
        name, side = f"features.{layer.number}", layer.kernel
        needed |= {f"{name}.weight": (layer.out, layer.into, side, side), f"{name}.bias": (layer.out,)}
    for number, layer in enumerate(layer for layer in NETS[net] if layer.tapped):
        needed[f"lin{number}.model.1.weight"] = (1, layer.out, 1, 1)
    return needed


def _unit(features: Tensor) -> Tensor:
    """Each place's channels as a vector of length 1."""
    return features / (features.pow(2).sum(dim=1, keepdim=True).sqrt() + 1e-10)
