"""Actions to tokens: one small encoder for each way they are written down, and the lagged window of a latent frame."""

from __future__ import annotations

from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trainer.actions import KEYS, RAW_FEATURES, meta
from trainer.actions.keys import MODIFIER_KEYS
from trainer.model.cache import KVCache
from trainer.model.inject import injection
from trainer.settings.config import Config

_KINDS, _BUTTONS, _DIRECTIONS, _MODIFIERS, _CODES = 5, 4, 5, 4, 128
_FREQUENCIES = 8
_KEY_OF_CODE = [0, 1 + KEYS.index("other"), *([0] * 30), *(1 + KEYS.index(chr(code)) for code in range(32, 127)), 0]
"""For each text code of a meta slot, 1 + its number in KEYS; 0: none."""
_WRITING = [
    number for number, name in enumerate(RAW_FEATURES)
    if name.startswith("key:") and name.removeprefix("key:") not in MODIFIER_KEYS
]  # fmt: skip


class RawEncoder(nn.Module):
    """Counts and states, [..., 182] uint8 -> [..., dim]."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.linear_1 = nn.Linear(len(RAW_FEATURES), dim)
        self.linear_2 = nn.Linear(dim, dim)

    def forward(self, actions: Tensor) -> Tensor:
        counts = torch.log1p(actions.to(self.linear_1.weight.dtype))
        out: Tensor = self.linear_2(F.silu(self.linear_1(counts)))
        return out


class MetaEncoder(nn.Module):
    """Slots of click, scroll, type or shortcut (trainer.actions.meta), [..., 24] int16 -> [..., dim]."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.kind = nn.Embedding(_KINDS, dim)
        self.button = nn.Embedding(_BUTTONS, dim)
        self.direction = nn.Embedding(_DIRECTIONS, dim)
        self.key = nn.Embedding(len(KEYS) + 1, dim)
        self.character = nn.Embedding(_CODES, dim, padding_idx=0)
        self.place = nn.Parameter(torch.ones(meta.TEXT, dim) + torch.randn(meta.TEXT, dim) * 0.5)
        self.numbers = nn.Linear(3 + _MODIFIERS, dim)
        self.linear = nn.Linear(dim, dim)

    def forward(self, actions: Tensor) -> Tensor:
        slot = actions.long()
        names = self.kind(slot[..., meta.KIND]) + self.button(slot[..., meta.BUTTON])
        names = names + self.direction(slot[..., meta.DIRECTION]) + self.key(slot[..., meta.KEY])
        bits = (slot[..., meta.HELD, None] >> torch.arange(_MODIFIERS, device=slot.device)) & 1
        amounts = torch.stack([slot[..., number] for number in (meta.COUNT, meta.DRAG, meta.AMOUNT)], -1).clamp_min(0)
        numbers = torch.cat([torch.log1p(amounts.float()), bits.float()], dim=-1).to(self.numbers.weight.dtype)
        text = (self.character(slot[..., meta.FIRST_CHAR :]) * self.place).sum(-2)
        out: Tensor = self.linear(F.silu(names + self.numbers(numbers) + text))
        return out


class PointEncoder(nn.Module):
    """Fourier features of the pointer's place, [..., 2] in 0..1 -> [..., dim]."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.linear_1 = nn.Linear(4 * _FREQUENCIES, dim)
        self.linear_2 = nn.Linear(dim, dim)

    def forward(self, points: Tensor) -> Tensor:
        rates = 2.0 ** torch.arange(_FREQUENCIES, device=points.device) * torch.pi
        angles = (points[..., None] * rates).flatten(-2)
        waves = torch.cat([angles.sin(), angles.cos()], dim=-1).to(self.linear_1.weight.dtype)
        out: Tensor = self.linear_2(F.silu(self.linear_1(waves)))
        return out


def encoder(config: Config, dim: int) -> RawEncoder | MetaEncoder:
    """Slots of actions [..., A] to vectors [..., dim], for the encoding of the settings."""
    return MetaEncoder(dim) if config.actions.encoding == "meta" else RawEncoder(dim)


def typed(actions: Tensor) -> Tensor:
    """Slots in which a key other than a modifier is pressed: [..., A] of either encoding -> bool [...]."""
    if actions.dtype == torch.int16:
        keys: Tensor = actions[..., meta.KIND] >= meta.TYPE
        return keys
    return torch.any(actions.index_select(-1, _writing(actions.device)), -1)


@cache
def _writing(device: torch.device) -> Tensor:
    """Made once: a list as an index would be copied to the GPU, and waited for, in every pass."""
    return torch.tensor(_WRITING, device=device)


@cache
def _key_of_code(device: torch.device) -> Tensor:
    return torch.tensor(_KEY_OF_CODE, device=device)


def key_counts(actions: Tensor) -> Tensor:
    """How often each of KEYS was pressed in a slot, as log(1 + n): [..., A] of either encoding -> float [..., 169]."""
    if actions.dtype != torch.int16:
        return torch.log1p(actions[..., len(RAW_FEATURES) - len(KEYS) :].float())
    counts = torch.zeros(*actions.shape[:-1], len(KEYS) + 1, device=actions.device)
    ones = torch.ones_like(actions[..., meta.KEY :], dtype=counts.dtype)
    typed_keys = _key_of_code(actions.device)[actions[..., meta.FIRST_CHAR :].long()]
    named = torch.cat([actions[..., meta.KEY, None].long(), typed_keys], dim=-1)
    return torch.log1p(counts.scatter_add(-1, named, ones)[..., 1:])


class ActionTokens(nn.Module):
    """Tokens of each latent frame: what was done on the way to it, and, lagged, on the way to `lag` frames before it.

    A token that is not known (hidden by `keep`, before the first frame, no pointer) is the learnt "absent" one.
    """

    def __init__(self, config: Config) -> None:
        super().__init__()
        dim, actions = config.model.dim, config.actions
        self.time = config.codec.time
        self.lag = injection(config).lag(config)
        self.encoder = encoder(config, dim)
        self.points = PointEncoder(dim) if actions.cursor == "coords" else None
        self.each = config.action_tokens + (config.codec.time if self.points is not None else 0)
        self.count = self.each * (self.lag + 1)
        """Tokens of one latent frame."""
        self.position = nn.Parameter(torch.randn(self.count, dim) * 0.02)
        self.absent = nn.Parameter(torch.zeros(dim))

    def forward(
        self,
        actions: Tensor,
        points: Tensor | None,
        size: tuple[int, int],
        keep: Tensor | None,
        cache: KVCache | None,
    ) -> Tensor:
        """actions [B, T, S, A], points [B, T, 2] px of a picture of `size` (width, height) -> [B, F, count, dim]."""
        first = cache is None or cache.next_frame == 0
        tokens = self.encoder(by_latent(actions, self.time, first)).flatten(2, 3)
        absent = self.absent.to(tokens.dtype)
        if self.points is not None:
            places = tokens.new_full((*tokens.shape[:2], self.time, 2), torch.nan, dtype=torch.float32)
            if points is not None:
                scaled = [points[..., axis].float() / side for axis, side in enumerate(size)]
                places = by_latent(torch.stack(scaled, dim=-1), self.time, first)
            known = places.isfinite().all(-1, keepdim=True)
            seen = torch.where(known, self.points(places.nan_to_num()), absent)
            tokens = torch.cat([tokens, seen], dim=2)
        if keep is not None:
            tokens = torch.where(keep[:, None, None, None], tokens, absent)
        frames = tokens.shape[1]
        if self.lag:
            before = absent.expand(tokens.shape[0], self.lag, tokens.shape[2], -1)
            if cache is None:
                tokens = torch.cat([before, tokens], dim=1)
            else:
                tokens = cache.look_back("actions", tokens, self.lag, before)
            starts = range(self.lag, -1, -1)
            tokens = torch.cat([tokens[:, start : start + frames] for start in starts], dim=2)
        out: Tensor = tokens + self.position.to(tokens.dtype)
        return out


def by_latent(x: Tensor, time: int, first: bool) -> Tensor:
    """Frames [B, T, ...] to latent frames [B, F, time, ...].

    The first latent frame of a video (`first`) covers one frame only; what would stand before it is zero.
    """
    if first and time > 1:
        x = torch.cat([torch.zeros_like(x[:, :1]).expand(-1, time - 1, *x.shape[2:]), x], dim=1)
    return x.reshape(len(x), -1, time, *x.shape[2:])
