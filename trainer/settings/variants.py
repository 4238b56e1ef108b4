"""The variants of a part of the model by the name that a setting gives them: a new one is one line here and its file.

Only names stand here. A variant's module, which needs PyTorch, loads when something is asked of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, NamedTuple

CODECS = {
    "pixel": "trainer.codec.pixel:PixelCodec",
    "pca": "trainer.codec.pca:PCACodec",
    "wan": "trainer.codec.wan:WanCodec",
}
"""codec.name -> a `trainer.codec.base.Codec`."""

INJECTIONS = {
    "internal": "trainer.model.inject.internal:InternalInjection",
    "residual": "trainer.model.inject.residual:ResidualInjection",
    "contextual": "trainer.model.inject.contextual:ContextualInjection",
    "external": "trainer.model.inject.external:ExternalInjection",
    "none": "trainer.model.inject.none:NoInjection",
}
"""actions.inject -> a `trainer.model.inject.base.Injection`."""

OBJECTIVES = {
    "flow": "trainer.objective.flow:FlowObjective",
}
"""train.objective -> a `trainer.objective.base.Objective`."""


class Check(NamedTuple):
    """What one setting must be beside the others."""

    name: str
    """Of the setting that is to be mended, "group.key"."""
    good: bool
    want: str
    """What it must be, after "must be"."""


def variant(table: Mapping[str, str], name: str) -> Any:
    """The class that a name stands for: it has `checks(config)`, and the rest is for the package of its kind to say."""
    module, _, attribute = table[name].partition(":")
    return getattr(import_module(module), attribute)
