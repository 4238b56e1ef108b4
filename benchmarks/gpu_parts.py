"""The parts of train_gpu.py: each runs one model (or kernel) with random weights and returns its figures."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, cast
from unittest.mock import patch

import numpy as np
import torch

from trainer.actions import width
from trainer.data.windows import Batch
from trainer.inference.prepare import prepare_for_inference
from trainer.inference.sample import Stream
from trainer.inputs import ModelInputs
from trainer.model.attention import FrameMask, Visible, attention, visible
from trainer.model.conditions import Conditions
from trainer.model.world_model import WorldModel
from trainer.objective.flow import flow_loss
from trainer.planning.cost import forward_flops, peak_flops, training_flops
from trainer.planning.memory import estimate, size
from trainer.planning.plan import count_parameters
from trainer.runtime.device import arithmetic
from trainer.runtime.distributed import ALONE
from trainer.settings.config import Config
from trainer.settings.presets import preset
from trainer.training.optimise import Job, new_state, train_step

FILL = 0.8  # of the GPU's memory that the estimate may take
WINDOWS = 4  # an optimiser step, at least
SHARP = 3.0  # nearly uniform attention would hide a wrong mask
WRONG = {"loss_off_by": 0.005, "gradient_off_by": 0.03, "off_by": 0.02}  # bf16 has three digits


@dataclass(frozen=True)
class Bench:
    """Where and how all parts run."""

    device: torch.device
    toy: bool
    matmul_flops: float
    """Operations per second of a bf16 matrix product, the measured peak."""
    copy_bytes: float

    @property
    def cuda(self) -> bool:
        return self.device.type == "cuda"


def case(name: str, window: int, causal: bool, toy: bool) -> Config:
    """A preset with another window and mask."""
    config = preset(name)
    config = replace(config, data=replace(config.data, window=window), model=replace(config.model, causal=causal))
    if not toy:
        return config
    shrunk = replace(config.model, dim=96, layers=2, heads=4, ffn_dim=192, text_dim=64, text_tokens=8)
    less = replace(config.data, width=64, height=32, window=5 if config.codec.time == 1 else 9)
    return replace(
        config, model=shrunk, data=less, train=replace(config.train, compile=False, precision="bf16"),
        sample=replace(config.sample, context=2),
    )  # fmt: skip


def tokens(config: Config) -> int:
    return config.latent_window * config.tokens_per_frame


def made(config: Config, device: torch.device) -> WorldModel:
    """Random weights, drawn on the device. None is zero and attention's are large: each affects the output."""
    torch.manual_seed(0)
    with torch.device(device):
        model = WorldModel(config)
    with torch.no_grad():
        for weight in model.parameters():
            if not weight.any():
                weight.normal_(std=0.02)
        for name, weight in model.dit.blocks.named_parameters():
            if "attn1" in name and not name.endswith("bias"):
                weight.mul_(SHARP)
    return model


def material(config: Config, batch: int, device: torch.device) -> tuple[torch.Tensor, Conditions]:
    """Latents and conditions of `batch` windows, all random."""
    data, codec, frames = config.data, config.codec, config.latent_window
    generator = torch.Generator(device).manual_seed(0)
    shape = (batch, codec.channels, frames, data.height // codec.patch, data.width // codec.patch)
    latents = torch.randn(shape, generator=generator, device=device)
    acts = (batch, data.window, config.actions.slots, width(config.actions))
    actions = (torch.rand(acts, generator=generator, device=device) < 0.02).to(torch.uint8)
    maps = torch.zeros(batch, data.window, data.height, data.width, device=device)
    maps[..., 10:29, 12:24] = 1
    points = torch.full((batch, data.window, 2), 20.0, device=device)
    if config.model.text == "bytes":
        text = torch.randint(32, 127, (batch, config.model.text_tokens * 4), generator=generator, device=device)
        return latents, Conditions(actions, maps, points, text.to(torch.uint8))
    text = torch.randn(batch, config.model.text_tokens, config.model.text_dim, generator=generator, device=device)
    return latents, Conditions(actions, maps, points, text)


@dataclass(frozen=True)
class Ready:
    """In the place of `Inputs`: windows that are on the device already."""

    latents: torch.Tensor
    conditions: Conditions

    def of(self, batch: Batch) -> tuple[torch.Tensor, Conditions]:
        start, stop = batch.positions[0], batch.positions[-1] + 1
        return self.latents[start:stop], self.conditions.rows(start, stop)


def seconds(work: Callable[[], object], bench: Bench, warm: int, rounds: int) -> tuple[float, float]:
    """Time of the first call, and the median of `rounds` after `warm`: fewer, three at least, once 8 s are over."""
    times: list[float] = []
    while len(times) < warm + rounds and (len(times) < warm + 3 or sum(times[warm:]) < 8):
        start = time.perf_counter()
        work()
        if bench.cuda:
            torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
    return times[0], statistics.median(times[warm:])


def roofline(device: torch.device, toy: bool) -> Bench:
    """What plain kernels reach here: a bf16 matrix product, and a copy."""
    side, count = (512, 2**20) if toy else (8192, 2**28)
    bench = Bench(device, toy, 0.0, 0.0)
    a, b = (torch.randn(side, side, device=device, dtype=torch.bfloat16) for _ in range(2))
    _, product = seconds(lambda: a @ b, bench, 3, 10)
    source, target = torch.randn(count, device=device), torch.empty(count, device=device)
    _, copy = seconds(lambda: target.copy_(source), bench, 3, 10)
    return replace(bench, matmul_flops=2 * side**3 / product, copy_bytes=8 * count / copy)


@contextmanager
def exactly() -> Iterator[None]:
    """fp32 is fp32, not TF32."""
    torch.set_float32_matmul_precision("highest")
    torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        torch.set_float32_matmul_precision("high")
        torch.backends.cudnn.allow_tf32 = True


def correct(config: Config, bench: Bench) -> dict[str, Any]:
    """Loss and gradient of the compiled bf16 path against fp32 with dense masks, not compiled, on 4 wide blocks."""
    config = replace(config, model=replace(config.model, layers=2 if bench.toy else 4))
    latents, conditions = material(config, 2, bench.device)

    def answer(precision: str, compiled: bool) -> tuple[float, torch.Tensor]:
        model = made(config, bench.device)
        new_state(model, replace(config.train, compile=compiled, recompute=False), ALONE, bench.device)
        with arithmetic(precision, bench.device):
            loss = flow_loss(model, latents, conditions, config, 0, [0, 1]).total
        torch.autograd.backward(loss)
        grads = [weight.grad.flatten() for weight in model.parameters() if weight.grad is not None]
        return loss.item(), torch.cat(grads)

    dense = patch("trainer.model.dit.visible", lambda rule, device, dense: visible(rule, device, dense=True))
    with exactly(), dense:
        exact, want = answer("fp32", False)
    low, got = answer("bf16", bench.cuda)
    off = {"loss_off_by": abs(low - exact) / abs(exact), "gradient_off_by": ((got - want).norm() / want.norm()).item()}
    right = all(value <= WRONG[name] for name, value in off.items())  # NaN is not
    return {"loss_fp32": exact, "loss_bf16": low, **off, "right": right}


def fitting(config: Config, capacity: int) -> Iterator[Config]:
    """Settings whose estimate fits the memory, the fastest first: many windows at once, without recomputation if one
    window fits so."""
    parameters = sum(count_parameters(config).values())
    for recompute in (False, True):
        for micro in (8, 4, 2, 1):
            train = replace(config.train, batch=max(micro, WINDOWS), micro=micro, recompute=recompute)
            fits = replace(config, train=train)
            if estimate(fits, parameters, low=True).total < FILL * capacity:
                yield fits
                break


def train(config: Config, bench: Bench) -> dict[str, Any]:
    """Whole optimiser steps of one shape."""
    capacity = torch.cuda.get_device_properties(bench.device).total_memory if bench.cuda else 8 * 2**30
    for fits in fitting(config, capacity):
        try:
            return train_as(fits, bench)
        except torch.OutOfMemoryError:
            pass  # the estimate was too low
        forget(bench)
    return {"out_of_memory": size(capacity)}


def train_as(config: Config, bench: Bench) -> dict[str, Any]:
    many = config.train.batch
    state = new_state(made(config, bench.device), config.train, ALONE, bench.device)
    given = cast(ModelInputs, Ready(*material(config, many, bench.device)))
    job = Job(config, given, 0, bench.device)
    nothing = np.zeros((many, 0), np.float32)
    batch = Batch(None, None, nothing.astype(np.uint8), nothing, nothing, [""] * many, list(range(many)))
    first, spent = seconds(lambda: train_step(state, batch, job), bench, 1 if bench.toy else 2, 2 if bench.toy else 8)
    flops, parameters = training_flops(config), sum(count_parameters(config).values())
    peak = peak_flops(torch.cuda.get_device_name(bench.device)) if bench.cuda else None
    return {
        "batch": many, "micro": config.train.micro, "recompute": config.train.recompute, "parameters": parameters,
        "first_step_s": first, "step_s": spent, "tokens_per_s": many * tokens(config) / spent, "flops": flops,
        "mfu": flops / spent / peak if peak else None, "of_matmul": flops / spent / bench.matmul_flops,
        "memory": torch.cuda.max_memory_allocated() if bench.cuda else None,
        "estimate": estimate(config, parameters, low=True).total,
    }  # fmt: skip


def rollout(config: Config, bench: Bench) -> dict[str, Any]:
    """Frames a second of a stream that has filled its context; the codec is not counted."""
    frames, ratio, given = 4 if bench.toy else 30, config.codec.time, config.sample.context
    config = replace(config, data=replace(config.data, window=1 + given * ratio))
    model = made(config, bench.device).eval().requires_grad_(False)
    latents, conditions = material(config, 1, bench.device)
    one = conditions.frames(1, 1 + ratio)

    def timed() -> tuple[float, float]:
        stream = Stream(model, config, 0)
        stream.show(latents[:, :, :given], conditions.frames(0, 1 + (given - 1) * ratio))
        return seconds(lambda: stream.next(one), bench, 2, frames)

    _, plain = timed()
    prepare_for_inference(model, config.train, bench.device)
    first, spent = timed()
    passes = config.sample.steps + 1
    flops = passes * (pass_flops(config, given + 1) - pass_flops(config, given))  # what the last frame adds
    blocks = config.model.layers * given * config.tokens_per_frame * config.model.dim
    read = passes * (sum(weight.nbytes for weight in model.parameters()) + 2 * 2 * blocks)
    floor = max(flops / bench.matmul_flops, read / bench.copy_bytes)
    return {
        "size": [config.data.width, config.data.height], "euler_steps": config.sample.steps, "context": given,
        "frames_per_latent": ratio, "first_s": first, "latent_frame_s": spent, "frames_per_s": ratio / spent,
        "plain_frames_per_s": ratio / plain, "roofline_frames_per_s": ratio / floor,
    }  # fmt: skip


def pass_flops(config: Config, frames: int) -> float:
    """FLOPs of a pass over so many latent frames at once."""
    seen = replace(config, data=replace(config.data, window=1 + (frames - 1) * config.codec.time))
    return sum(forward_flops(seen, config.data.width, config.data.height).values())


def kernels(config: Config, bench: Bench) -> dict[str, Any]:
    """Self-attention alone, two windows: how far the kernel is from fp32 with a dense mask, and how fast."""
    frames, each, heads = config.latent_window, config.tokens_per_frame, config.model.heads
    rule = FrameMask(frames, frames, each, causal=config.model.causal)
    seen = visible(rule, bench.device)
    shape = (2, rule.queries, heads, config.model.dim // heads)
    q, k, v = (torch.randn(shape, device=bench.device).bfloat16().requires_grad_() for _ in range(3))
    back = torch.randn(2, rule.queries, config.model.dim, device=bench.device).bfloat16()

    def answer(parts: list[torch.Tensor], kernel: Visible) -> torch.Tensor:
        query, key, value = parts
        out = attention(query, key, value, kernel)
        return torch.cat(
            [part.flatten().float() for part in (out, *torch.autograd.grad(out, parts, back.to(out.dtype)))]
        )

    with exactly():
        want = answer([part.detach().float().requires_grad_() for part in (q, k, v)], visible(rule, bench.device, True))
    off = ((answer([q, k, v], seen) - want).norm() / want.norm()).item()
    _, forward = seconds(lambda: attention(q, k, v, seen), bench, 2, 5)
    _, both = seconds(lambda: torch.autograd.backward(attention(q, k, v, seen), back), bench, 2, 5)
    flops = 2 * 4 * rule.pairs() * config.model.dim
    backward = 2.5 * flops / max(both - forward, 1e-9)
    return {
        "head_dim": shape[-1], "forward_flops": flops / forward, "backward_flops": backward,
        "off_by": off, "right": off < WRONG["off_by"],
    }  # fmt: skip


def forget(bench: Bench) -> None:
    """Free the memory that the last part held."""
    torch._dynamo.reset()
    visible.cache_clear()
    gc.collect()
    if bench.cuda:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
