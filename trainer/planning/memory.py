"""What a run needs of memory, in closed form, reported before anything is allocated; and the knobs that change it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import torch

from manifests.errors import GoaltraceError
from trainer.model.inject import injection
from trainer.model.pointer_head import WINDOW
from trainer.model.sizes import Sizes
from trainer.objective import objective
from trainer.planning.cost import StepShape, shapes, sizes
from trainer.settings.config import Config

COMPILED = 0.7  # of what a block keeps otherwise: compiled code makes again what is cheap to make
FULL = ("can't allocate memory", "out of memory", "ALLOC_FAILED")  # in errors that are no OutOfMemoryError


@dataclass(frozen=True)
class Memory:
    """Bytes on one rank."""

    weights: int
    """fp32, and their bf16 copies where the arithmetic is bf16."""
    gradients: int
    moments: int
    average: int
    activations: int
    """Kept between forward and backward pass."""
    work: int
    """Held for a moment at the peak: outputs and gradients of one feed-forward layer."""

    @property
    def total(self) -> int:
        return self.weights + self.gradients + self.moments + self.average + self.activations + self.work

    def __str__(self) -> str:
        fixed = self.weights + self.gradients + self.moments + self.average
        return (
            f"{size(self.total)}: weights, gradients, AdamW and average {size(fixed)}, "
            f"activations {size(self.activations + self.work)}"
        )


def size(count: float) -> str:
    """Bytes in words."""
    return f"{count / 2**30:.1f} GiB" if count >= 2**30 else f"{count / 2**20:.0f} MiB"


def estimate(config: Config, parameters: int, low: bool, world: int = 1, dense_masks: bool = False) -> Memory:
    """Memory of the step that needs most.

    Args:
        parameters: of the whole model.
        low: the arithmetic is bf16.
        world: ranks; weights, gradients, moments and average are spread over them (FSDP), one block's are gathered.
        dense_masks: masks are stored (a CPU's attention; FlexAttention stores none).
    """
    mine = -(-parameters // world)
    gathered = 0 if world == 1 else 2 * 4 * parameters // config.model.layers
    kept, work = 0, 0
    for shape in shapes(config):
        windows = -(-shape.windows // world)
        windows = min(windows, config.train.micro or windows)
        now = activations(config, replace(shape, windows=windows), low, dense_masks)
        if sum(now) > kept + work:
            kept, work = now
    weights = 4 * mine + gathered + (2 * parameters if low else 0)
    return Memory(weights, 4 * mine, 8 * mine, 4 * mine, kept, work)


def activations(config: Config, shape: StepShape, low: bool, dense_masks: bool = False) -> tuple[int, int]:
    """Bytes that a pass over `shape.windows` windows keeps for its backward pass, and those at work at its peak."""
    n, dim, layers = sizes(config, shape.width, shape.height), config.model.dim, config.model.layers
    each = 2 if low else 4
    masks = each * n.tokens**2 * layers if dense_masks else 0
    block = _block(config, n, each)
    work = 3 * each * n.tokens * max(config.model.ffn_dim, 4 * dim)
    if config.train.recompute:  # inputs only; then one block at a time
        blocks, work, masks = layers * each * n.tokens * dim, work + block, 0
    else:
        blocks = layers * block
    return shape.windows * (blocks + _ends(config, n, shape, each)) + masks, shape.windows * work


def _block(config: Config, n: Sizes, each: int) -> int:
    """Bytes that a block keeps of one window. Modulated norms work in fp32; a norm of bf16 keeps an fp32 copy."""
    share = COMPILED if config.train.compile else 1.0
    size = config.model
    norm = 8 if each == 2 else 4
    kept = n.tokens * size.dim * (8 + 6 * each + 2 * norm)  # norm, input, q, k, v, out, projected; norms of q and k
    kept += n.tokens * (size.dim * (8 + 2 * each) + 2 * each * size.ffn_dim)  # norm, input, both sides of GELU, output
    if n.text:
        kept += n.tokens * size.dim * (4 + 3 * each + norm) + n.text * size.dim * (2 * each + norm)
    kept += injection(config).kept(config, n, each)
    return round(share * kept)


def _ends(config: Config, n: Sizes, shape: StepShape, each: int) -> int:
    """Bytes kept of one window outside the blocks: into tokens, out of them, the pointer head, the loss."""
    dim, pixels = config.model.dim, n.frames * config.codec.time * shape.width * shape.height
    cell = config.codec.channels * config.model.patch**2
    kept = n.picture * (dim * (8 + 2 * each) + 3 * cell * each) + objective(config).kept(config, n)
    if config.actions.cursor in ("map", "reference"):
        kept += 2 * each * pixels
    head = config.actions.head_width
    if head:
        window = min(WINDOW, shape.width, shape.height) ** 2
        kept += n.frames * 2 * window * (each * (5 + 4 * head) + 24)
    return kept


def advice(config: Config, parameters: int, low: bool, world: int, device: torch.device) -> str:
    """Settings that lower the need, each with what it would come to."""
    on_cpu, there = device.type == "cpu", capacity(device) or 0

    def need(name: str, value: int | bool) -> int:
        group, key = name.split(".")
        less = replace(config, **{group: replace(getattr(config, group), **{key: value})})
        return estimate(less, parameters, low, world, on_cpu).total

    def with_less(name: str, value: int | bool) -> str:
        return f"--set {name}={str(value).lower()} ({size(need(name, value))})"

    mine = -(-config.train.batch // world)
    micro, time = min(mine, config.train.micro or mine), config.codec.time
    shorter = 1 + (config.data.window - 1) // time // 2 * time
    ways = []
    if not config.train.recompute:
        ways.append(with_less("train.recompute", True))
    if micro > 1:
        micro //= 2
        while micro > 1 and need("train.micro", micro) > there:
            micro //= 2
        ways.append(with_less("train.micro", micro))
    if 2 <= shorter < config.data.window:
        seen = f" --set sample.context={shorter - 1}" if config.sample.context >= shorter else ""
        ways.append(with_less("data.window", shorter) + f"{seen} in a new run")
    return ", ".join([*ways, "a smaller model, or more ranks (torchrun)"])


def capacity(device: torch.device) -> int | None:
    """Memory of a device in bytes; None where it is not known."""
    if device.type == "cuda":
        return int(torch.cuda.get_device_properties(device).total_memory)
    try:
        with open("/proc/meminfo", encoding="ascii") as lines:
            return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable"))
    except (OSError, StopIteration, ValueError):
        return None


@contextmanager
def told_when_full(config: Config, parameters: int, low: bool, world: int, device: torch.device) -> Iterator[None]:
    """Out of memory becomes one line with numbers: what is needed, and which settings need less."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not isinstance(error, MemoryError | torch.OutOfMemoryError) and not any(word in str(error) for word in FULL):
            raise
        on_cpu = device.type == "cpu"
        need = estimate(config, parameters, low, world, dense_masks=on_cpu)
        there = capacity(device)
        raise GoaltraceError(
            f"out of memory on {device}{f' ({size(there)})' if there else ''}: a step needs about {need}; "
            f"with less: {advice(config, parameters, low, world, device)}"
        ) from None
