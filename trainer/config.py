"""What a run is: frozen settings in named presets, changed only by dotted names that exist."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field
from typing import Any

from manifests.errors import GoaltraceError


@dataclass(frozen=True)
class DataConfig:
    """Frames and windows."""

    width: int = 256
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
    substeps: int = 3
    """Action tokens between two of the model's frames, in order of time."""
    held_out: float = 0.15
    """Share of sessions (by hash of the session id) that are never trained on."""
    idle_share: float = 0.25
    """Share kept of the windows in which nothing is done and nothing changes."""
    cache_mb: int = 2048
    """Decoded frames kept in memory."""
    workers: int = 1
    """Threads that decode ahead; 0 decodes in the loop."""


@dataclass(frozen=True)
class CodecConfig:
    """Closed-form PCA of square patches."""

    patch: int = 8
    channels: int = 48
    whiten: float = 0.5
    """Channels are divided by std**whiten: 0 keeps pixel error, 1 gives every channel unit variance."""
    fit_frames: int = 256


@dataclass(frozen=True)
class ModelConfig:
    """The DiT."""

    dim: int = 128
    layers: int = 4
    heads: int = 2
    ffn_dim: int = 384
    patch: int = 2
    """Latent cells a side in one token."""
    head_width: int = 12
    """Channels of the convolutional head that draws the pointer."""
    lag: int = 1
    """Earlier frames whose action tokens a frame also sees."""


@dataclass(frozen=True)
class TrainConfig:
    """Optimisation."""

    steps: int = 400
    max_seconds: float = 0.0
    """Stop after this much training in one call; 0: no limit."""
    batch: int = 32
    """Windows (or crops of windows) a step."""
    lr: float = 5e-4
    """Rises over `warmup` steps, then falls in a straight line to a tenth at the end of steps or time."""
    head_lr: float = 1e-3
    """The same for the pointer head, which is small and sees few px."""
    warmup: int = 20
    weight_decay: float = 0.01
    clip: float = 1.0
    ema: float = 0.98
    shift: float = 3.0
    """Moves noise levels up: t' = shift t / (1 + (shift - 1) t)."""
    history_noise: float = 0.1
    """Largest noise added to the frame before, so that the model can stand its own errors."""
    action_dropout: float = 0.1
    pointer_weight: float = 20.0
    """Extra weight of the loss where the pointer is or was: it is a handful of pixels among thousands."""
    save_seconds: float = 30.0
    head_steps: int = 400
    """Steps on parts around moving pointers that give the pointer head a start."""
    reader_steps: int = 600
    """Steps to fit the pointer reader that evaluation uses; 0: none."""


@dataclass(frozen=True)
class SampleConfig:
    """Roll-outs."""

    steps: int = 3
    """Euler steps a frame."""
    still: float = 0.05
    """A cell that changes by less (rms, latent units) stays exactly as it was, so that nothing drifts."""
    context: int = 2
    """Frames before the new one that the model sees."""
    frames: int = 15
    """Frames generated in evaluation."""


@dataclass(frozen=True)
class Config:
    """All settings of a run."""

    data: DataConfig = field(default_factory=DataConfig)
    codec: CodecConfig = field(default_factory=CodecConfig)
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


PRESETS: dict[str, Config] = {
    # Learns on two CPU cores in about three minutes that the pointer follows the actions.
    "tiny": Config(train=TrainConfig(max_seconds=110)),
    # For one GPU.
    "small": Config(
        data=DataConfig(width=512, height=384, window=8, crop_width=0, crop_height=0, workers=8, cache_mb=16_384),
        codec=CodecConfig(channels=64, fit_frames=512),
        model=ModelConfig(dim=512, layers=12, heads=8, ffn_dim=2048, head_width=24),
        train=TrainConfig(
            steps=20_000,
            batch=16,
            lr=3e-4,
            head_lr=3e-4,
            warmup=500,
            ema=0.999,
            save_seconds=300,
            head_steps=2000,
            reader_steps=2000,
        ),
        sample=SampleConfig(steps=6, context=4, frames=25),
    ),
}


def preset(name: str) -> Config:
    """A preset by name."""
    if name not in PRESETS:
        raise GoaltraceError(f"--preset {name}: unknown; one of: {', '.join(PRESETS)}")
    return PRESETS[name]


def override(config: Config, settings: list[str]) -> Config:
    """Apply `group.key=value` settings; an unknown key or a wrong value is one line."""
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals:
            raise GoaltraceError(f"--set {setting}: write it as group.key=value, e.g. train.lr=0.001")
        config = _replace(config, name.strip(), text.strip())
    return validated(config)


def _replace(config: Config, name: str, text: str) -> Config:
    group, _, key = name.partition(".")
    groups = {part.name: getattr(config, part.name) for part in dataclasses.fields(config)}
    known = [f"{g}.{part.name}" for g, inner in groups.items() for part in dataclasses.fields(inner)]
    if f"{group}.{key}" not in known:
        near = [item for item in known if item.startswith(f"{group}.") or item.endswith(f".{key or group}")]
        near = near or [f"{item}.*" for item in groups]
        raise GoaltraceError(f"--set {name}: unknown key; known: {', '.join(near)}")
    current = getattr(groups[group], key)
    try:
        value = type(current)(text)
    except ValueError:
        raise GoaltraceError(f"--set {name}: {text!r} is not a {type(current).__name__}") from None
    return dataclasses.replace(config, **{group: dataclasses.replace(groups[group], **{key: value})})


def validated(config: Config) -> Config:
    """The same config; `GoaltraceError` naming the first setting that cannot work."""
    data, codec, model = config.data, config.codec, config.model
    token = codec.patch * model.patch
    checks = [
        ("data.window", data.window >= 2, "at least 2 frames"),
        ("data.width", data.width >= token and data.width % token == 0, f"a multiple of {token} px"),
        ("data.height", data.height >= token and data.height % token == 0, f"a multiple of {token} px"),
        ("data.crop_width", data.crop_width in range(0, data.width + 1, token), f"0 or a multiple of {token} px"),
        ("data.crop_height", data.crop_height in range(0, data.height + 1, token), f"0 or a multiple of {token} px"),
        ("data.crop_height", bool(data.crop_height) == bool(data.crop_width), "0 where data.crop_width is, only there"),
        ("data.whole_every", data.whole_every >= 2, "at least 2"),
        ("data.fps", 0 < data.fps <= 60, "between 0 and 60"),
        ("data.substeps", 1 <= data.substeps <= 64, "between 1 and 64"),
        ("data.held_out", 0 < data.held_out < 1, "between 0 and 1"),
        ("data.idle_share", 0 <= data.idle_share <= 1, "between 0 and 1"),
        ("data.workers", 0 <= data.workers <= 256, "between 0 and 256"),
        ("codec.channels", 1 <= codec.channels <= 3 * codec.patch**2, f"between 1 and {3 * codec.patch**2}"),
        ("codec.whiten", 0 <= codec.whiten <= 1, "between 0 and 1"),
        ("model.layers", model.layers >= 1, "at least 1"),
        ("model.heads", model.heads >= 1 and model.dim % (2 * model.heads) == 0, "a divisor of half of model.dim"),
        ("model.dim", model.dim // max(model.heads, 1) >= 12, "at least 12 a head (3-D RoPE)"),
        ("model.lag", model.lag >= 0, "0 or more"),
        ("train.steps", config.train.steps >= 1, "at least 1"),
        ("train.batch", config.train.batch >= 1, "at least 1"),
        ("train.lr", config.train.lr > 0, "above 0"),
        ("train.head_lr", config.train.head_lr > 0, "above 0"),
        ("train.shift", config.train.shift >= 1, "at least 1"),
        ("sample.steps", config.sample.steps >= 1, "at least 1"),
        ("sample.context", 1 <= config.sample.context < data.window, "at least 1 and below data.window"),
        ("sample.frames", config.sample.frames >= 1, "at least 1"),
    ]
    for name, good, want in checks:
        if not good:
            raise GoaltraceError(f"--set {name}: must be {want}")
    return config


def to_dict(config: Config) -> dict[str, Any]:
    return dataclasses.asdict(config)


def from_dict(data: Any, where: str) -> Config:
    """Read `to_dict`'s output back; `where` names the file in errors."""
    defaults = {part.name: getattr(Config(), part.name) for part in dataclasses.fields(Config)}
    try:
        if set(data) != set(defaults):
            raise GoaltraceError(f"{where}: config: groups must be {', '.join(defaults)}; train it again")
        made: dict[str, Any] = {}
        for name, group in defaults.items():
            kinds = {part.name: type(getattr(group, part.name)) for part in dataclasses.fields(group)}
            for key, value in data[name].items():
                if key not in kinds:
                    raise GoaltraceError(f"{where}: config.{name}.{key}: unknown; the run is of another release")
                if not isinstance(value, kinds[key] if kinds[key] is not float else int | float):
                    raise GoaltraceError(f"{where}: config.{name}.{key}: {value!r} is not a {kinds[key].__name__}")
            made[name] = type(group)(**data[name])
    except (TypeError, AttributeError):
        raise GoaltraceError(f"{where}: config: not a GoalTrace run; train it again") from None
    return validated(Config(**made))
