"""What a run costs, in closed form: floating-point operations of a pass, and what a device could do."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from trainer.actions import KEYS
from trainer.codec import codec_class
from trainer.model.attention import FrameMask
from trainer.model.inject import injection
from trainer.model.key_head import KERNEL, PLACES
from trainer.model.pointer_head import WINDOW
from trainer.model.sizes import Sizes
from trainer.model.text import LAYERS as TEXT_LAYERS
from trainer.objective import objective
from trainer.settings.config import Config

# Dense bf16 peaks with fp32 sums, TFLOP/s, from the makers' data sheets; the first whose words are in the name counts.
PEAKS = {
    "B200": 2250.0,
    "GH200": 989.4,
    "H200 NVL": 835.5,
    "H200": 989.4,
    "H100 PCIe": 756.5,
    "H100 NVL": 835.5,
    "H100": 989.4,
    "H800": 989.4,
    "A100": 311.9,
    "A800": 311.9,
    "L40S": 362.1,
    "RTX 6000 Ada": 364.2,
    "L40": 181.1,
    "L4": 121.0,
    "A6000": 154.8,
    "A40": 149.7,
    "A30": 165.0,
    "A10G": 70.0,
    "A10": 125.0,
    "RTX 5090": 209.5,
    "RTX 4090": 165.2,
    "RTX 3090": 71.0,
}


def peak_flops(device_name: str) -> float | None:
    """Dense bf16 operations a second of a GPU by the name that CUDA gives it; None where it is not known."""
    for name, tera in PEAKS.items():
        if re.search(rf"\b{name}\b", device_name):
            return tera * 1e12
    return None


@dataclass(frozen=True)
class StepShape:
    """The windows of a step: crops or whole pictures."""

    windows: int
    """Of all ranks."""
    width: int
    height: int
    share: float
    """Of all steps."""


def shapes(config: Config) -> list[StepShape]:
    """The kinds of steps that training takes."""
    data = config.data
    if not data.crop_width:
        return [StepShape(config.train.batch, data.width, data.height, 1.0)]
    whole = 1 / data.whole_every
    return [
        StepShape(config.train.batch, data.crop_width, data.crop_height, 1 - whole),
        StepShape(config.whole_batch, data.width, data.height, whole),
    ]


def sizes(config: Config, width: int, height: int) -> Sizes:
    """The tokens of a window of pictures of that size, px."""
    side, size, way = config.codec.patch * config.model.patch, config.model, injection(config)
    each = config.action_tokens + (config.codec.time if config.actions.cursor == "coords" else 0)
    count = each * (way.lag(config) + 1) if way.takes_tokens else 0
    text = 0 if size.text == "none" else size.text_tokens
    cells = (width // side) * (height // side)
    return Sizes(config.latent_window, cells, count, count if way.among_picture else 0, text)


def tokens_a_step(config: Config) -> float:
    """Picture tokens of an average step, all ranks together."""
    return sum(
        shape.share * shape.windows * sizes(config, shape.width, shape.height).picture for shape in shapes(config)
    )


def training_flops(config: Config) -> float:
    """Operations of an average step, all ranks together, without what is computed again."""
    passes = objective(config).passes
    return sum(
        passes * shape.share * shape.windows * sum(forward_flops(config, shape.width, shape.height).values())
        for shape in shapes(config)
    )


def forward_flops(config: Config, width: int, height: int, dense: bool = False) -> dict[str, float]:
    """Operations (2 a multiply-add) of a pass over one window, by part.

    With S tokens, D the width, F of the feed-forward, L text tokens, P pairs that the mask lets through, a block takes
    8 S D² + 4 P D (self-attention), 4 S D² + 4 L D² + 4 S L D (text), 4 S D F (feed-forward) and what actions take.

    Args:
        dense: count the pairs that a mask hides too, as a kernel that only masks them computes them.
    """
    n, size, actions = sizes(config, width, height), config.model, config.actions
    dim, tokens, text = size.dim, n.tokens, n.text
    joint = FrameMask(n.frames, n.frames, n.cells, n.late, size.window, actions.lag, causal=size.causal)
    alone = FrameMask(n.frames, n.frames, n.cells, window=size.window, causal=size.causal)
    pairs = tokens**2 if dense else joint.pairs()
    if n.late:  # picture tokens attend twice: with actions and without
        pairs += n.picture**2 if dense else alone.pairs()
    block = {
        "projections": 8 * tokens * dim**2,
        "attention": 4 * pairs * dim,
        "text": (4 * tokens * dim**2 + 4 * text * dim**2 + 4 * tokens * text * dim) if text else 0,
        "feed-forward": 4 * tokens * dim * size.ffn_dim,
    }
    parts = {name: float(size.layers * value) for name, value in block.items()}
    parts["text"] += _text_encoder(config)
    parts["actions"] = float(_actions(config, n))
    parts["in and out"] = float(_ends(config, n))
    parts["heads"] = float(_pointer_head(config, width, height) + _key_head(config, width, height))
    return parts


def _text_encoder(config: Config) -> float:
    size = config.model
    if size.text == "none":
        return 0
    length, width = size.text_tokens, size.text_dim
    entry = length * (2 * width * size.dim + 2 * size.dim**2)
    if size.text == "supplied":
        return entry
    return entry + TEXT_LAYERS * (24 * length * width**2 + 4 * length**2 * width)


def _actions(config: Config, n: Sizes) -> int:
    size, actions, time = config.model, config.actions, config.codec.time
    way = injection(config)
    if not way.takes_tokens:
        return 0
    dim, seen = size.dim, n.frames * time
    first = 182 * dim if actions.encoding == "raw" else 7 * dim
    total = n.frames * config.action_tokens * 2 * (first + dim**2)
    if actions.cursor == "coords":
        total += seen * 2 * (32 * dim + dim**2)
    return total + way.operations(config, n)


def _ends(config: Config, n: Sizes) -> int:
    """Noise levels to modulation, latents to tokens and back."""
    size, time = config.model, config.codec.time
    dim, cell, side = size.dim, config.codec.channels * size.patch**2, size.patch * config.codec.patch
    total = n.frames * 2 * (256 * dim + 7 * dim**2) + 4 * n.picture * cell * dim
    if size.predicts == "change":
        total += 2 * n.picture * (cell + size.patch**2) * dim
    if config.actions.cursor in ("map", "reference"):
        channels = (time + 1) * (3 if config.actions.cursor == "reference" else 1)
        total += 2 * n.picture * channels * side**2 * dim
    return total


def _key_head(config: Config, width: int, height: int) -> int:
    """One key pressed a window: how many there are is the data's."""
    inner, channels, patch = config.actions.key_width, config.codec.channels, config.codec.patch
    if not inner:
        return 0
    cells = (width // patch) * (height // patch)
    found = math.prod(KERNEL) * inner * (channels + PLACES + inner)
    written = inner * channels + PLACES * channels
    return 2 * cells * (found + written) + 2 * len(KEYS) * (2 * inner + PLACES * channels)


def _pointer_head(config: Config, width: int, height: int) -> int:
    head, codec, frames = config.actions.head_width, config.codec, config.latent_window
    if not head:
        return 0
    window = min(WINDOW, width, height) ** 2
    drawn = 2 * window * 2 * (5 * 25 * head + 9 * head**2 + 9 * head * 3)  # two windows a frame, three convolutions
    pixels = width * height  # out of the codec and into it again
    return frames * (drawn + 2 * codec_class(codec).operations(codec.channels, pixels))
