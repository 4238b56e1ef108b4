"""One step of training: losses of this rank's windows, gradients of all ranks', AdamW, the EMA of the weights."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from manifests.errors import GoaltraceError
from trainer.data.windows import Batch
from trainer.inputs import ModelInputs
from trainer.machine.compiling import compiled
from trainer.machine.device import arithmetic
from trainer.machine.parallel import ALONE, Ranks, shard
from trainer.model.wan import load_wan
from trainer.model.world import WorldModel
from trainer.objective import Losses, objective
from trainer.objective.base import LEVELS
from trainer.settings.config import Config, TrainConfig
from trainer.training.ema import EMA, local
from trainer.training.state import State, fill_moments


@dataclass(frozen=True)
class Job:
    """What stays the same from step to step."""

    config: Config
    inputs: ModelInputs
    seed: int
    device: torch.device
    ranks: Ranks = ALONE


class NotFinite(GoaltraceError):
    """Every rank met it at the same step, before any weight was touched."""


@dataclass(frozen=True)
class StepResult:
    """What a step reports, over all ranks."""

    loss: float
    parts: dict[str, float]
    by_level: list[float]
    """Mean loss by noise level from clean to noise; NaN where no frame had it."""
    norm: float
    """Of the gradient, before clipping."""
    rate: float
    """Learning rate of the base."""


def new_model(config: Config, seed: int, device: torch.device) -> WorldModel:
    """Fresh weights, a function of the seed alone; the DiT's are `model.init`'s where that is given."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = WorldModel(config)
    if config.model.init:
        load_wan(model.dit, Path(config.model.init))
    return model.to(device).train()


def new_state(model: WorldModel, config: TrainConfig, ranks: Ranks, device: torch.device) -> State:
    """Spread a model over the ranks and make what training it takes."""
    for block in model.dit.blocks:
        _speed_up(block, config)
    shard(model, model.dit.blocks, ranks, device)
    groups = model.groups()
    peaks = {"base": config.lr, "actions": config.lr * config.action_rate, "head": config.head_lr}
    optimizer = torch.optim.AdamW(
        [{"params": groups[name], "peak": peak} for name, peak in peaks.items() if groups[name]],
        betas=(0.9, 0.95), weight_decay=config.weight_decay, fused=True,
    )  # fmt: skip
    fill_moments(optimizer)
    return State(model, EMA(model), optimizer)


def _speed_up(block: torch.nn.Module, config: TrainConfig) -> None:
    """Compile and recompute a block's own forward, inside the hooks that gather its weights."""
    forward: Callable[..., Tensor] = block.forward
    if config.compile:
        forward = compiled(forward, dynamic=False)  # shapes are few, and FlexAttention is surest of fixed ones
    if config.recompute:
        forward = partial(checkpoint, forward, use_reentrant=False, preserve_rng_state=False)  # blocks draw nothing
    if forward is not block.forward:
        setattr(block, "forward", forward)  # noqa: B010 - a method, as far as mypy knows


def batch_loss(model: WorldModel, batch: Batch, job: Job) -> Losses:
    """Losses of a batch of this rank."""
    latents, conditions = job.inputs.of(batch)
    with arithmetic(job.config.train.precision, job.device):
        return objective(job.config).loss(model, latents, conditions, job.config, job.seed, batch.positions)


def pieces(batch: Batch, windows: int) -> Iterator[Batch]:
    """A batch in parts of at most `windows` windows; 0: in one."""
    count = len(batch.positions)
    for start in range(0, count, windows or count):
        cut = slice(start, start + (windows or count))
        given: dict[str, Any] = {field.name: getattr(batch, field.name) for field in fields(batch)}
        part: dict[str, Any] = {name: None if value is None else value[cut] for name, value in given.items()}
        yield Batch(**part)


def backward(model: WorldModel, batch: Batch, job: Job) -> tuple[list[str], Tensor]:
    """Add the gradients of a batch's summed loss, that is its mean loss times the number of frames learnt.

    Returns the parts' names, and sums: [total, parts.., by_level flattened], float64 on the CPU.
    """
    names: list[str] = []
    sums = torch.zeros(())
    for piece in pieces(batch, job.config.train.micro):
        losses = batch_loss(model, piece, job)
        learnt = losses.by_level[:, 1].sum()
        torch.autograd.backward(losses.total * learnt)
        names = list(losses.parts)
        scalars = torch.stack([losses.total.detach(), *losses.parts.values()]).float() * learnt
        row = torch.cat([scalars, losses.by_level.flatten().float()])
        sums = sums.to(row.device) + row
    return names, sums.double().cpu()


def rate_factor(config: TrainConfig, step: int, time_share: float) -> float:
    """Share of the peak learning rate: linear warm-up, then linear decay to a tenth at the end of steps or time."""
    warm = min(1.0, (step + 1) / config.warmup) if config.warmup else 1.0
    return warm * (1 - 0.9 * min(1.0, max(step / config.steps, time_share)))


def train_step(state: State, batch: Batch, job: Job, time_share: float = 0.0) -> StepResult:
    """One optimiser step.

    Args:
        batch: this rank's windows.
        time_share: of `train.max_seconds` that has passed.

    Raises:
        NotFinite: the loss or gradient is not finite; no weight has been touched.
    """
    config = job.config.train
    state.optimizer.zero_grad(set_to_none=True)
    names, mine = backward(state.model, batch, job)
    sums = job.ranks.table(mine.tolist()).sum(0)
    levels = sums[1 + len(names) :].reshape(LEVELS, 2)
    learnt = levels[:, 1].sum().clamp_min(1)
    loss, *parts = (sums[: 1 + len(names)] / learnt).tolist()
    # of the mean over all frames learnt, however they are shared out; FSDP has taken the mean over ranks
    _scale_gradients(state.model, job.ranks.world / learnt.item())
    norm = _whole(torch.nn.utils.clip_grad_norm_(state.model.parameters(), config.clip)).item()
    if not (math.isfinite(loss) and math.isfinite(norm)):
        what = f"loss is {loss}" if not math.isfinite(loss) else f"gradient is {norm}"
        raise NotFinite(
            f"{what} at step {state.step + 1}; lower it with --set train.lr={config.lr / 3:.2g} "
            "in a new --out (the last checkpoint is whole)"
        )
    factor = rate_factor(config, state.step, time_share)
    for group in state.optimizer.param_groups:
        group["lr"] = group["peak"] * factor
    state.optimizer.step()
    state.step += 1
    state.ema.update(state.model, min(config.ema, state.step / (state.step + 10)))
    return StepResult(
        loss, dict(zip(names, parts, strict=True)), (levels[:, 0] / levels[:, 1]).tolist(), norm, config.lr * factor
    )


def _scale_gradients(model: WorldModel, factor: float) -> None:
    gradients = [local(weight.grad) for weight in model.parameters() if weight.grad is not None]
    torch._foreach_mul_(gradients, factor)


def _whole(tensor: Tensor) -> Tensor:
    """A sharded tensor, gathered."""
    gather = getattr(tensor, "full_tensor", None)
    return tensor if gather is None else gather()
