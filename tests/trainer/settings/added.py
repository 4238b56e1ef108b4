"""An injection, a codec and an objective as somebody would add them, each of one class."""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor

from trainer.codec.pixel import PixelCodec
from trainer.model.inject.base import BlockInjection, Injection
from trainer.model.sizes import Sizes
from trainer.objective import Losses
from trainer.objective.flow import FlowObjective
from trainer.settings.config import Config
from trainer.settings.variants import Check


class Added(BlockInjection):
    def inside(self, hidden: Tensor, actions: Tensor) -> Tensor:
        return hidden + actions.mean(2, keepdim=True)


class AddedInjection(Injection):
    """The mean of the tokens on top of the picture's, in the first block."""

    @classmethod
    def checks(cls, config: Config) -> Iterator[Check]:
        yield Check("actions.lag", config.actions.lag < 5, "below 5 for added")

    @classmethod
    def in_block(cls, config: Config, layer: int) -> BlockInjection | None:
        return None if layer else Added()

    @classmethod
    def operations(cls, config: Config, n: Sizes) -> int:
        return 1_000_000

    @classmethod
    def kept(cls, config: Config, n: Sizes, each: int) -> int:
        return 4096 * each


class HalfCodec(PixelCodec):
    """As pixel, under another name."""

    name = "half"

    @classmethod
    def checks(cls, config: Config) -> Iterator[Check]:
        yield Check("codec.patch", config.codec.patch == 2, "2 for half")


class HalvedObjective(FlowObjective):
    """Half the loss of flow matching, for twice its operations."""

    passes = 6

    @classmethod
    def loss(cls, *given: object) -> Losses:  # type: ignore[override]
        losses = super().loss(*given)  # type: ignore[arg-type]
        return Losses(losses.total / 2, losses.parts, losses.by_level)
