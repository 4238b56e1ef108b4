"""What a way of injection states and makes, and what a block offers to it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from torch import Tensor, nn

from trainer.model.sizes import Sizes
from trainer.settings.config import Config
from trainer.settings.variants import Check


class BlockInjection(nn.Module):
    """Adds nothing; each way overrides its own place."""

    gate: Tensor | None
    """[heads], how far picture tokens look at action tokens in self-attention; None: there are none."""

    def __init__(self) -> None:
        super().__init__()
        self.register_parameter("gate", None)

    def inside(self, hidden: Tensor, actions: Tensor) -> Tensor:
        """Between text attention and feed-forward: hidden [B, F, N, dim], actions [B, F, K, dim]."""
        return hidden

    def beside(self, before: Tensor, after: Tensor, actions: Tensor) -> Tensor:
        """Around the block: its input and output [B, F, N, dim]."""
        return after


class LatentInjection(nn.Module):
    """Moves the latents before the DiT sees them."""

    def forward(self, latents: Tensor, actions: Tensor) -> Tensor:
        """latents [B, C, F, h, w], actions [B, F, K, dim] -> moved latents of the same shape."""
        raise NotImplementedError


class Injection:
    """One way in which actions enter the DiT. Each states what differs from this: tokens that nothing looks at."""

    takes_tokens: ClassVar[bool] = True
    """The model makes action tokens."""
    among_picture: ClassVar[bool] = False
    """Action tokens stand among the picture's tokens, and the attention mask is their lagged window."""

    @classmethod
    def checks(cls, config: Config) -> Iterator[Check]:
        """What the settings must hold to with this way."""
        yield from ()

    @classmethod
    def lag(cls, config: Config) -> int:
        """Earlier latent frames whose action tokens are put beside a frame's own."""
        return 0 if cls.among_picture else config.actions.lag

    @classmethod
    def in_block(cls, config: Config, layer: int) -> BlockInjection | None:
        """What block `layer` takes in of the actions; None: nothing."""
        return None

    @classmethod
    def before_blocks(cls, config: Config) -> LatentInjection | None:
        """What moves the latents on their way in; None: nothing."""
        return None

    @classmethod
    def operations(cls, config: Config, n: Sizes) -> int:
        """Of a pass over one window (2 a multiply-add), beside those of the action tokens themselves."""
        return 0

    @classmethod
    def kept(cls, config: Config, n: Sizes, each: int) -> int:
        """Bytes that a block keeps of one window for the backward pass, `each` a number."""
        return 0


def chosen_blocks(config: Config) -> int:
    """How many blocks there are where every `actions.every`-th has the injection."""
    return len(range(0, config.model.layers, config.actions.every))
