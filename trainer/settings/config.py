"""What a run is: frozen settings, each with its range, its unit and its reason.

A range is what a machine could carry at all; what settings must be beside each other is in `trainer.settings.checks`
and with the variants that they name.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import field
from typing import Annotated, Literal

from pydantic import AfterValidator, ConfigDict, Field
from pydantic.dataclasses import dataclass
from pydantic_core import PydanticCustomError

from trainer.settings.variants import CODECS, INJECTIONS, OBJECTIVES, variant

STRICT = ConfigDict(strict=True, allow_inf_nan=False)


def one_of(table: Mapping[str, str]) -> AfterValidator:
    """The name of a variant that is registered."""

    def known(name: str) -> str:
        if name not in table:
            raise PydanticCustomError("choice", "must be one of {names}", {"names": ", ".join(table)})
        return name

    return AfterValidator(known)


@dataclass(frozen=True, config=STRICT)
class DataConfig:
    """Frames and windows."""

    width: Annotated[int, Field(ge=1, le=8192)] = 320
    """Px of the model's picture; recordings are letterboxed into it."""
    height: Annotated[int, Field(ge=1, le=8192)] = 192
    fps: Annotated[float, Field(ge=0.01, le=60)] = 5.0
    """Frames a second that the model sees; picked from the recording by its time stamps."""
    window: Annotated[int, Field(ge=2, le=4096)] = 3
    """Frames of a training window; the first is given, the others are learnt."""
    crop_width: Annotated[int, Field(ge=0, le=8192)] = 128
    crop_height: Annotated[int, Field(ge=0, le=8192)] = 96
    """Px of the part of the picture that most steps see, mostly where something happens; 0: always the whole."""
    whole_every: Annotated[int, Field(ge=2, le=10**9)] = 4
    """With crops, every n-th step sees whole pictures (a quarter as many windows when a crop is a quarter)."""
    held_out: Annotated[float, Field(ge=0.001, le=0.999)] = 0.15
    """Share of sessions (by hash of the session id) that are never trained on."""
    idle_share: Annotated[float, Field(ge=0, le=1)] = 0.25
    """Share kept of the windows in which nothing is done and nothing changes."""
    cache_mb: Annotated[int, Field(ge=0, le=10**9)] = 2048
    """Decoded frames kept in memory; should hold twice `shuffle` frames."""
    shuffle: Annotated[int, Field(ge=0, le=10**9)] = 4096
    """Windows that are mixed with each other: those of a clip come within so many places; 0: all."""
    workers: Annotated[int, Field(ge=0, le=256)] = 1
    """Threads that decode ahead; 0 decodes in the loop."""
    mix: str = ""
    """Weights of clips, e.g. "arm:scripted=3,kind:terminal=0.5,intent=1"; empty: all the same."""
    latents: str = ""
    """Folder that `goaltrace encode` wrote; empty: frames are encoded in the loop."""
    texts: str = ""
    """model.text=supplied: safetensors file of embeddings [L, text_dim], each named by the SHA-256 of its goal."""


@dataclass(frozen=True, config=STRICT)
class CodecConfig:
    """Pixels to latents and back."""

    name: Annotated[str, one_of(CODECS)] = "pca"
    """pixel (8-bit values as they are), pca (closed form, fitted in seconds) or wan (AutoencoderKLWan, own weights)."""
    patch: Annotated[int, Field(ge=1, le=64)] = 8
    """Px a side of one latent cell; 8 for wan."""
    channels: int = 48
    """3 patch² for pixel, 16 for wan."""
    whiten: Annotated[float, Field(ge=0, le=1)] = 0.5
    """pca: channels are divided by std**whiten; 0 keeps pixel error, 1 gives every channel unit variance."""
    fit_frames: Annotated[int, Field(ge=1, le=10**6)] = 256
    """pca: frames it is fitted to."""
    weights: str = ""
    """wan: folder of the AutoencoderKLWan."""

    @property
    def time(self) -> int:
        """Frames that one latent frame covers, after the first, which stands alone."""
        time: int = variant(CODECS, self.name).time
        return time


@dataclass(frozen=True, config=STRICT)
class ActionsConfig:
    """How actions are written down, and how they enter the model."""

    encoding: Literal["raw", "meta"] = "raw"
    """raw (182 counts and states) or meta (two slots of click, scroll, type or shortcut a frame)."""
    substeps: Annotated[int, Field(ge=1, le=64)] = 3
    """raw: tokens between two of the model's frames, in order of time; meta always has its two slots."""
    lag: Annotated[int, Field(ge=0, le=64)] = 1
    """Earlier latent frames whose action tokens a frame also sees."""
    inject: Annotated[str, one_of(INJECTIONS)] = "internal"
    """internal, residual, contextual or external (arXiv 2604.06425); none: no action tokens (cursor and heads stay)."""
    every: Annotated[int, Field(ge=1, le=1024)] = 1
    """internal, residual: every n-th block has it."""
    width: Annotated[int, Field(ge=8, le=8192, multiple_of=8)] = 64
    """external, residual: channels of the branch."""
    cursor: Literal["none", "coords", "map", "reference"] = "map"
    """none, coords (Fourier features beside the actions), map (rendered) or reference (map and a drawn arrow)."""
    head_width: Annotated[int, Field(ge=0, le=1024)] = 12
    """Channels of the convolutional head that draws the pointer px by px; 0: none. Needs the pca codec and a map."""
    key_width: Annotated[int, Field(ge=0, le=4096)] = 64
    """Channels of the convolutional head that writes what is typed; 0: none. Needs a codec of single frames."""


@dataclass(frozen=True, config=STRICT)
class ModelConfig:
    """The DiT."""

    dim: Annotated[int, Field(ge=12, le=32768)] = 128
    layers: Annotated[int, Field(ge=1, le=1024)] = 4
    heads: Annotated[int, Field(ge=1, le=1024)] = 2
    ffn_dim: Annotated[int, Field(ge=1, le=2**18)] = 384
    patch: Annotated[int, Field(ge=1, le=64)] = 2
    """Latent cells a side in one token."""
    window: Annotated[int, Field(ge=0, le=4096)] = 0
    """Latent frames that a token sees, its own among them; 0: all before it."""
    causal: bool = True
    """False: every frame sees every frame, as in Wan; such a model cannot be rolled out frame by frame."""
    predicts: Literal["change", "velocity"] = "change"
    """change (to the frame before; a screen is mostly still) or velocity (as Wan does)."""
    text: Literal["none", "bytes", "supplied"] = "none"
    """none, bytes (goals by a small encoder that learns along) or supplied (embeddings from a file, --text)."""
    text_dim: Annotated[int, Field(ge=1, le=2**16)] = 256
    """Width of the text embeddings; 4096 for Wan's umT5."""
    text_tokens: Annotated[int, Field(ge=1, le=2**16)] = 32
    """bytes: tokens a goal becomes; supplied: the longest that is kept."""
    init: str = ""
    """A file or folder of Wan2.1 weights (diffusers' or the original names) that the DiT starts from."""


@dataclass(frozen=True, config=STRICT)
class TrainConfig:
    """Optimisation."""

    steps: Annotated[int, Field(ge=1, le=10**9)] = 400
    max_seconds: Annotated[float, Field(ge=0, le=10**9)] = 0.0
    """Stop after this much training in one call; 0: no limit."""
    batch: Annotated[int, Field(ge=1, le=2**20)] = 32
    """Windows (or crops of windows) a step, over all ranks."""
    micro: Annotated[int, Field(ge=0, le=2**20)] = 0
    """Windows that a rank sends through the model at once, to save memory; 0: all its windows of the step."""
    lr: Annotated[float, Field(ge=1e-12, le=1e12)] = 5e-4
    """Rises over `warmup` steps, then falls in a straight line to a tenth at the end of steps or time."""
    head_lr: Annotated[float, Field(ge=1e-12, le=1e12)] = 1e-3
    """The same for the heads of pointer and keys, which are small and see few px."""
    action_rate: Annotated[float, Field(ge=0, le=10**6)] = 1.0
    """Learning rate of everything that takes actions in, as a multiple of `lr`; 5 when starting from a video model."""
    warmup: Annotated[int, Field(ge=0, le=10**9)] = 20
    weight_decay: Annotated[float, Field(ge=0, le=10**6)] = 0.01
    clip: Annotated[float, Field(ge=1e-12, le=1e12)] = 1.0
    ema: Annotated[float, Field(ge=0, le=1)] = 0.98
    objective: Annotated[str, one_of(OBJECTIVES)] = "flow"
    """flow (flow matching)."""
    forcing: Literal["diffusion", "teacher"] = "diffusion"
    """diffusion (each chunk has a noise level of its own) or teacher (one chunk, drawn by lot, is noisy)."""
    chunk: Annotated[int, Field(ge=1, le=4096)] = 1
    """Latent frames that share a noise level."""
    shift: Annotated[float, Field(ge=1, le=1000)] = 3.0
    """Moves noise levels up: t' = shift t / (1 + (shift - 1) t)."""
    history_noise: Annotated[float, Field(ge=0, le=1)] = 0.1
    """Largest noise added to the frame before, so that the model can stand its own errors."""
    action_dropout: Annotated[float, Field(ge=0, le=1)] = 0.1
    text_dropout: Annotated[float, Field(ge=0, le=1)] = 0.1
    contrast: Annotated[float, Field(ge=0, le=10**6)] = 0.0
    """Weight of the temporal contrastive loss between actions and what the model makes of them; 0: none."""
    pointer_weight: Annotated[float, Field(ge=0, le=10**6)] = 20.0
    """Extra weight of the loss where the pointer is or was: it is a handful of pixels among thousands."""
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """auto (bf16 on CUDA, else fp32), fp32 or bf16: of the arithmetic; weights and moments are fp32."""
    recompute: bool = False
    """Keep no activations inside blocks and compute them again: slower, far less memory."""
    compile: bool = False
    """torch.compile each block."""
    save_seconds: Annotated[float, Field(ge=0, le=10**9)] = 30.0
    """Time between checkpoints."""
    save_steps: Annotated[int, Field(ge=0, le=10**9)] = 0
    """Steps between checkpoints; 0: by time only."""
    keep: Annotated[int, Field(ge=0, le=10**9)] = 2
    """Checkpoints kept; 0: all."""
    head_steps: Annotated[int, Field(ge=0, le=10**9)] = 400
    """Steps on parts around moving pointers, and on parts where something is typed, that give the heads a start."""
    reader_steps: Annotated[int, Field(ge=0, le=10**9)] = 600
    """Steps to fit the pointer reader that evaluation uses; 0: none."""


@dataclass(frozen=True, config=STRICT)
class SampleConfig:
    """Roll-outs."""

    steps: Annotated[int, Field(ge=1, le=1000)] = 3
    """Euler steps a frame."""
    still: Annotated[float, Field(ge=0, le=10**6)] = 0.12
    """A cell that changes by less (rms, latent units) stays exactly as it was, so that nothing drifts."""
    recall: Annotated[float, Field(ge=0, le=10**6)] = 0.5
    """What the pointer uncovers is again what was there before it came, if it is off by less (rms); 0: never."""
    context: Annotated[int, Field(ge=1, le=4096)] = 2
    """Frames before the new one that the model sees."""
    frames: Annotated[int, Field(ge=1, le=10**6)] = 15
    """Frames generated in evaluation."""


@dataclass(frozen=True, config=STRICT)
class Config:
    """All settings of a run."""

    data: DataConfig = field(default_factory=DataConfig)
    codec: CodecConfig = field(default_factory=CodecConfig)
    actions: ActionsConfig = field(default_factory=ActionsConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    train: TrainConfig = field(default_factory=TrainConfig)
    sample: SampleConfig = field(default_factory=SampleConfig)

    @property
    def whole_batch(self) -> int:
        """Windows of a step that sees whole pictures: as many px as a step of crops."""
        data = self.data
        if not data.crop_width:
            return self.train.batch
        return max(1, self.train.batch * data.crop_width * data.crop_height // (data.width * data.height))

    @property
    def grid(self) -> tuple[int, int]:
        """Tokens of one frame: rows, columns."""
        token = self.codec.patch * self.model.patch
        return self.data.height // token, self.data.width // token

    @property
    def tokens_per_frame(self) -> int:
        return math.prod(self.grid)

    @property
    def latent_window(self) -> int:
        """Latent frames of a training window."""
        return 1 + (self.data.window - 1) // self.codec.time

    @property
    def action_tokens(self) -> int:
        """Action tokens of one latent frame, without lag."""
        return self.codec.time * (2 if self.actions.encoding == "meta" else self.actions.substeps)
