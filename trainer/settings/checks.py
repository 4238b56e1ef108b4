"""What settings must be beside each other: their own ranges are in `trainer.settings.config`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from manifests.errors import GoaltraceError
from trainer.settings.config import Config
from trainer.settings.variants import CODECS, INJECTIONS, OBJECTIVES, Check, variant


def validated(config: Config, where: str = "--set ") -> Config:
    """The same config; `GoaltraceError` naming the first setting that cannot work. `where` precedes its name."""
    for check in _checks(config):
        if not check.good:
            raise refused(where, check.name, value_of(config, check.name), check.want)
    return config


def refused(where: str, name: str, value: object, want: str) -> GoaltraceError:
    """The line for a setting that is not what it must be."""
    return GoaltraceError(f"{where}{name}{'' if value == '' else f'={value}'}: must be {want}")


def value_of(config: Config, name: str) -> Any:
    """The value of the setting "group.key"."""
    group, _, key = name.partition(".")
    return getattr(getattr(config, group), key)


def _checks(config: Config) -> Iterator[Check]:
    yield from variant(CODECS, config.codec.name).checks(config)
    yield from _pictures(config)
    yield from _heads(config)
    yield from _model(config)
    yield from variant(INJECTIONS, config.actions.inject).checks(config)
    yield from variant(OBJECTIVES, config.train.objective).checks(config)


def _pictures(config: Config) -> Iterator[Check]:
    data, time, token = config.data, config.codec.time, config.codec.patch * config.model.patch
    yield Check("data.window", (data.window - 1) % time == 0, f"a multiple of {time} frames and one more")
    yield Check("data.width", data.width % token == 0, f"a multiple of {token} px")
    yield Check("data.height", data.height % token == 0, f"a multiple of {token} px")
    sides = (("data.crop_width", data.crop_width, data.width), ("data.crop_height", data.crop_height, data.height))
    for name, side, whole in sides:
        yield Check(name, side in range(0, whole + 1, token), f"0 or a multiple of {token} px")
    both = bool(data.crop_height) == bool(data.crop_width)
    yield Check("data.crop_height", both, "0 if data.crop_width is, and only then")
    whole_only = not (data.latents and data.crop_width)
    yield Check("data.crop_width", whole_only, "0 with data.latents, and data.crop_height too")
    yield Check("sample.context", config.sample.context < data.window, f"below data.window ({data.window})")


def _heads(config: Config) -> Iterator[Check]:
    """The pointer is drawn into the frame before, px by px; keys are written into one frame at a time."""
    actions, changes = config.actions, config.model.predicts == "change"
    codec = variant(CODECS, config.codec.name)
    drawn = codec.linear and actions.cursor in ("map", "reference") and changes
    yield Check(
        "actions.head_width",
        not actions.head_width or drawn,
        f"0 unless codec.name={_codecs('linear', True)}, actions.cursor=map or reference, and model.predicts=change",
    )
    written = codec.time == 1 and changes
    yield Check(
        "actions.key_width",
        not actions.key_width or written,
        f"0 unless codec.name={_codecs('time', 1)}, and model.predicts=change",
    )


def _codecs(attribute: str, value: object) -> str:
    """The names of the codecs of which that is true."""
    return " or ".join(name for name in sorted(CODECS) if getattr(variant(CODECS, name), attribute) == value)


def _model(config: Config) -> Iterator[Check]:
    model = config.model
    yield Check("model.heads", model.dim % (2 * model.heads) == 0, "a divisor of half of model.dim")
    yield Check("model.dim", model.dim // model.heads >= 16, "at least 16 a head (FlexAttention)")
    given = model.text != "supplied" or bool(config.data.texts)
    yield Check("data.texts", given, "a file of embeddings, as model.text=supplied")
    yield Check("model.text_dim", model.text != "bytes" or model.text_dim % 16 == 0, "a multiple of 16")
