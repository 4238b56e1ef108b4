"""I3D is the published network by name, shape and padding, and reads nothing but its weights."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file

from manifests.errors import GoaltraceError
from trainer.evaluation.i3d import I3D, LEAST_FRAMES, same

GOOGLENET = """
    3b  64  96 128 16  32  32
    3c 128 128 192 32  96  64
    4b 192  96 208 16  48  64
    4c 160 112 224 24  64  64
    4d 128 128 256 24  64  64
    4e 112 144 288 32  64  64
    4f 256 160 320 32 128 128
    5b 256 160 320 32 128 128
    5c 384 192 384 48 128 128
"""
"""Table 1 of "Going deeper with convolutions": 1x1; 3x3 reduced, 3x3; 5x5 reduced, 5x5 (3x3 in I3D); pooled."""


def published() -> dict[str, tuple[int, ...]]:
    """Names and shapes of a state dict of pytorch-i3d."""
    units = [("Conv3d_1a_7x7", 3, 64, 7), ("Conv3d_2b_1x1", 64, 64, 1), ("Conv3d_2c_3x3", 64, 192, 3)]
    into = 192
    for line in GOOGLENET.split("\n")[1:-1]:
        name, *numbers = line.split()
        a, b, c, d, e, f = map(int, numbers)
        branches = [("b0", into, a, 1), ("b1a", into, b, 1), ("b1b", b, c, 3), ("b2a", into, d, 1), ("b2b", d, e, 3),
                    ("b3b", into, f, 1)]  # fmt: skip
        units += [(f"Mixed_{name}.{branch}", *rest) for branch, *rest in branches]
        into = a + c + e + f
    assert into == 1024
    shapes: dict[str, tuple[int, ...]] = {}
    for name, i, o, k in units:
        shapes[f"{name}.conv3d.weight"] = (o, i, k, k, k)
        shapes |= {f"{name}.bn.{part}": (o,) for part in ("weight", "bias", "running_mean", "running_var")}
        shapes[f"{name}.bn.num_batches_tracked"] = ()
    return shapes | {"logits.conv3d.weight": (400, 1024, 1, 1, 1), "logits.conv3d.bias": (400,)}


@pytest.fixture(scope="module")
def net() -> I3D:
    torch.manual_seed(0)
    net = I3D()
    for name, value in net.state_dict().items():
        if value.dim() == 5:
            value.normal_(0, (2 / value[0].numel()) ** 0.5)
        elif name.endswith("running_mean"):
            value.normal_(0, 0.3)
    return net


def test_parameters_are_those_of_the_published_network(net: I3D) -> None:
    assert {name: tuple(value.shape) for name, value in net.state_dict().items()} == published()
    assert all(module.eps == 1e-3 for module in net.modules() if isinstance(module, torch.nn.BatchNorm3d))


@given(st.integers(1, 30), st.integers(1, 7), st.integers(1, 3))
def test_padding_is_that_of_tensorflow(size: int, kernel: int, stride: int) -> None:
    padded = same(torch.ones(1, 1, size, 4, 4), (kernel, 1, 1), (stride, 1, 1))[0, 0, :, 0, 0]
    before, after = padded.tolist().index(1), padded.flip(0).tolist().index(1)
    assert padded.sum() == size and before <= after <= before + 1  # the odd one at the end
    places = (len(padded) - kernel) // stride + 1
    assert places == -(-size // stride)
    assert before + after == 0 or (places - 1) * stride + kernel == len(padded)  # no more than needed


def test_even_and_odd_sizes_are_padded_by_axis() -> None:
    assert same(torch.ones(1, 1, 9, 224, 225), (7, 7, 7), (2, 2, 2)).shape[2:] == (9 + 6, 224 + 5, 225 + 6)
    top = same(torch.ones(1, 1, 4, 4, 4), (1, 3, 3), (1, 2, 2))[0, 0, 0]
    assert top[0].sum() == 4 and top[-1].sum() == 0 and top[:, -1].sum() == 0


def test_pictures_are_stretched_to_224_and_go_from_minus_one_to_one(net: I3D) -> None:
    grey = torch.full((1, LEAST_FRAMES, 48, 64, 3), 0.25)
    grey[..., 2] = 1.0
    expected = torch.tensor([-0.5, -0.5, 1.0]).view(1, 3, 1, 1, 1).expand(1, 3, LEAST_FRAMES, 224, 224)
    logits = net(expected)
    assert logits.shape == (1, 400, 1, 1, 1)  # nine frames leave one step of time
    found = net.features(grey)
    assert found.shape == (1, 400) and torch.allclose(
        found, logits.flatten(1), rtol=1e-4, atol=1e-4
    )  # logits are about 1


def test_state_dicts_of_any_age_load(net: I3D, tmp_path: Path) -> None:
    state = net.state_dict()
    old = {name: value for name, value in state.items() if not name.endswith("num_batches_tracked")}
    torch.save(old, tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    save_file(state, tmp_path / "new.safetensors")
    for name in ("old.pt", "new.safetensors"):
        loaded = I3D.load(tmp_path / name)
        assert all(torch.equal(loaded.state_dict()[key], value) for key, value in old.items())
        assert loaded.digest() == net.digest() and not loaded.training
    assert I3D().digest() != net.digest()


class Code(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + 1


@pytest.mark.filterwarnings("ignore::DeprecationWarning:torch.jit")
def test_anything_else_is_one_line(net: I3D, tmp_path: Path) -> None:
    path, state = tmp_path / "w.pt", net.state_dict()

    def refused(what: str) -> None:
        with pytest.raises(GoaltraceError, match=what) as caught:
            I3D.load(path)
        assert str(path) in str(caught.value) and "\n" not in str(caught.value)

    refused("cannot be read")
    path.write_bytes(b"not at all")
    refused("neither a PyTorch state dict nor safetensors")
    path.write_bytes(pickle.dumps(Path("x")))
    refused("neither a PyTorch state dict nor safetensors")
    torch.jit.save(torch.jit.trace(Code(), torch.ones(1)), str(path))
    refused("TorchScript file")
    torch.save([1, 2], path)
    refused("not a state dict")
    torch.save({**state, "logits.conv3d.bias": torch.zeros(600)}, path)
    refused(r"logits.conv3d.bias: \(600,\), must be \(400,\)")
    torch.save({**state, "fc.weight": torch.zeros(1)}, path)
    refused("fc.weight: is no part of I3D")
    torch.save({name: value for name, value in state.items() if not name.startswith("Mixed_5c.b3b")}, path)
    refused("Mixed_5c.b3b.conv3d.weight: not there")
    torch.save(state, path)
    path.write_bytes(path.read_bytes()[:100_000])
    refused("cut short")
