"""Starting from Wan2.1's weights: diffusers' names load as they are, the original names are mapped.

Only safetensors files are read: they hold tensors and nothing that runs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor

from manifests.errors import GoaltraceError
from trainer.model.dit import DiT

_ORIGINAL = [
    (r"^model\.(diffusion_model\.)?", ""),
    (r"^time_embedding\.0\.", "condition_embedder.time_embedder.linear_1."),
    (r"^time_embedding\.2\.", "condition_embedder.time_embedder.linear_2."),
    (r"^time_projection\.1\.", "condition_embedder.time_proj."),
    (r"^text_embedding\.0\.", "condition_embedder.text_embedder.linear_1."),
    (r"^text_embedding\.2\.", "condition_embedder.text_embedder.linear_2."),
    (r"^head\.head\.", "proj_out."),
    (r"^head\.modulation$", "scale_shift_table"),
    (r"(^blocks\.\d+\.)modulation$", r"\1scale_shift_table"),
    (r"(^blocks\.\d+\.)norm3\.", r"\1norm2."),
    (r"(^blocks\.\d+\.)ffn\.0\.", r"\1ffn.net.0.proj."),
    (r"(^blocks\.\d+\.)ffn\.2\.", r"\1ffn.net.2."),
    (r"(^blocks\.\d+\.)self_attn\.", r"\1attn1."),
    (r"(^blocks\.\d+\.)cross_attn\.", r"\1attn2."),
    (r"(^blocks\.\d+\.attn[12]\.)([qkv])\.", r"\1to_\2."),
    (r"(^blocks\.\d+\.attn[12]\.)o\.", r"\1to_out.0."),
]


def diffusers_name(name: str) -> str:
    """A parameter's name in diffusers, from either naming."""
    for pattern, new in _ORIGINAL:
        name = re.sub(pattern, new, name)
    return name


def load_wan(dit: DiT, source: Path) -> None:
    """Copy Wan2.1 weights into `dit`: every one of its own parameters, and nothing else.

    Args:
        source: a safetensors file, or a folder of them (shards).

    Raises:
        GoaltraceError: no such file, a damaged one, names that are missing or left over, another shape.
    """
    own = {name: weight for name, weight in dit.state_dict().items() if ".inject." not in name}
    left = set(own)
    with torch.no_grad():
        for file, name, tensor in _tensors(source):
            ours = diffusers_name(name)
            if ours not in own:
                raise GoaltraceError(
                    f"{file}: {name}: this model has no such weight; model.init wants a Wan2.1 T2V model"
                )
            if own[ours].shape != tensor.shape:
                want, has = tuple(own[ours].shape), tuple(tensor.shape)
                raise GoaltraceError(f"{file}: {name}: is {has}, the preset's is {want}; take the preset of that size")
            own[ours].copy_(tensor)
            left.discard(ours)
    if left:
        raise GoaltraceError(
            f"{source}: {sorted(left)[0]} and {len(left) - 1} others are missing; copy the model again"
        )


def _tensors(source: Path) -> Iterator[tuple[Path, str, Tensor]]:
    try:
        from safetensors import SafetensorError, safe_open
    except ImportError:
        raise GoaltraceError("model.init: needs the safetensors package; pip install safetensors") from None
    files = sorted(source.glob("*.safetensors")) if source.is_dir() else [source]
    if not files or not files[0].is_file():
        raise GoaltraceError(f"{source}: no safetensors file there; model.init wants one, or a folder of them")
    for file in files:
        try:
            with safe_open(file, framework="pt") as opened:
                for name in opened.keys():  # noqa: SIM118 (not a dict)
                    yield file, name, opened.get_tensor(name)
        except (SafetensorError, OSError) as error:
            raise GoaltraceError(f"{file}: damaged or not safetensors ({str(error)[:100]}); copy it again") from None
