"""No injection: there are no action tokens; the cursor's map and the heads of pointer and keys stay."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from trainer.model.inject.base import Injection
from trainer.settings.config import Config
from trainer.settings.variants import Check


class NoInjection(Injection):
    """The DiT without actions."""

    takes_tokens: ClassVar[bool] = False

    @classmethod
    def checks(cls, config: Config) -> Iterator[Check]:
        yield Check("train.contrast", config.train.contrast == 0, "0 where actions.inject=none")
