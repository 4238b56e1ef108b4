"""Which device a run uses, and in which numbers it computes there."""

from __future__ import annotations

import torch

from manifests.errors import GoaltraceError


def pick_device(name: str) -> torch.device:
    """auto, cpu or cuda; `GoaltraceError` when cuda is asked for and absent."""
    if name == "cuda" and not torch.cuda.is_available():
        raise GoaltraceError("--device cuda: no CUDA device is usable here; use --device cpu or auto")
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(name)


def uses_bf16(precision: str, device: torch.device) -> bool:
    """ "auto" is bf16 on CUDA and fp32 elsewhere."""
    return precision == "bf16" or (precision == "auto" and device.type == "cuda")


def arithmetic(precision: str, device: torch.device) -> torch.autocast:
    """The context for a pass. Weights and moments are fp32 in every case."""
    return torch.autocast(device.type, torch.bfloat16, enabled=uses_bf16(precision, device))
