"""LPIPS from weights that the user has: Zhang et al., "The Unreasonable Effectiveness of Deep Features as a Perceptual
Metric", arXiv 1801.03924, version 0.1 with AlexNet.

The weights are one safetensors file (never unpickled) with the names of the authors' package:

    import lpips, safetensors.torch
    safetensors.torch.save_model(lpips.LPIPS(net="alex"), "lpips-alex.safetensors")
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from manifests.errors import GoaltraceError

LAYERS = (
    # name in the file, channels out and in, kernel, stride, padding, pooled before
    ("net.slice1.0", 64, 3, 11, 4, 2, False),
    ("net.slice2.3", 192, 64, 5, 1, 2, True),
    ("net.slice3.6", 384, 192, 3, 1, 1, True),
    ("net.slice4.8", 256, 384, 3, 1, 1, False),
    ("net.slice5.10", 256, 256, 3, 1, 1, False),
)
SHIFT, SCALE = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)
_SHARED = re.compile(r"^lins\.(\d)\.")  # the package holds these weights under two names
LEAST_SIDE = 35  # px; below it the last pooling has nothing left


@dataclass(frozen=True)
class LPIPS:
    """The distance; weights by their names in the file."""

    weights: dict[str, Tensor]

    @classmethod
    def load(cls, path: Path) -> LPIPS:
        """`GoaltraceError` when the file is missing, not safetensors, or lacks a weight."""
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            found = {_SHARED.sub(r"lin\1.", name): value for name, value in load_file(path).items()}
        except (SafetensorError, OSError) as error:
            raise GoaltraceError(f"--lpips {path}: missing or not safetensors ({str(error)[:80]})") from None
        weights = {}
        for name, shape in shapes().items():
            if name not in found or tuple(found[name].shape) != shape:
                have = tuple(found[name].shape) if name in found else "not there"
                raise GoaltraceError(f"--lpips {path}: {name}: {have}, must be {shape}; see docs/evaluation.md")
            weights[name] = found[name].float()
        return cls(weights)

    @torch.no_grad()
    def __call__(self, pictures: Tensor, truth: Tensor) -> Tensor:
        """float [n, height, width, 3] in 0..1, twice -> distance of each frame, [n]; 0 for equal ones."""
        if min(pictures.shape[1:3]) < LEAST_SIDE:
            raise GoaltraceError(f"--lpips: pictures must be at least {LEAST_SIDE} px a side")
        total = torch.zeros(len(pictures))
        sides = zip(self._features(pictures), self._features(truth), strict=True)
        for number, (a, b) in enumerate(sides):
            apart = (_unit(a) - _unit(b)).pow(2) * self.weights[f"lin{number}.model.1.weight"]
            total += apart.sum(dim=1).mean(dim=(1, 2))
        return total

    def _features(self, frames: Tensor) -> list[Tensor]:
        x = (frames * 2 - 1 - torch.tensor(SHIFT)) / torch.tensor(SCALE)
        x = x.movedim(-1, 1)
        out = []
        for name, _, _, _, stride, padding, pooled in LAYERS:
            x = F.max_pool2d(x, 3, 2) if pooled else x
            x = F.relu(F.conv2d(x, self.weights[f"{name}.weight"], self.weights[f"{name}.bias"], stride, padding))
            out.append(x)
        return out


def shapes() -> dict[str, tuple[int, ...]]:
    """The weights that are needed."""
    needed: dict[str, tuple[int, ...]] = {}
    for number, (name, out, into, kernel, *_) in enumerate(LAYERS):
        needed |= {f"{name}.weight": (out, into, kernel, kernel), f"{name}.bias": (out,)}
        needed[f"lin{number}.model.1.weight"] = (1, out, 1, 1)
    return needed


def _unit(features: Tensor) -> Tensor:
    """Each place's channels as a vector of length 1."""
    return features / (features.pow(2).sum(dim=1, keepdim=True).sqrt() + 1e-10)
