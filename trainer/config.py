"""What a run is: frozen settings, each with its unit and its reason."""

from __future__ import annotations

import math
from dataclasses import dataclass, field


@dataclass(frozen=True)
class DataConfig:
    """Frames and windows."""

    width: int = 320
    """Px of the model's picture; recordings are letterboxed into it."""
    height: int = 192
    fps: float = 5.0
    """Frames a second that the model sees; picked from the recording by its time stamps."""
    window: int = 3
    """Frames of a training window; the first is given, the others are learnt."""
    crop_width: int = 128
    crop_height: int = 96
    """Px of the part of the picture that most steps see, mostly where something happens; 0: always the whole."""
    whole_every: int = 4
    """With crops, every n-th step sees whole pictures (a quarter as many windows when a crop is a quarter)."""
    held_out: float = 0.15
    """Share of sessions (by hash of the session id) that are never trained on."""
    idle_share: float = 0.25
    """Share kept of the windows in which nothing is done and nothing changes."""
    cache_mb: int = 2048
    """Decoded frames kept in memory; should hold twice `shuffle` frames."""
    shuffle: int = 4096
    """Windows that are mixed with each other: those of a clip come within so many places; 0: all."""
    workers: int = 1
    """Threads that decode ahead; 0 decodes in the loop."""
    mix: str = ""
    """Weights of clips, e.g. "arm:scripted=3,kind:terminal=0.5,intent=1"; empty: all the same."""
    latents: str = ""
    """Folder that `goaltrace encode` wrote; empty: frames are encoded in the loop."""
    texts: str = ""
    """model.text=supplied: safetensors file of embeddings [L, text_dim], each named by the SHA-256 of its goal."""


@dataclass(frozen=True)
class CodecConfig:
    """Pixels to latents and back."""

    name: str = "pca"
    """pixel (8-bit values as they are), pca (closed form, fitted in seconds) or wan (AutoencoderKLWan, own weights)."""
    patch: int = 8
    """Px a side of one latent cell; 8 for wan."""
    channels: int = 48
    """3 patch² for pixel, 16 for wan."""
    whiten: float = 0.5
    """pca: channels are divided by std**whiten; 0 keeps pixel error, 1 gives every channel unit variance."""
    fit_frames: int = 256
    """pca: frames it is fitted to."""
    weights: str = ""
    """wan: folder of the AutoencoderKLWan."""

    @property
    def time(self) -> int:
        """Frames that one latent frame covers, after the first, which stands alone."""
        return 4 if self.name == "wan" else 1


@dataclass(frozen=True)
class ActionsConfig:
    """How actions are written down, and how they enter the model."""

    encoding: str = "raw"
    """raw (182 counts and states) or meta (two slots of click, scroll, type or shortcut a frame)."""
    substeps: int = 3
    """raw: tokens between two of the model's frames, in order of time; meta always has its two slots."""
    lag: int = 1
    """Earlier latent frames whose action tokens a frame also sees."""
    inject: str = "internal"
    """internal, residual, contextual or external (arXiv 2604.06425); none: no action tokens (cursor and heads stay)."""
    every: int = 1
    """internal, residual: every n-th block has it."""
    width: int = 64
    """external, residual: channels of the branch."""
    cursor: str = "map"
    """none, coords (Fourier features beside the actions), map (rendered) or reference (map and a drawn arrow)."""
    head_width: int = 12
    """Channels of the convolutional head that draws the pointer px by px; 0: none. Needs the pca codec and a map."""
    key_width: int = 64
    """Channels of the convolutional head that writes what is typed; 0: none. Needs a codec of single frames."""


@dataclass(frozen=True)
class ModelConfig:
    """The DiT."""

    dim: int = 128
    layers: int = 4
    heads: int = 2
    ffn_dim: int = 384
    patch: int = 2
    """Latent cells a side in one token."""
    window: int = 0
    """Latent frames that a token sees, its own among them; 0: all before it."""
    causal: bool = True
    """False: every frame sees every frame, as in Wan; such a model cannot be rolled out frame by frame."""
    predicts: str = "change"
    """change (to the frame before; a screen is mostly still) or velocity (as Wan does)."""
    text: str = "none"
    """none, bytes (goals by a small encoder that learns along) or supplied (embeddings from a file, --text)."""
    text_dim: int = 256
    """Width of the text embeddings; 4096 for Wan's umT5."""
    text_tokens: int = 32
    """bytes: tokens a goal becomes; supplied: the longest that is kept."""
    init: str = ""
    """A file or folder of Wan2.1 weights (diffusers' or the original names) that the DiT starts from."""


@dataclass(frozen=True)
class TrainConfig:
    """Optimisation."""

    steps: int = 400
    max_seconds: float = 0.0
    """Stop after this much training in one call; 0: no limit."""
    batch: int = 32
    """Windows (or crops of windows) a step, over all ranks."""
    micro: int = 0
    """Windows that a rank sends through the model at once, to save memory; 0: all its windows of the step."""
    lr: float = 5e-4
    """Rises over `warmup` steps, then falls in a straight line to a tenth at the end of steps or time."""
    head_lr: float = 1e-3
    """The same for the heads of pointer and keys, which are small and see few px."""
    action_rate: float = 1.0
    """Learning rate of everything that takes actions in, as a multiple of `lr`; 5 when starting from a video model."""
    warmup: int = 20
    weight_decay: float = 0.01
    clip: float = 1.0
    ema: float = 0.98
    forcing: str = "diffusion"
    """diffusion (each chunk has a noise level of its own) or teacher (one chunk, drawn by lot, is noisy)."""
    chunk: int = 1
    """Latent frames that share a noise level."""
    shift: float = 3.0
    """Moves noise levels up: t' = shift t / (1 + (shift - 1) t)."""
    history_noise: float = 0.1
    """Largest noise added to the frame before, so that the model can stand its own errors."""
    action_dropout: float = 0.1
    text_dropout: float = 0.1
    contrast: float = 0.0
    """Weight of the temporal contrastive loss between actions and what the model makes of them; 0: none."""
    pointer_weight: float = 20.0
    """Extra weight of the loss where the pointer is or was: it is a handful of pixels among thousands."""
    precision: str = "auto"
    """auto (bf16 on CUDA, else fp32), fp32 or bf16: of the arithmetic; weights and moments are fp32."""
    recompute: bool = False
    """Keep no activations inside blocks and compute them again: slower, far less memory."""
    compile: bool = False
    """torch.compile each block."""
    save_seconds: float = 30.0
    """Time between checkpoints."""
    save_steps: int = 0
    """Steps between checkpoints; 0: by time only."""
    keep: int = 2
    """Checkpoints kept; 0: all."""
    head_steps: int = 400
    """Steps on parts around moving pointers, and on parts where something is typed, that give the heads a start."""
    reader_steps: int = 600
    """Steps to fit the pointer reader that evaluation uses; 0: none."""


@dataclass(frozen=True)
class SampleConfig:
    """Roll-outs."""

    steps: int = 3
    """Euler steps a frame."""
    still: float = 0.12
    """A cell that changes by less (rms, latent units) stays exactly as it was, so that nothing drifts."""
    recall: float = 0.5
    """What the pointer uncovers is again what was there before it came, if it is off by less (rms); 0: never."""
    context: int = 2
    """Frames before the new one that the model sees."""
    frames: int = 15
    """Frames generated in evaluation."""


@dataclass(frozen=True)
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
