"""The training loop: steps, moving average, checkpoints; stops cleanly and goes on bit for bit."""

from __future__ import annotations

import json
import math
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import torch
from tqdm import tqdm

from manifests.errors import GoaltraceError
from trainer.checkpoint import State
from trainer.codec.pca import PCACodec
from trainer.config import Config, TrainConfig
from trainer.data.windows import Batch, Loader
from trainer.model.dit import DiT
from trainer.objective import Conditions, flow_loss


@dataclass(frozen=True)
class Result:
    """How a call of `train` ended."""

    step: int
    seconds: float
    loss: float
    """Mean of the last steps of this call; NaN when there were none."""
    signal: int | None
    """The signal that ended it, if one did."""


def new_state(config: Config, seed: int, device: torch.device) -> State:
    """Fresh weights, a function of the seed alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = DiT(config)
    model = model.to(device).train()
    head = list(model.pointer_head.parameters())
    rest = [weight for name, weight in model.named_parameters() if not name.startswith("pointer_head.")]
    optimizer = torch.optim.AdamW(
        [{"params": rest, "peak": config.train.lr}, {"params": head, "peak": config.train.head_lr}],
        betas=(0.9, 0.95), weight_decay=config.train.weight_decay,
    )  # fmt: skip
    return State(model, {name: value.clone() for name, value in model.state_dict().items()}, optimizer)


def batch_loss(model: DiT, batch: Batch, codec: PCACodec, config: TrainConfig, seed: int, step: int) -> torch.Tensor:
    """Loss of one batch; its device is the model's."""
    device = next(model.parameters()).device
    with torch.no_grad():
        latents = codec.encode(torch.from_numpy(batch.frames).to(device, non_blocking=True))
    conditions = Conditions(torch.from_numpy(batch.maps).to(device), torch.from_numpy(batch.actions).to(device))
    with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
        return flow_loss(model, latents, conditions, config, seed, step)


def seconds_a_step(state: State, loader: Loader, codec: PCACodec, config: TrainConfig, seed: int) -> float:
    """Time of one step, measured on the next batch; weights and random numbers stay as they are."""
    batch = loader.load(state.step)
    start = time.monotonic()
    torch.autograd.backward(batch_loss(state.model, batch, codec, config, seed, state.step))
    state.optimizer.zero_grad(set_to_none=True)
    return time.monotonic() - start


def rate_factor(config: TrainConfig, step: int, time_share: float) -> float:
    """Share of the peak learning rate: linear warm-up, then linear decay to a tenth at the end of steps or time."""
    warm = min(1.0, (step + 1) / config.warmup) if config.warmup else 1.0
    return warm * (1 - 0.9 * min(1.0, max(step / config.steps, time_share)))


def train_step(
    state: State, batch: Batch, codec: PCACodec, config: TrainConfig, seed: int, time_share: float = 0.0
) -> float:
    """One optimiser step; the loss. Raises `GoaltraceError` before touching weights when the loss is not finite."""
    loss = batch_loss(state.model, batch, codec, config, seed, state.step)
    value = loss.item()
    if not math.isfinite(value):
        raise GoaltraceError(
            f"loss is {value} at step {state.step + 1}; lower it with --set train.lr={config.lr / 3:.2g} "
            "and train again (the last checkpoint is whole)"
        )
    state.optimizer.zero_grad(set_to_none=True)
    torch.autograd.backward(loss)
    torch.nn.utils.clip_grad_norm_(state.model.parameters(), config.clip)
    for group in state.optimizer.param_groups:
        group["lr"] = group["peak"] * rate_factor(config, state.step, time_share)
    state.optimizer.step()
    state.step += 1
    decay = min(config.ema, state.step / (state.step + 10))
    with torch.no_grad():
        for name, value_now in state.model.state_dict().items():
            state.average[name].lerp_(value_now, 1 - decay)
    return value


@contextmanager
def stop_on_signal() -> Iterator[list[int]]:
    """Collects SIGINT and SIGTERM in a list instead of dying, so that a step can be finished and saved."""
    caught: list[int] = []

    def remember(number: int, frame: FrameType | None) -> None:
        caught.append(number)
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a second Ctrl-C ends at once

    before = {number: signal.signal(number, remember) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield caught
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def train(run: Path, state: State, loader: Loader, codec: PCACodec, config: TrainConfig, seed: int) -> Result:
    """Train from `state.step` to `config.steps`, or until `max_seconds` or a signal; saves at the end in every case."""
    start = saved = time.monotonic()
    losses: list[float] = []
    first = state.step
    batches = loader.iterate(first, config.steps)
    with (
        stop_on_signal() as caught,
        (run / "metrics.jsonl").open("a", encoding="utf-8") as metrics,
        tqdm(total=config.steps - first, unit="step", desc="training", mininterval=0.5, disable=None) as bar,
    ):
        for batch in batches:
            share = (time.monotonic() - start) / config.max_seconds if config.max_seconds else 0.0
            losses.append(train_step(state, batch, codec, config, seed, share))
            now = time.monotonic()
            spent = now - start
            line = {"step": state.step, "loss": round(losses[-1], 6), "seconds": round(spent, 2)}
            metrics.write(json.dumps(line) + "\n")
            if config.max_seconds:
                bar.total = max(state.step - first, round((state.step - first) * config.max_seconds / spent))
                bar.total = min(bar.total, config.steps - first)
            bar.set_postfix(loss=f"{sum(losses[-20:]) / len(losses[-20:]):.4f}", refresh=False)
            bar.update()
            if caught or (config.max_seconds and spent >= config.max_seconds):
                break
            if now - saved >= config.save_seconds:
                metrics.flush()
                state.save(run)
                saved = now
        batches.close()
        state.save(run)
    recent = losses[-20:]
    mean = sum(recent) / len(recent) if recent else math.nan
    return Result(state.step, time.monotonic() - start, mean, caught[0] if caught else None)
