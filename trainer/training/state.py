"""A run in memory, and as the flat list of named tensors that a checkpoint is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from trainer.checkpoint import folder
from trainer.machine.parallel import ALONE, Ranks
from trainer.model.world import WorldModel
from trainer.training.ema import EMA


@dataclass
class State:
    """Everything that a step changes."""

    model: WorldModel
    ema: EMA
    optimizer: torch.optim.AdamW
    step: int = 0

    def tensors(self) -> dict[str, Tensor]:
        """Names and the tensors themselves (this rank's parts of them); a checkpoint is read into them in place."""
        out: dict[str, Tensor] = {}
        out |= {f"model.{name}": value for name, value in self.model.state_dict().items()}
        out |= {f"average.{name}": value for name, value in self.ema.values.items()}
        for name, weight in self.model.named_parameters():
            out |= {f"optimizer.{name}.{key}": value for key, value in self.optimizer.state[weight].items()}
        return out

    def save(self, run: Path, ranks: Ranks = ALONE, keep: int = 0) -> None:
        """All ranks together; `GoaltraceError` when one could not write."""
        folder.save(run, self.step, {**self.tensors(), "step": torch.tensor(self.step)}, ranks, keep)

    def load(self, path: Path, ranks: Ranks = ALONE) -> None:
        """Take over a checkpoint folder that any number of ranks wrote."""
        step = torch.zeros((), dtype=torch.int64)
        folder.load(path, {**self.tensors(), "step": step}, ranks)
        self.step = int(step)


def fill_moments(optimizer: torch.optim.AdamW) -> None:
    """AdamW's moments as they are before its first step, so that a checkpoint always has them."""
    for group in optimizer.param_groups:
        for weight in group["params"]:
            device = weight.device if group["fused"] else torch.device("cpu")
            optimizer.state[weight] = {
                "step": torch.zeros((), dtype=torch.float32, device=device),
                "exp_avg": torch.zeros_like(weight),
                "exp_avg_sq": torch.zeros_like(weight),
            }
