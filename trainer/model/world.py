"""The model that is trained: the DiT, and everything through which conditions enter it."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trainer.model.actions import ActionTokens
from trainer.model.attention import FrameMask
from trainer.model.cache import KVCache
from trainer.model.conditions import Conditions
from trainer.model.cursor import CursorMap, map_before
from trainer.model.dit import DiT
from trainer.model.inject import injection
from trainer.model.key_head import KeyHead
from trainer.model.patches import in_patches
from trainer.model.pointer_head import PointerHead
from trainer.model.rope import turns
from trainer.model.text import ByteText
from trainer.settings.config import Config

MOSTLY_CLOSED = -3.0


class WorldModel(nn.Module):
    """Noisy latents, their noise levels and conditions to a prediction for each latent frame."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        size, actions, codec = config.model, config.actions, config.codec
        self.window, self.causal = size.window, size.causal
        self.lag = actions.lag
        self.text_tokens = size.text_tokens
        way = injection(config)
        self.among_picture = way.among_picture
        text_dim = 0 if size.text == "none" else size.text_dim
        injections = [way.in_block(config, layer) for layer in range(size.layers)]
        self.dit = DiT(codec.channels, size.dim, size.heads, size.ffn_dim, size.patch, text_dim, injections)
        self.text = ByteText(size.text_tokens, size.text_dim) if size.text == "bytes" else None
        self.actions = ActionTokens(config) if way.takes_tokens else None
        self.external = way.before_blocks(config)
        self.cursor = CursorMap(config) if actions.cursor in ("map", "reference") else None
        self.history: nn.Conv3d | None = None
        self.change_gate: nn.Linear | None = None
        self.pointer_head = PointerHead(codec.patch, codec.channels, actions.head_width) if actions.head_width else None
        self.key_head = KeyHead(config) if actions.key_width else None
        self.contrast = Contrast(size.dim) if config.train.contrast else None
        if size.predicts == "change":
            self._start_still(config)

    def _start_still(self, config: Config) -> None:
        """An untrained model answers "nothing changes", and has a gate to go on saying so."""
        size, cell = config.model, (1, config.model.patch, config.model.patch)
        self.history = nn.Conv3d(config.codec.channels, size.dim, cell, cell)
        self.change_gate = nn.Linear(size.dim, math.prod(cell))
        for layer in (self.history, self.change_gate):
            nn.init.zeros_(layer.weight)
        nn.init.zeros_(self.history.bias)  # type: ignore[arg-type]
        nn.init.constant_(self.change_gate.bias, MOSTLY_CLOSED)
        nn.init.normal_(self.dit.proj_out.weight, std=1e-3)  # all but nothing, yet the zeros before it get a gradient
        nn.init.zeros_(self.dit.proj_out.bias)

    def forward(
        self,
        latents: Tensor,
        t: Tensor,
        conditions: Conditions | None = None,
        history: Tensor | None = None,
        cache: KVCache | None = None,
    ) -> Tensor:
        """One pass over F latent frames.

        Args:
            latents: [B, C, F, h, w], noisy.
            t: [B, F] noise level of each frame, 0 clean .. 1 noise.
            conditions: of the T recorded frames that the latent frames cover.
            history: [B, C, F, h, w], for each frame the latents of the frame before it (models that predict a change).
            cache: of earlier frames; these F frames then follow them.

        Returns:
            [B, C, F, h, w]: the velocity n - x, or the change to the frame before. Frame f depends on frames <= f and
            their conditions only.
        """
        out, _, _ = self.answer(latents, t, conditions or Conditions(), history, cache)
        return out

    def answer(
        self,
        latents: Tensor,
        t: Tensor,
        conditions: Conditions,
        history: Tensor | None = None,
        cache: KVCache | None = None,
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """As `forward`; also picture features [B, F, N, dim] and action tokens [B, F, K, dim]."""
        given = conditions
        frames, side = latents.shape[2], self.dit.patch
        rows, columns = latents.shape[3] // side, latents.shape[4] // side
        first = cache is None or cache.next_frame == 0
        maps = given.maps
        if maps is not None and given.keep is not None:
            maps = maps * given.keep[:, None, None, None]
        tokens = None
        if self.actions is not None and given.actions is not None:
            picture = (0, 0) if given.maps is None else (given.maps.shape[3], given.maps.shape[2])
            tokens = self.actions(given.actions, given.points, picture, given.keep, cache)
        entering = latents
        if self.external is not None and tokens is not None:
            entering = self.external(latents, tokens)
        hidden = self.dit.tokens(entering)
        if self.history is not None and history is not None:
            hidden = hidden + in_patches(history, self.history)
        before = None if maps is None else map_before(maps, cache)
        if self.cursor is not None and maps is not None and before is not None:
            hidden = hidden + self.cursor(maps, before, first)
        late = 0
        if self.among_picture and tokens is not None:
            late = tokens.shape[2]
            hidden = torch.cat([hidden, tokens.to(hidden.dtype)], dim=2)
        past, start = (0, 0) if cache is None else (cache.frames, cache.next_frame)
        mask = FrameMask(frames, past + frames, rows * columns, late, self.window, self.lag, causal=self.causal)
        places = turns(frames, rows, columns, self.dit.head_dim, latents.device, start, late)
        text = given.text
        if text is not None and self.text is not None:
            text = self.text(text, given.keep_text)
        elif text is not None and given.keep_text is not None:
            text = text * given.keep_text[:, None, None]
        features = self.dit.features(hidden, t, places, mask, text, tokens, cache)
        cells = self.dit.cells(features)
        if self.change_gate is not None:
            cells = cells * self.change_gate(features).sigmoid()[..., None]
        out = self.dit.picture(cells, rows)
        if self.pointer_head is not None and maps is not None and before is not None and history is not None:
            out = out + self.pointer_head(history, maps, before)
        if self.key_head is not None and given.actions is not None and history is not None:
            out = out + self.key_head(history, given.actions, given.keep)
        if cache is not None:
            cache.advance(frames)
        return out, features, tokens

    def groups(self) -> dict[str, list[nn.Parameter]]:
        """Parameters by learning rate: "base", "actions" (whatever takes actions in), "head" (pointer and keys)."""
        groups: dict[str, list[nn.Parameter]] = {"base": [], "actions": [], "head": []}
        for name, weight in self.named_parameters():
            groups[_group(name)].append(weight)
        return groups

    def parts(self) -> dict[str, int]:
        """Number of parameters of each part."""
        counts: dict[str, int] = {}
        for name, weight in self.named_parameters():
            part = "injection" if ".inject." in name or name.startswith("external.") else name.split(".")[0]
            counts[part] = counts.get(part, 0) + weight.numel()
        return counts


def _group(name: str) -> str:
    part = name.split(".", maxsplit=1)[0]
    if part in ("pointer_head", "key_head"):
        return "head"
    return "actions" if part in ("actions", "external", "cursor", "contrast") or ".inject." in name else "base"


class Contrast(nn.Module):
    """Temporal contrast: a frame's features should distinguish its actions from those of the window's other frames.

    InfoNCE (van den Oord et al., arXiv 1807.03748) over the frames of each window, both ways.
    """

    def __init__(self, dim: int, width: int = 64) -> None:
        super().__init__()
        self.of_picture = nn.Linear(dim, width)
        self.of_actions = nn.Linear(dim, width)

    def forward(self, features: Tensor, tokens: Tensor) -> Tensor:
        """features [B, F, N, dim], tokens [B, F, K, dim] -> the mean loss of each window, [B]."""
        seen = F.normalize(self.of_picture(features.mean(2)).float(), dim=-1)
        done = F.normalize(self.of_actions(tokens.mean(2)).float(), dim=-1)
        scores = seen @ done.transpose(1, 2) / 0.1  # [B, F, F]
        right = torch.arange(scores.shape[1], device=scores.device).expand(scores.shape[0], -1)
        ways = (F.cross_entropy(way, right, reduction="none") for way in (scores.transpose(1, 2), scores))
        loss: Tensor = sum(ways, torch.zeros_like(scores[:, 0])).mean(1) / 2
        return loss
