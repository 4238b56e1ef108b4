"""Weights of published networks from files that the user has: safetensors or PyTorch state dicts, never unpickled."""

from __future__ import annotations

import hashlib
import pickle
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from manifests.errors import GoaltraceError


def read_weights(path: Path, option: str) -> dict[str, Tensor]:
    """Tensors by name, on the CPU; `GoaltraceError` when the file is missing, damaged or holds anything else."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        with path.open("rb") as file:
            start = file.read(9)
        if start[8:] == b"{":  # behind the length of its header a safetensors file has JSON
            return load_file(path)
        with warnings.catch_warnings(action="ignore"):  # of what the line below says better
            found = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise GoaltraceError(f"{option} {path}: cannot be read ({error.strerror or 'unreadable'})") from None
    except (SafetensorError, pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError) as error:
        raise GoaltraceError(f"{option} {path}: {_not_weights(error)}") from None
    if not isinstance(found, dict) or not all(isinstance(value, Tensor) for value in found.values()):
        raise GoaltraceError(f"{option} {path}: not a state dict (tensors by name); see docs/evaluation.md")
    return {str(name): value.detach() for name, value in found.items()}


def _not_weights(error: Exception) -> str:
    if "TorchScript" in str(error):
        return "a TorchScript file, which is code and is not run; get the state dict (docs/evaluation.md)"
    return "neither a PyTorch state dict nor safetensors, or cut short; see docs/evaluation.md"


def fitting(
    found: Mapping[str, Tensor], shapes: Mapping[str, Sequence[int]], option: str, paths: Sequence[Path]
) -> dict[str, Tensor]:
    """The weights of `shapes` as fp32; `GoaltraceError` names the first that is missing or of another shape."""
    weights = {}
    for name, shape in shapes.items():
        if name not in found or tuple(found[name].shape) != tuple(shape):
            have = tuple(found[name].shape) if name in found else "not there"
            files = ", ".join(map(str, paths))
            raise GoaltraceError(f"{option} {files}: {name}: {have}, must be {tuple(shape)}; see docs/evaluation.md")
        weights[name] = found[name].float()
    return weights


def digest(weights: Mapping[str, Tensor]) -> str:
    """Tells weights apart, whatever kind of file they came in: figures from different ones cannot be compared."""
    found = hashlib.sha256()
    for name in sorted(weights):
        found.update(name.encode() + weights[name].cpu().contiguous().numpy().tobytes())
    return found.hexdigest()[:12]
