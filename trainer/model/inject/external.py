"""External injection: the actions move the latents before the DiT sees them, z' = z + dz(z, actions)."""

from __future__ import annotations

from torch import Tensor, nn

from trainer.model.inject.base import Injection, LatentInjection
from trainer.model.inject.internal import FrameAttention
from trainer.model.inject.residual import HEAD_DIM
from trainer.model.sizes import Sizes
from trainer.settings.config import Config


class External(LatentInjection):
    """Patches of latents look at their frame's actions; the answer is zero at the start."""

    def __init__(self, channels: int, patch: int, width: int, dim: int) -> None:
        super().__init__()
        self.fold = nn.Conv3d(channels, width, (1, patch, patch), (1, patch, patch))
        self.attention = FrameAttention(width, width // HEAD_DIM, dim)
        self.unfold = nn.ConvTranspose3d(width, channels, (1, patch, patch), (1, patch, patch))
        nn.init.zeros_(self.unfold.weight)
        nn.init.zeros_(self.unfold.bias)  # type: ignore[arg-type]

    def forward(self, latents: Tensor, actions: Tensor) -> Tensor:
        """latents [B, C, F, h, w], actions [B, F, K, dim] -> moved latents of the same shape."""
        folded = self.fold(latents)
        tokens = folded.flatten(3).permute(0, 2, 3, 1)
        tokens = tokens + self.attention(tokens, actions)
        out: Tensor = latents + self.unfold(tokens.permute(0, 3, 1, 2).reshape(folded.shape))
        return out


class ExternalInjection(Injection):
    """Once, before the blocks, `actions.width` channels wide."""

    @classmethod
    def before_blocks(cls, config: Config) -> LatentInjection | None:
        return External(config.codec.channels, config.model.patch, config.actions.width, config.model.dim)

    @classmethod
    def operations(cls, config: Config, n: Sizes) -> int:
        narrow, cell = config.actions.width, config.codec.channels * config.model.patch**2
        return FrameAttention.operations(n, narrow, config.model.dim) + 4 * n.picture * cell * narrow
