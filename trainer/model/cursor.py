"""The pointer as a picture: where the actions put it, drawn at the model's resolution and patched like the latents."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trainer.model.actions import by_latent
from trainer.model.cache import KVCache
from trainer.model.patches import in_patches
from trainer.settings.config import Config


class CursorMap(nn.Module):
    """Maps of a latent frame and of the frame before it, one token a patch; zero at the start.

    "reference" adds how an arrow looks there (white with a black edge) to where it is.
    """

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.time, self.drawn = config.codec.time, config.actions.cursor == "reference"
        side = config.model.patch * config.codec.patch
        channels = (self.time + 1) * (3 if self.drawn else 1)
        self.proj = nn.Conv3d(channels, config.model.dim, (1, side, side), (1, side, side))
        nn.init.zeros_(self.proj.weight)
        nn.init.zeros_(self.proj.bias)  # type: ignore[arg-type]

    def forward(self, maps: Tensor, before: Tensor, first: bool) -> Tensor:
        """maps [B, T, height, width], before: the map of the frame before each -> [B, F, N, dim]."""
        now = by_latent(maps, self.time, first)  # [B, F, time, height, width]
        then = by_latent(before, self.time, first)[:, :, :1]
        shown = torch.cat([now, then], dim=2).transpose(1, 2)
        if self.drawn:
            edge = F.max_pool3d(shown, (1, 3, 3), 1, (0, 1, 1))
            white, black = shown, (edge - shown).clamp_min(0)
            shown = torch.cat([shown, white - black, edge], dim=1)
        return in_patches(shown.to(self.proj.weight.dtype), self.proj)


def map_before(maps: Tensor, cache: KVCache | None = None) -> Tensor:
    """Each frame's predecessor, maps [B, T, height, width]; nothing before the first."""
    nothing = torch.zeros_like(maps[:, :1])
    joined = torch.cat([nothing, maps], dim=1) if cache is None else cache.look_back("maps", maps, 1, nothing)
    return joined[:, :-1]
