"""Settings changed by dotted names that exist, written to a run and read back."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, get_args

from annotated_types import Ge, Le
from pydantic import ValidationError

from manifests.errors import GoaltraceError
from trainer.settings.checks import refused, validated, value_of
from trainer.settings.config import Config

WORDS = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}
SWITCH = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
OUTSIDE = ("greater_than_equal", "less_than_equal", "finite_number")  # pydantic's names of errors


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
    try:
        return dataclasses.replace(config, **{group: dataclasses.replace(groups[group], **{key: value})})
    except ValidationError as error:
        raise _line(error, groups[group], group, "--set ") from None


def _line(error: ValidationError, group: Any, name: str, where: str) -> GoaltraceError:
    """The line for the first setting of `group` (called `name`) that is outside its range."""
    first = error.errors()[0]
    key, value = str(first["loc"][0]), first["input"]
    place, kind = f"{name}.{key}", first["type"]
    if kind in OUTSIDE:
        low, high = range_of(group, key)
        return refused(where, place, value, f"between {low:,} and {high:,}")
    if kind == "literal_error":
        known = get_args(type(group).__pydantic_fields__[key].annotation)
        return refused(where, place, value, f"one of {', '.join(known)}")
    if kind in ("choice", "multiple_of"):
        return refused(where, place, value, first["msg"].removeprefix("Input should be ").removeprefix("must be "))
    return GoaltraceError(f"{where}{place}: {value!r} is not {WORDS[type(getattr(group, key))]}")


def range_of(group: Any, key: str) -> tuple[float, float]:
    """The least and the largest value of a setting of that group; infinite where its field names none."""
    bounds = type(group).__pydantic_fields__[key].metadata
    low: Any = next((bound.ge for bound in bounds if isinstance(bound, Ge)), float("-inf"))
    high: Any = next((bound.le for bound in bounds if isinstance(bound, Le)), float("inf"))
    return low, high


def with_whole_paths(config: Config) -> Config:
    """The same config with every path from the root: a run is opened from other folders than it was begun in."""
    for name in ("data.latents", "data.texts", "codec.weights", "model.init"):
        if value_of(config, name):
            config = _replace(config, name, str(Path(value_of(config, name)).resolve()))
    return config


def to_dict(config: Config) -> dict[str, Any]:
    return dataclasses.asdict(config)


def from_dict(data: Any, where: str) -> Config:
    """Read `to_dict`'s output back; `where` names the file in errors. A setting that it lacks has its default."""
    defaults = {part.name: getattr(Config(), part.name) for part in dataclasses.fields(Config)}
    try:
        if set(data) != set(defaults):
            raise GoaltraceError(f"{where}: config: groups must be {', '.join(defaults)}; train it again")
        made: dict[str, Any] = {}
        for name, group in defaults.items():
            known = {part.name for part in dataclasses.fields(group)}
            for key in data[name]:
                if key not in known:
                    raise GoaltraceError(f"{where}: config.{name}.{key}: unknown; the run is of another release")
            try:
                made[name] = type(group)(**data[name])
            except ValidationError as error:
                raise _line(error, group, name, f"{where}: config.") from None
    except (TypeError, AttributeError):
        raise GoaltraceError(f"{where}: config: not a GoalTrace run; train it again") from None
    return validated(Config(**made), f"{where}: config.")
