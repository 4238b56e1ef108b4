"""Settings changed by dotted names that exist, checked together, written to a run and read back."""

from __future__ import annotations

import dataclasses
from typing import Any

from manifests.errors import GoaltraceError
from trainer.config import Config

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
        raise GoaltraceError(f"--set {name}: {text!r} is not a {type(current).__name__}") from None
    return dataclasses.replace(config, **{group: dataclasses.replace(groups[group], **{key: value})})


def validated(config: Config) -> Config:
    """The same config; `GoaltraceError` naming the first setting that cannot work."""
    data, codec, actions, model, train = config.data, config.codec, config.actions, config.model, config.train
    for name, known in CHOICES.items():
        group, key = name.split(".")
        if getattr(getattr(config, group), key) not in known:
            raise GoaltraceError(f"--set {name}: must be one of {', '.join(known)}")
    token, full = codec.patch * model.patch, 3 * codec.patch**2
    channels = {"pixel": range(full, full + 1), "pca": range(1, full + 1), "wan": range(16, 17)}[codec.name]
    head_fits = codec.name == "pca" and actions.cursor in ("map", "reference") and model.predicts == "change"
    writes = codec.time == 1 and model.predicts == "change"
    checks = [
        ("codec.patch", codec.patch >= 1 and (codec.name != "wan" or codec.patch == 8), "at least 1, and 8 for wan"),
        ("codec.channels", codec.channels in channels, f"{_span(channels)} for {codec.name}"),
        ("codec.whiten", 0 <= codec.whiten <= 1, "between 0 and 1"),
        ("codec.weights", codec.name != "wan" or bool(codec.weights), "the folder of an AutoencoderKLWan"),
        ("model.patch", model.patch >= 1, "at least 1"),
        ("data.window", data.window >= 2 and (data.window - 1) % codec.time == 0, _window_rule(codec.time)),
        ("data.width", data.width >= token and data.width % token == 0, f"a multiple of {token} px"),
        ("data.height", data.height >= token and data.height % token == 0, f"a multiple of {token} px"),
        ("data.crop_width", data.crop_width in range(0, data.width + 1, token), f"0 or a multiple of {token} px"),
        ("data.crop_height", data.crop_height in range(0, data.height + 1, token), f"0 or a multiple of {token} px"),
        ("data.crop_height", bool(data.crop_height) == bool(data.crop_width), "0 where data.crop_width is, only there"),
        (
            "data.crop_width",
            not (data.latents and data.crop_width),
            "0 with data.latents (whole pictures)",
        ),
        ("data.whole_every", data.whole_every >= 2, "at least 2"),
        ("data.fps", 0 < data.fps <= 60, "between 0 and 60"),
        ("data.held_out", 0 < data.held_out < 1, "between 0 and 1"),
        ("data.idle_share", 0 <= data.idle_share <= 1, "between 0 and 1"),
        ("data.workers", 0 <= data.workers <= 256, "between 0 and 256"),
        ("actions.substeps", 1 <= actions.substeps <= 64, "between 1 and 64"),
        ("actions.lag", 0 <= actions.lag <= 64, "between 0 and 64"),
        ("actions.every", actions.every >= 1, "at least 1"),
        ("actions.width", actions.width >= 8 and actions.width % 8 == 0, "a multiple of 8"),
        (
            "actions.head_width",
            actions.head_width == 0 or head_fits,
            "0 unless codec pca, a map and predicts=change",
        ),
        (
            "actions.key_width",
            actions.key_width == 0 or writes,
            "0 unless frames are encoded singly and predicts=change",
        ),
        ("model.layers", model.layers >= 1, "at least 1"),
        ("model.heads", model.heads >= 1 and model.dim % (2 * model.heads) == 0, "a divisor of half of model.dim"),
        ("model.dim", model.dim // max(model.heads, 1) >= 12, "at least 12 a head (3-D RoPE)"),
        ("model.window", model.window >= 0, "0 (all) or more"),
        ("data.texts", model.text != "supplied" or bool(data.texts), "a file of embeddings, as model.text=supplied"),
        ("model.text_dim", model.text != "bytes" or model.text_dim % 16 == 0, "a multiple of 16"),
        ("model.text_tokens", model.text_tokens >= 1, "at least 1"),
        ("train.steps", train.steps >= 1, "at least 1"),
        ("train.batch", train.batch >= 1, "at least 1"),
        ("train.micro", train.micro >= 0, "0 (all at once) or more"),
        ("train.lr", train.lr > 0, "above 0"),
        ("train.head_lr", train.head_lr > 0, "above 0"),
        ("train.shift", train.shift >= 1, "at least 1"),
        ("train.chunk", train.chunk >= 1, "at least 1"),
        ("train.contrast", train.contrast == 0 or actions.inject != "none", "0 where actions.inject=none"),
        ("sample.steps", config.sample.steps >= 1, "at least 1"),
        ("sample.context", 1 <= config.sample.context < data.window, "at least 1 and below data.window"),
        ("sample.frames", config.sample.frames >= 1, "at least 1"),
    ]
    for name, good, want in checks:
        if not good:
            raise GoaltraceError(f"--set {name}: must be {want}")
    return config


def _span(values: range) -> str:
    return f"{values[0]}" if len(values) == 1 else f"{values[0]} to {values[-1]}"


def _window_rule(time: int) -> str:
    return "at least 2 frames" if time == 1 else f"a multiple of {time} frames and one more"


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
