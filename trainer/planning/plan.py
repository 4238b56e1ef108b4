"""What a run will do and what that takes, reported before its first step."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import torch

from trainer.data.clip import Clip
from trainer.data.index import Index
from trainer.data.windows import Loader
from trainer.machine.device import uses_bf16
from trainer.machine.parallel import Ranks
from trainer.model.inject import injection
from trainer.model.world import WorldModel
from trainer.planning.cost import peak_flops, tokens_a_step, training_flops
from trainer.planning.memory import Memory, advice, capacity, estimate, size
from trainer.settings.config import Config


@dataclass(frozen=True)
class RunPlan:
    """Figures of a run, all ranks together unless said otherwise."""

    parameters: dict[str, int]
    """By part of the model."""
    memory: Memory
    """Of one rank; an estimate."""
    memory_there: int | None
    """Of one rank's device; ranks on CPUs share it."""
    tokens: float
    """Picture tokens a step, on average."""
    flops: float
    """Floating-point operations a step, on average: three forward passes."""
    peak: float | None
    """Operations a second that the devices could do, dense bf16; None where not known."""
    windows: int
    windows_left: float
    """That the steps to come take."""
    text: str

    @property
    def total(self) -> int:
        return sum(self.parameters.values())

    def to_dict(self) -> dict[str, Any]:
        figures = asdict(self)
        figures.pop("text")
        return figures | {"memory": {**figures["memory"], "total": self.memory.total}, "plan": self.text.splitlines()}


def count_parameters(config: Config) -> dict[str, int]:
    """By part, without making the model."""
    with torch.device("meta"):
        return WorldModel(config).parts()


def make_plan(config: Config, index: Index, loader: Loader, ranks: Ranks, device: torch.device, step: int) -> RunPlan:
    """step: the last one done."""
    parts, low, on_cpu = count_parameters(config), uses_bf16(config.train.precision, device), device.type == "cpu"
    total, left = sum(parts.values()), config.train.steps - step
    data, train = config.data, config.train
    dim, layers = config.model.dim, config.model.layers
    each: float = train.batch
    if data.crop_width:
        each += (config.whole_batch - train.batch) / data.whole_every
    memory = estimate(config, total, low, ranks.world, dense_masks=on_cpu)
    there = capacity(device)
    name = "CPU" if on_cpu else torch.cuda.get_device_name(device)
    peak = None if on_cpu or not low else peak_flops(name)
    tokens, flops = tokens_a_step(config), training_flops(config)
    hours = each * left * data.window / data.fps / 3600
    lines = {
        "model": f"{_count(total)} parameters ({_parts(parts)}), width {dim}, {layers} blocks{_blind(config)}",
        "actions": _actions(config),
        "data": _amount(index.train),
        "held": _amount(index.held_out),
        "out": "; ".join(f"{count} clips {reason}" for reason, count in index.left_out.items()),
        "picture": f"{data.width}x{data.height} px from {_sizes(index.train)} (letterboxed), {data.fps:g} frames/s",
        "window": _window(config, len(loader.windows)),
        "step": f"{_step(config)}: {tokens:,.0f} tokens, {_tera(flops)} TFLOP",
        "to come": (
            f"{left:,} steps: {each * left:,.0f} windows, {each * left / len(loader.windows):,.1f} epochs, "
            f"{hours:,.1f} h of video" + (f", or {train.max_seconds:g} s" if train.max_seconds else "")
        ),
        "device": f"{name}, {'bf16' if low else 'fp32'}{_ranks(ranks)}; {_peak(peak)}",
        "disk": f"{size(16 * total)} a checkpoint, {train.keep or 'all'} kept",
        "memory": f"about {memory}" + (f"; {size(there)} there" if there else ""),
    }
    if there and memory.total * (ranks.world if on_cpu else 1) > there:
        lines["warning"] = f"may not fit; with less: {advice(config, total, low, ranks.world, device)}"
    text = "\n".join(f"{name:<8}{line}" for name, line in lines.items() if line)
    whole_peak = None if peak is None else peak * ranks.world
    return RunPlan(parts, memory, there, tokens, flops, whole_peak, len(loader.windows), each * left, text)


def _blind(config: Config) -> str:
    return "" if config.model.causal else "; model.causal=false: it cannot be rolled out, evaluated or played"


def _parts(parts: dict[str, int]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {_count(count)}" for name, count in parts.items() if count)


def _count(number: int) -> str:
    return f"{number / 1e6:.2f} M" if number >= 1e6 else f"{number / 1e3:.1f} k"


def _tera(count: float) -> str:
    return f"{count / 1e12:,.0f}" if count >= 1e13 else f"{count / 1e12:.3g}"


def _actions(config: Config) -> str:
    actions = config.actions
    if not injection(config).takes_tokens:
        return f"no action tokens; cursor: {actions.cursor}"
    slots = "2 slots" if actions.encoding == "meta" else f"{actions.substeps} parts of 182 numbers"
    return f"{actions.encoding}, {slots} a frame, {actions.inject} injection; cursor: {actions.cursor}"


def _window(config: Config, count: int) -> str:
    rows, columns = config.grid
    frames, latent = config.data.window, config.latent_window
    shown = f"{frames} frames" if frames == latent else f"{frames} frames as {latent} latent frames"
    return f"{shown} of {rows}x{columns} tokens: {latent * rows * columns:,} tokens; {count:,} windows"


def _step(config: Config) -> str:
    data = config.data
    if not data.crop_width:
        return f"{config.train.batch} windows"
    crops = f"{config.train.batch} crops of {data.crop_width}x{data.crop_height} px"
    return f"{crops} ({data.whole_every - 1} of {data.whole_every}) or {config.whole_batch} whole windows"


def _ranks(ranks: Ranks) -> str:
    return f", {ranks.world} ranks (FSDP)" if ranks.world > 1 else ""


def _peak(peak: float | None) -> str:
    return f"peak {peak / 1e12:,.0f} TFLOP/s each" if peak else "its peak is not known here, so no MFU"


def _sizes(clips: list[Clip]) -> str:
    return ", ".join(f"{w}x{h}" for w, h in sorted({(clip.row["width"], clip.row["height"]) for clip in clips}))


def _amount(clips: list[Clip]) -> str:
    hours: dict[str, float] = {}
    for clip in clips:
        name = f"{clip.row['kind']} {clip.row['arm']}"
        hours[name] = hours.get(name, 0.0) + clip.row["duration_ns"] / 3.6e12
    arms = ", ".join(f"{name} {value:.3f} h" for name, value in sorted(hours.items()))
    return f"{len(clips)} clips, {len({clip.session for clip in clips})} sessions: {arms or 'none'}"
