"""What the trainer makes of one GPU: is the fast path right, how fast are training and roll-outs, beside the roofline.

    python benchmarks/train_gpu.py [--json FILE] [--only correct,train,rollout] [--seconds 480]

Synthetic latents and actions, random weights, no data set and no network. On a CPU (--device cpu) it runs the same
steps at toy size, to prove that the script works; such figures mean nothing.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch

from trainer.config import Config
from trainer.cost import forward_flops, peak_flops, training_flops
from trainer.data.actions import slots, width
from trainer.device import arithmetic
from trainer.memory import estimate, size
from trainer.model.conditions import Conditions
from trainer.objective import flow_loss
from trainer.optimise import new_model, new_state
from trainer.parallel import ALONE
from trainer.presets import preset
from trainer.sample import Stream

FILL = 0.75  # of the GPU's memory that the estimate may take
GOALS = {"base-120m": 0.35, "wan-1.3b": 0.40}
ROLLOUT_GOAL = 15.0


@dataclass(frozen=True)
class Case:
    """One shape to train."""

    name: str
    config: Config

    @property
    def tokens(self) -> int:
        return self.config.latent_window * self.config.tokens_per_frame


def cases(toy: bool) -> list[Case]:
    found = []
    for name, window in (("base-120m", 9), ("wan-1.3b", 33), ("wan-1.3b", 81)):
        config = preset(name)
        config = replace(config, data=replace(config.data, window=window))
        if toy:
            shrunk = replace(config.model, dim=96, layers=2, heads=4, ffn_dim=192, text_dim=64, text_tokens=8)
            config = replace(config, model=shrunk, data=replace(config.data, width=64, height=32, window=5))
            config = replace(config, train=replace(config.train, compile=False))
        for causal in (False, True):
            found.append(Case(name, replace(config, model=replace(config.model, causal=causal))))
    return found


def material(config: Config, batch: int, device: torch.device) -> tuple[torch.Tensor, Conditions]:
    """Latents and conditions of `batch` windows, all random."""
    data, codec, frames = config.data, config.codec, config.latent_window
    generator = torch.Generator(device).manual_seed(0)
    shape = (batch, codec.channels, frames, data.height // codec.patch, data.width // codec.patch)
    latents = torch.randn(shape, generator=generator, device=device)
    acts = (batch, data.window, slots(config.actions), width(config.actions))
    actions = (torch.rand(acts, generator=generator, device=device) < 0.02).to(torch.uint8)
    maps = torch.zeros(batch, data.window, data.height, data.width, device=device)
    maps[..., 40:59, 60:72] = 1
    points = torch.full((batch, data.window, 2), 50.0, device=device)
    if config.model.text == "bytes":
        text = torch.randint(32, 127, (batch, config.model.text_tokens * 4), generator=generator, device=device)
        return latents, Conditions(actions, maps, points, text.to(torch.uint8))
    text = torch.randn(batch, config.model.text_tokens, config.model.text_dim, generator=generator, device=device)
    return latents, Conditions(actions, maps, points, text)


def synchronize(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()


def seconds(work: Callable[[], object], device: torch.device, warm: int, rounds: int) -> float:
    """Median time of `work`."""
    times = []
    for number in range(warm + rounds):
        synchronize(device)
        start = time.perf_counter()
        work()
        synchronize(device)
        if number >= warm:
            times.append(time.perf_counter() - start)
    return statistics.median(times)


def roofline(device: torch.device) -> dict[str, float]:
    """What plain kernels reach here: a bf16 matrix product, and a copy."""
    side, count = (8192, 2**28) if device.type == "cuda" else (512, 2**20)
    a, b = (torch.randn(side, side, device=device, dtype=torch.bfloat16) for _ in range(2))
    product = seconds(lambda: a @ b, device, 3, 10)
    source, target = torch.empty(count, device=device), torch.empty(count, device=device)
    copy = seconds(lambda: target.copy_(source), device, 3, 10)
    return {"matmul_flops": 2 * side**3 / product, "copy_bytes": 8 * count / copy}


def correct(device: torch.device, toy: bool) -> dict[str, float]:
    """Loss and gradient of the compiled bf16 path against fp32 without compiling, on a model of 4 wide blocks."""
    config = cases(toy)[1].config
    config = replace(config, model=replace(config.model, layers=2 if toy else 4))
    latents, conditions = material(config, 2, device)

    def answer(precision: str, fast: bool) -> tuple[float, torch.Tensor]:
        train = replace(config.train, precision=precision, compile=fast)
        model = new_model(config, 0, device)
        new_state(model, train, ALONE, device)
        with arithmetic(precision, device):
            loss = flow_loss(model, latents, conditions, config, 0, [0, 1]).total
        loss.backward()
        grads = [weight.grad.flatten() for weight in model.parameters() if weight.grad is not None]
        return float(loss.detach()), torch.cat(grads)

    torch.backends.cuda.matmul.allow_tf32 = False
    exact, want = answer("fp32", False)
    low, got = answer("bf16", device.type == "cuda")
    torch.backends.cuda.matmul.allow_tf32 = True
    cosine = torch.nn.functional.cosine_similarity(want, got, dim=0)
    return {
        "loss_fp32": exact, "loss_bf16": low, "loss_off_by": abs(low - exact) / abs(exact),
        "gradient_cosine": float(cosine), "gradient_off_by": float((got - want).norm() / want.norm()),
    }  # fmt: skip


def fitting(case: Case, capacity: int) -> Config:
    """The largest batch of 1, 2, 4, 8 that fits, without recomputing blocks if one window does."""
    parameters = _parameters(case.config)
    for recompute in (False, True):
        for batch in (8, 4, 2, 1):
            train = replace(case.config.train, batch=batch, recompute=recompute)
            config = replace(case.config, train=train)
            if estimate(config, parameters, low=True).total < FILL * capacity:
                return config
    raise SystemExit(f"{case.name}: does not fit into {size(capacity)}")


def _parameters(config: Config) -> int:
    with torch.device("meta"):
        return sum(weight.numel() for weight in new_model(config, 0, torch.device("meta")).parameters())


def train(case: Case, device: torch.device, roof: dict[str, float], toy: bool) -> dict[str, Any]:
    """Whole optimiser steps of one shape."""
    capacity = torch.cuda.get_device_properties(device).total_memory if device.type == "cuda" else 8 * 2**30
    config = fitting(case, capacity)
    batch = config.train.batch
    latents, conditions = material(config, batch, device)
    model = new_model(config, 0, device)
    state = new_state(model, config.train, ALONE, device)
    places = list(range(batch))

    def step() -> None:
        with arithmetic("bf16", device):
            loss = flow_loss(model, latents, conditions, config, 0, places).total
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        state.optimizer.step()
        state.optimizer.zero_grad(set_to_none=True)
        state.average.update(model, 0.999)

    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
    spent = seconds(step, device, 1 if toy else 3, 2 if toy else 6)
    flops = training_flops(config)
    peak = peak_flops(torch.cuda.get_device_name(device)) if device.type == "cuda" else None
    return {
        "case": case.name, "tokens": case.tokens, "mask": "block-causal" if config.model.causal else "dense",
        "batch": batch, "recompute": config.train.recompute, "parameters": _parameters(config),
        "step_s": spent, "tokens_per_s": batch * case.tokens / spent, "flops": flops,
        "mfu": flops / spent / peak if peak else None, "of_matmul": flops / spent / roof["matmul_flops"],
        "memory": torch.cuda.max_memory_allocated() if device.type == "cuda" else None,
        "estimate": estimate(config, _parameters(config), low=True).total, "goal": GOALS[case.name],
    }  # fmt: skip


def rollout(case: Case, device: torch.device, roof: dict[str, float], toy: bool) -> dict[str, Any]:
    """Frames a second of a stream that has filled its context; the codec is not counted."""
    config, frames = case.config, 4 if toy else 12
    model = new_model(config, 0, device).eval().requires_grad_(False)
    latents, conditions = material(config, 1, device)
    time_ratio = config.codec.time
    stream = Stream(model, config, 0)
    given = min(config.sample.context, latents.shape[2])
    stream.show(latents[:, :, :given], conditions.frames(0, 1 + (given - 1) * time_ratio))
    one = conditions.frames(0, time_ratio)
    spent = seconds(lambda: stream.next(one), device, 2, frames)
    passes = config.sample.steps + 1
    single = replace(config, data=replace(config.data, window=2 if time_ratio == 1 else 1 + time_ratio))
    flops = passes * sum(forward_flops(single, config.data.width, config.data.height).values()) / single.latent_window
    weights = 4 * _parameters(config) * passes
    floor = max(flops / roof["matmul_flops"], weights / roof["copy_bytes"])
    return {
        "case": case.name, "size": [config.data.width, config.data.height], "euler_steps": config.sample.steps,
        "context": given, "frames_per_latent": time_ratio, "latent_frame_s": spent,
        "frames_per_s": time_ratio / spent, "roofline_frames_per_s": time_ratio / floor, "goal": ROLLOUT_GOAL,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure")
    parser.add_argument("--only", default="correct,train,rollout")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--seconds", type=float, default=480, help="start nothing new after this long")
    args = parser.parse_args()
    if args.device == "cuda" and not torch.cuda.is_available():
        raise SystemExit("no CUDA device is usable here; --device cpu runs the script at toy size")
    device, toy, started = torch.device(args.device), args.device == "cpu", time.monotonic()
    torch.set_float32_matmul_precision("high")
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.processor() or "CPU"
    roof = roofline(device)
    told: dict[str, Any] = {"device": name, "torch": torch.__version__, "roofline": roof, "train": [], "rollout": []}
    print(f"{name}, torch {torch.__version__}: matrix product {roof['matmul_flops'] / 1e12:.0f} TFLOP/s, "
          f"copy {roof['copy_bytes'] / 1e9:.0f} GB/s", flush=True)  # fmt: skip
    if "correct" in args.only:
        told["correct"] = correct(device, toy)
        print("correct  " + ", ".join(f"{key} {value:.5g}" for key, value in told["correct"].items()), flush=True)
    jobs = [(kind, case) for kind in ("train", "rollout") if kind in args.only for case in cases(toy)]
    jobs = [job for job in jobs if job[0] == "train" or (job[1].config.model.causal and job[1].config.data.window < 80)]
    for kind, case in jobs:
        if time.monotonic() - started > args.seconds:
            print(f"{kind} {case.name}: left out, {args.seconds:.0f} s are over")
            continue
        _tell(kind, case, told, (train if kind == "train" else rollout), device, roof, toy)
    if args.json:
        args.json.write_text(json.dumps(told, indent=1))


def _tell(
    kind: str, case: Case, told: dict[str, Any], work: Callable[..., dict[str, Any]], device: torch.device,
    roof: dict[str, float], toy: bool,
) -> None:  # fmt: skip
    try:
        result = work(case, device, roof, toy)
    except torch.OutOfMemoryError as error:
        result = {"case": case.name, "tokens": case.tokens, "out_of_memory": str(error)[:120]}
    told[kind].append(result)
    if "out_of_memory" in result:
        line = f"{kind} {case.name} {case.tokens} tokens: out of memory"
    elif kind == "train":
        mfu = "MFU unknown" if result["mfu"] is None else f"MFU {result['mfu']:.1%} (goal {result['goal']:.0%})"
        memory = "" if result["memory"] is None else f", {size(result['memory'])}"
        line = (
            f"train    {case.name} {result['tokens']} tokens {result['mask']}, batch {result['batch']}"
            f"{', recomputed' if result['recompute'] else ''}: {result['tokens_per_s']:,.0f} tokens/s, {mfu}, "
            f"{result['of_matmul']:.1%} of a matrix product{memory} (estimate {size(result['estimate'])})"
        )
    else:
        line = (
            f"rollout  {case.name} {result['size'][0]}x{result['size'][1]}, {result['euler_steps']} steps a frame: "
            f"{result['frames_per_s']:.1f} frames/s (goal {result['goal']:.0f}; "
            f"roofline {result['roofline_frames_per_s']:.1f})"
        )
    print(line, flush=True)
    torch._dynamo.reset()
    if device.type == "cuda":
        torch.cuda.empty_cache()


if __name__ == "__main__":
    main()
