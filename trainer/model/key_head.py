"""Writes what is typed: one key after the other, each a small change to the latents near where text is entered.

A transformer finds out which of a hundred keys writes which glyph, and where, in hours of a GPU. Here a convolution
finds the places, in the frame before, and each key has a glyph of its own to put there: 400 steps of two CPU cores.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trainer.actions import KEYS
from trainer.model.actions import key_counts, typed
from trainer.settings.config import Config

KERNEL = (
    3,
    5,
)  # cells; two layers reach two rows and four columns, the width of a character of text and its neighbours
PLACES = 12  # kinds of places to write at: parts of a glyph, and how it may lie on the cells


class KeyHead(nn.Module):
    """Latents of the frame before, and the keys since, to a change of latents; starts as nothing."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        width, channels = config.actions.key_width, config.codec.channels
        reach = (KERNEL[0] // 2, KERNEL[1] // 2)
        self.conv_1 = nn.Conv2d(channels, width, KERNEL, padding=reach)
        self.conv_2 = nn.Conv2d(width, PLACES + width, KERNEL, padding=reach)
        self.modulation = nn.Linear(len(KEYS), 2 * width)
        self.conv_3 = nn.Conv2d(width, channels, 1)
        self.glyphs = nn.Linear(len(KEYS), PLACES * channels)
        for layer in (self.conv_3, self.glyphs):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]

    def forward(self, history: Tensor, actions: Tensor, keep: Tensor | None = None) -> Tensor:
        """What the keys change.

        Args:
            history: [B, C, F, h, w], latents of the frame before each frame.
            actions: [B, F, S, A]; slots in which no key is pressed change nothing.
            keep: bool [B]; False hides a sample's keys.

        Returns:
            Change of the latents, [B, C, F, h, w].
        """
        pressed = typed(actions).flatten(0, 1)  # [B F, S]
        if keep is not None:
            pressed = pressed & keep.repeat_interleave(actions.shape[1])[:, None]
        rows = pressed.int().argsort(dim=0, descending=True, stable=True)  # those with a key first
        counts: list[int] = pressed.sum(0).tolist()  # the only time that a GPU is waited for
        change = history.new_zeros(history.shape).movedim(2, 1).flatten(0, 1)
        screen = history.movedim(2, 1).flatten(0, 1)
        keys = key_counts(actions).flatten(0, 1).to(history.dtype)
        if not any(counts):  # weights without a gradient would leave other ranks waiting
            change = change + 0 * self._press(screen[:1], keys[:1, 0]).sum()
        for slot, count in enumerate(counts):
            if count:
                chosen = rows[:count, slot]
                step = self._press((screen + change)[chosen], keys[chosen, slot])
                change = change.index_add(0, chosen, step.to(change.dtype))
        return change.reshape(len(history), -1, *change.shape[1:]).movedim(1, 2)

    def _press(self, screen: Tensor, keys: Tensor) -> Tensor:
        """screen [n, C, h, w], keys [n, 169] -> change [n, C, h, w]: glyphs, and what else a key does (the cursor)."""
        found = self.conv_2(F.silu(self.conv_1(screen)))
        places, seen = F.silu(found[:, :PLACES]), found[:, PLACES:]
        scale, shift = self.modulation(keys)[:, :, None, None].chunk(2, 1)
        rest: Tensor = self.conv_3(F.silu(seen * (1 + scale) + shift))
        glyphs = self.glyphs(keys).reshape(len(keys), PLACES, -1)
        return rest + torch.einsum("nphw,npc->nchw", places, glyphs)
