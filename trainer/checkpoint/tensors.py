"""Saves and loads single files of tensors (codec.pt, pointer.pt, text.pt), never unpickling objects."""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import Any

import torch

from manifests.errors import GoaltraceError
from manifests.files import replacing


def save_tensors(path: Path, state: dict[str, Any]) -> None:
    """Write tensors and plain numbers; a reader meets the old file or the new one."""
    made = io.BytesIO()  # written to a file by PyTorch itself, a full disk would be an unclear RuntimeError
    torch.save(state, made)
    with replacing(path) as temporary:
        temporary.write_bytes(made.getbuffer())


def load_tensors(path: Path, device: torch.device | str = "cpu") -> dict[str, Any]:
    """Read tensors back without unpickling objects; one clear line when the file is missing, cut short or foreign."""
    if not path.is_file():
        raise GoaltraceError(f"{path}: missing; restore it, or make its folder again")
    try:
        state = torch.load(path, map_location=device, weights_only=True)
    except pickle.UnpicklingError:
        raise GoaltraceError(f"{path}: not plain tensors, so it is not read; use a file of a run you trust") from None
    except (RuntimeError, EOFError, OSError, ValueError, KeyError):  # PyTorch's reasons are about zip archives
        raise GoaltraceError(f"{path}: damaged or cut short; restore it, or make its folder again") from None
    if not isinstance(state, dict):
        raise GoaltraceError(f"{path}: not a file of a GoalTrace run")
    return state


def foreign(path: Path, reason: object) -> GoaltraceError:
    """The line for a file whose content belongs to other settings."""
    text = " ".join(str(reason).split())[:160]
    return GoaltraceError(f"{path}: does not fit the run's config.json ({text}); restore both or train again")
