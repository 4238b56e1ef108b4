"""A finished run opened again, for evaluation and roll-outs: the averaged model on one device."""

from __future__ import annotations

from pathlib import Path

import torch

from manifests.errors import GoaltraceError
from trainer.checkpoint import folder
from trainer.checkpoint.info import RunInfo
from trainer.checkpoint.tensors import foreign, load_tensors
from trainer.codec import Codec, codec_from_state
from trainer.model.world import WorldModel


def load_model(run: Path, info: RunInfo, device: torch.device) -> tuple[WorldModel, Codec, int]:
    """The averaged model in evaluation mode, unsharded whatever number of ranks saved it, its codec, and the step.

    Raises:
        GoaltraceError: no checkpoint, or the newest is damaged; the line names the next older whole one.
    """
    codec = load_codec(run, info).to(device)
    path = folder.newest(run)
    model = WorldModel(info.config).to(device).eval().requires_grad_(False)
    step = torch.zeros((), dtype=torch.int64)
    values = {f"average.{name}": value for name, value in model.state_dict().items()}
    folder.load(path, {**values, "step": step})
    return model, codec, int(step)


def load_codec(run: Path, info: RunInfo) -> Codec:
    """The codec that the run was trained with."""
    path = run / "codec.pt"
    state = load_tensors(path)
    try:
        return codec_from_state(info.config.codec, state)
    except GoaltraceError:
        raise
    except (KeyError, TypeError, ValueError, RuntimeError, AttributeError) as error:
        raise foreign(path, error) from None
