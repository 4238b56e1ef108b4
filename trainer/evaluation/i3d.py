"""I3D, the network that FVD looks through: Inception v1 inflated to three dimensions, trained on Kinetics-400.

Carreira and Zisserman, "Quo Vadis, Action Recognition?", arXiv 1705.07750. Parameters have the names of the state dicts
that go round for PyTorch (`rgb_imagenet.pt`, `i3d_pretrained_400.pt`), so that these load strictly.
"""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from manifests.errors import GoaltraceError
from trainer.evaluation.weights import digest, fitting, read_weights

SIDE = 224  # px
CLASSES = 400
LEAST_FRAMES = 9  # fewer leave one step of time where the last pooling needs two
Triple = tuple[int, int, int]

BLOCKS = {
    # channels in, and out of: 1x1 | 1x1, 3x3 | 1x1, 3x3 | pooled, 1x1
    "Mixed_3b": (192, (64, 96, 128, 16, 32, 32)),
    "Mixed_3c": (256, (128, 128, 192, 32, 96, 64)),
    "Mixed_4b": (480, (192, 96, 208, 16, 48, 64)),
    "Mixed_4c": (512, (160, 112, 224, 24, 64, 64)),
    "Mixed_4d": (512, (128, 128, 256, 24, 64, 64)),
    "Mixed_4e": (512, (112, 144, 288, 32, 64, 64)),
    "Mixed_4f": (528, (256, 160, 320, 32, 128, 128)),
    "Mixed_5b": (832, (256, 160, 320, 32, 128, 128)),
    "Mixed_5c": (832, (384, 192, 384, 48, 128, 128)),
}


def same(x: Tensor, kernel: Triple, stride: Triple) -> Tensor:
    """Zeros around [..., T, H, W] as TensorFlow's SAME has them: ceil(size / stride) places; the odd one at the end."""
    around: list[int] = []
    for size, wide, step in zip(reversed(x.shape[-3:]), reversed(kernel), reversed(stride), strict=True):
        lacking = max((-(-size // step) - 1) * step + wide - size, 0)
        around += [lacking // 2, lacking - lacking // 2]
    return F.pad(x, around)


class Unit(nn.Module):
    """Convolution, batch norm, ReLU; only a convolution with a bias where `plain`."""

    def __init__(self, into: int, out: int, width: int = 1, stride: int = 1, plain: bool = False) -> None:
        super().__init__()
        self.kernel, self.stride = (width,) * 3, (stride,) * 3
        self.conv3d = nn.Conv3d(into, out, self.kernel, self.stride, bias=plain)
        self.bn = None if plain else nn.BatchNorm3d(out, eps=1e-3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv3d(same(x, self.kernel, self.stride))
        return x if self.bn is None else F.relu(self.bn(x))


class SamePool(nn.Module):
    """Maximum; zeros around are as good as nothing, for what is pooled has been through a ReLU."""

    def __init__(self, kernel: Triple, stride: Triple) -> None:
        super().__init__()
        self.kernel, self.stride = kernel, stride

    def forward(self, x: Tensor) -> Tensor:
        return F.max_pool3d(same(x, self.kernel, self.stride), self.kernel, self.stride)


class Mixed(nn.Module):
    """Four branches side by side."""

    def __init__(self, into: int, out: tuple[int, int, int, int, int, int]) -> None:
        super().__init__()
        self.b0 = Unit(into, out[0])
        self.b1a, self.b1b = Unit(into, out[1]), Unit(out[1], out[2], 3)
        self.b2a, self.b2b = Unit(into, out[3]), Unit(out[3], out[4], 3)
        self.b3a, self.b3b = SamePool((3, 3, 3), (1, 1, 1)), Unit(into, out[5])

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.b0(x), self.b1b(self.b1a(x)), self.b2b(self.b2a(x)), self.b3b(self.b3a(x))], dim=1)


class I3D(nn.Sequential):
    """[n, 3, T, 224, 224] in -1..1 -> [n, 400, steps of time, 1, 1], the logits."""

    def __init__(self) -> None:
        mixed = {name: Mixed(into, out) for name, (into, out) in BLOCKS.items()}
        layers: list[tuple[str, nn.Module]] = [
            ("Conv3d_1a_7x7", Unit(3, 64, 7, 2)),
            ("MaxPool3d_2a_3x3", SamePool((1, 3, 3), (1, 2, 2))),
            ("Conv3d_2b_1x1", Unit(64, 64)),
            ("Conv3d_2c_3x3", Unit(64, 192, 3)),
            ("MaxPool3d_3a_3x3", SamePool((1, 3, 3), (1, 2, 2))),
            *((name, block) for name, block in mixed.items() if name.startswith("Mixed_3")),
            ("MaxPool3d_4a_3x3", SamePool((3, 3, 3), (2, 2, 2))),
            *((name, block) for name, block in mixed.items() if name.startswith("Mixed_4")),
            ("MaxPool3d_5a_2x2", SamePool((2, 2, 2), (2, 2, 2))),
            *((name, block) for name, block in mixed.items() if name.startswith("Mixed_5")),
            ("avg_pool", nn.AvgPool3d((2, 7, 7), stride=1)),
            ("logits", Unit(1024, CLASSES, plain=True)),
        ]
        super().__init__(OrderedDict(layers))
        self.eval().requires_grad_(False)

    @classmethod
    def load(cls, path: Path, device: torch.device | str = "cpu") -> I3D:
        """From a state dict of these very names; `GoaltraceError` when the file is not one."""
        found = {name: value for name, value in read_weights(path, "--fvd").items() if not _counter(name)}
        with torch.device("meta"):
            net = cls()
        shapes = {name: value.shape for name, value in net.state_dict().items() if not _counter(name)}
        weights = fitting(found, shapes, "--fvd", [path])
        for name in found.keys() - weights.keys():
            raise GoaltraceError(f"--fvd {path}: {name}: is no part of I3D; see docs/evaluation.md")
        net = net.to_empty(device=device)
        net.load_state_dict(weights, strict=False)
        return net

    def digest(self) -> str:
        """Tells its weights apart."""
        return digest({name: value for name, value in self.state_dict().items() if not _counter(name)})

    @torch.no_grad()
    def features(self, windows: Tensor) -> Tensor:
        """float [n, T, height, width, 3] in 0..1 -> [n, 400] on the CPU: the logits, averaged over time.

        Pictures are stretched to 224x224 px, bilinear without anti-aliasing, as in the published code of FVD.
        """
        n, frames = windows.shape[:2]
        x = windows.to(next(self.parameters()).device).movedim(-1, 2).flatten(0, 1)
        x = F.interpolate(x, (SIDE, SIDE), mode="bilinear", align_corners=False)
        logits: Tensor = self((2 * x - 1).view(n, frames, 3, SIDE, SIDE).movedim(2, 1))
        return logits.mean(dim=(2, 3, 4)).cpu()


def _counter(name: str) -> bool:
    """Batch norm counts its training batches; older files lack the count, and nothing here reads it."""
    return name.endswith("num_batches_tracked")
