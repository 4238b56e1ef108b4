"""Settings changed by dotted names that exist, checked together, written to a run and read back."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from manifests.errors import GoaltraceError
from trainer.config import Config

WORDS = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}
SWITCH = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
CHOICES = {
    "codec.name": ("pixel", "pca", "wan"),
    "actions.encoding": ("raw", "meta"),
    "actions.inject": ("internal", "residual", "contextual", "external", "none"),
    "actions.cursor": ("none", "coords", "map", "reference"),
    "model.predicts": ("change", "velocity"),
    "model.text": ("none", "bytes", "supplied"),
    "train.forcing": ("diffusion", "teacher"),
    "train.precision": ("auto", "fp32", "bf16"),
}
RANGES: dict[str, tuple[float, float]] = {  # what no machine could carry is refused before it is tried
    "data.width": (1, 8192),
    "data.height": (1, 8192),
    "data.window": (2, 4096),
    "data.crop_width": (0, 8192),
    "data.crop_height": (0, 8192),
    "data.whole_every": (2, 10**9),
    "data.fps": (0.01, 60),
    "data.held_out": (0.001, 0.999),
    "data.idle_share": (0, 1),
    "data.cache_mb": (0, 10**9),
    "data.shuffle": (0, 10**9),
    "data.workers": (0, 256),
    "codec.patch": (1, 64),
    "codec.whiten": (0, 1),
    "codec.fit_frames": (1, 10**6),
    "actions.substeps": (1, 64),
    "actions.lag": (0, 64),
    "actions.every": (1, 1024),
    "actions.width": (8, 8192),
    "actions.head_width": (0, 1024),
    "actions.key_width": (0, 4096),
    "model.dim": (12, 32768),
    "model.layers": (1, 1024),
    "model.heads": (1, 1024),
    "model.ffn_dim": (1, 2**18),
    "model.patch": (1, 64),
    "model.window": (0, 4096),
    "model.text_dim": (1, 2**16),
    "model.text_tokens": (1, 2**16),
    "train.steps": (1, 10**9),
    "train.max_seconds": (0, 10**9),
    "train.batch": (1, 2**20),
    "train.micro": (0, 2**20),
    "train.lr": (1e-12, 1e12),
    "train.head_lr": (1e-12, 1e12),
    "train.action_rate": (0, 10**6),
    "train.warmup": (0, 10**9),
    "train.weight_decay": (0, 10**6),
    "train.clip": (1e-12, 1e12),
    "train.ema": (0, 1),
    "train.chunk": (1, 4096),
    "train.shift": (1, 1000),
    "train.history_noise": (0, 1),
    "train.action_dropout": (0, 1),
    "train.text_dropout": (0, 1),
    "train.contrast": (0, 10**6),
    "train.pointer_weight": (0, 10**6),
    "train.save_seconds": (0, 10**9),
    "train.save_steps": (0, 10**9),
    "train.keep": (0, 10**9),
    "train.head_steps": (0, 10**9),
    "train.reader_steps": (0, 10**9),
    "sample.steps": (1, 1000),
    "sample.still": (0, 10**6),
    "sample.recall": (0, 10**6),
    "sample.context": (1, 4096),
    "sample.frames": (1, 10**6),
}


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
        value = SWITCH[text.lower()] if isinstance(current, bool) else type(current)(text)
    except (ValueError, KeyError):
        raise GoaltraceError(f"--set {name}: {text!r} is not {WORDS[type(current)]}") from None
    return dataclasses.replace(config, **{group: dataclasses.replace(groups[group], **{key: value})})


def validated(config: Config, where: str = "--set ") -> Config:
    """The same config; `GoaltraceError` naming the first setting that cannot work. `where` precedes its name."""

    def wrong(name: str, want: str) -> GoaltraceError:
        value = _value(config, name)
        return GoaltraceError(f"{where}{name}{'' if value == '' else f'={value}'}: must be {want}")

    data, codec, actions, model, train = config.data, config.codec, config.actions, config.model, config.train
    for name, known in CHOICES.items():
        if _value(config, name) not in known:
            raise wrong(name, f"one of {', '.join(known)}")
    for name, (low, high) in RANGES.items():
        if not low <= _value(config, name) <= high:  # NaN is neither
            raise wrong(name, f"between {low:,} and {high:,}")
    token, full = codec.patch * model.patch, 3 * codec.patch**2
    channels = {"pixel": range(full, full + 1), "pca": range(1, full + 1), "wan": range(16, 17)}[codec.name]
    head_fits = codec.name == "pca" and actions.cursor in ("map", "reference") and model.predicts == "change"
    writes = codec.time == 1 and model.predicts == "change"
    checks = [
        ("codec.patch", codec.name != "wan" or codec.patch == 8, "8 for wan"),
        ("codec.channels", codec.channels in channels, f"{_span(channels)} for {codec.name}"),
        ("codec.weights", codec.name != "wan" or bool(codec.weights), "the folder of an AutoencoderKLWan"),
        ("data.window", (data.window - 1) % codec.time == 0, f"a multiple of {codec.time} frames and one more"),
        ("data.width", data.width % token == 0, f"a multiple of {token} px"),
        ("data.height", data.height % token == 0, f"a multiple of {token} px"),
        ("data.crop_width", data.crop_width in range(0, data.width + 1, token), f"0 or a multiple of {token} px"),
        ("data.crop_height", data.crop_height in range(0, data.height + 1, token), f"0 or a multiple of {token} px"),
        ("data.crop_height", bool(data.crop_height) == bool(data.crop_width), "0 if data.crop_width is, and only then"),
        ("data.crop_width", not (data.latents and data.crop_width), "0 with data.latents, and data.crop_height too"),
        ("actions.width", actions.width % 8 == 0, "a multiple of 8"),
        (
            "actions.head_width",
            not actions.head_width or head_fits,
            "0 unless codec.name=pca, actions.cursor=map or reference, and model.predicts=change",
        ),
        (
            "actions.key_width",
            not actions.key_width or writes,
            "0 unless codec.name=pca or pixel, and model.predicts=change",
        ),
        ("model.heads", model.dim % (2 * model.heads) == 0, "a divisor of half of model.dim"),
        ("model.dim", model.dim // model.heads >= 16, "at least 16 a head (FlexAttention)"),
        ("data.texts", model.text != "supplied" or bool(data.texts), "a file of embeddings, as model.text=supplied"),
        ("model.text_dim", model.text != "bytes" or model.text_dim % 16 == 0, "a multiple of 16"),
        ("train.contrast", train.contrast == 0 or actions.inject != "none", "0 where actions.inject=none"),
        ("sample.context", config.sample.context < data.window, f"below data.window ({data.window})"),
    ]
    for name, good, want in checks:
        if not good:
            raise wrong(name, want)
    return config


def _value(config: Config, name: str) -> Any:
    group, _, key = name.partition(".")
    return getattr(getattr(config, group), key)


def _span(values: range) -> str:
    return f"{values[0]}" if len(values) == 1 else f"{values[0]} to {values[-1]}"


def with_whole_paths(config: Config) -> Config:
    """The same config with every path from the root: a run is opened from other folders than it was begun in."""
    for name in ("data.latents", "data.texts", "codec.weights", "model.init"):
        if _value(config, name):
            config = _replace(config, name, str(Path(_value(config, name)).resolve()))
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
                    raise GoaltraceError(f"{where}: config.{name}.{key}: {value!r} is not {WORDS[kinds[key]]}")
            made[name] = type(group)(**data[name])
    except (TypeError, AttributeError):
        raise GoaltraceError(f"{where}: config: not a GoalTrace run; train it again") from None
    return validated(Config(**made), f"{where}: config.")
