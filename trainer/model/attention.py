"""The one place where attention is computed, so that a faster kernel is a change in one file.

Without a mask it is PyTorch's scaled dot-product attention, for long sequences by the kernel that PyTorch prefers on
that GPU. With a mask of frames it is FlexAttention on CUDA, which skips what is hidden (it has no backward on a CPU),
else a dense mask.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from trainer.machine.compiling import compiled

LONG = 256  # tokens; cuDNN's kernel gains nothing on fewer, and refuses some such shapes with an error
# Where PyTorch itself does not take cuDNN first, it is one that errs on lengths that are no multiple of 128 (before
# 9.15.1), or slower than flash attention; and with a mask its gradients can be NaN (pytorch/pytorch#196678).
_NOT_CUDNN = [SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH]


@dataclass(frozen=True)
class FrameMask:
    """Which tokens see which, by their frames: block-causal, in a window.

    Tokens lie frame after frame: first `picture` tokens, then, if `late` > 0, that many action tokens. The queries'
    frames are the last ones of the keys' frames (more keys than queries: a cache).
    """

    query_frames: int
    key_frames: int
    picture: int
    """Picture tokens of a frame."""
    late: int = 0
    """Action tokens of a frame that are among the queries and the keys."""
    window: int = 0
    """Frames that a token sees, its own among them; 0: all before it."""
    lag: int = 0
    """Earlier frames whose action tokens a token sees."""
    causal: bool = True
    """False: every token sees every token."""

    @property
    def queries(self) -> int:
        return self.query_frames * (self.picture + self.late)

    @property
    def keys(self) -> int:
        return self.key_frames * (self.picture + self.late)

    @property
    def hides_nothing(self) -> bool:
        if not self.causal:
            return True
        reaches = not self.window or self.key_frames <= self.window
        return self.query_frames == 1 and reaches and not (self.late and self.key_frames > 1)

    def sees(self, query: Tensor, key: Tensor) -> Tensor:
        """Elementwise over token numbers: may this query look at this key?"""
        if not self.causal:
            return (query >= 0) & (key >= 0)
        each = self.picture + self.late
        query_frame = query // each + (self.key_frames - self.query_frames)
        key_frame = key // each
        seen = query_frame >= key_frame
        if self.window:
            seen = seen & (query_frame - key_frame < self.window)
        if self.late:
            action = key % each >= self.picture
            seen = seen & (~action | (query_frame - key_frame <= self.lag))
        return seen

    def pairs(self) -> int:
        """Query-key pairs that are computed, for counting operations."""
        if not self.causal:
            return self.queries * self.keys
        total = 0
        for query in range(self.key_frames - self.query_frames, self.key_frames):
            far = min(query + 1, self.window) if self.window else query + 1
            near = min(far, self.lag + 1)
            total += (self.picture + self.late) * (far * self.picture + near * self.late)
        return total


@dataclass(frozen=True, eq=False)
class Visible:
    """A rule made ready for a device, once for all blocks: compiled blocks take it as it is."""

    rule: FrameMask
    kernel: Any
    """bool Tensor [queries, keys] or FlexAttention's BlockMask; None: nothing is hidden."""
    alone: Visible | None
    """The same among picture tokens only, where there are action tokens."""


@lru_cache(maxsize=16)
def visible(rule: FrameMask, device: torch.device, dense: bool = False) -> Visible:
    """`rule` for `attention` on `device`.

    dense: never by FlexAttention, which is compiled for each shape, and a roll-out meets many.
    """
    kernel = None
    if not rule.hides_nothing:
        dense = dense or device.type != "cuda"
        kernel = dense_mask(rule, device) if dense else _block_mask(rule, device)
    return Visible(rule, kernel, visible(replace(rule, late=0), device, dense) if rule.late else None)


def dense_mask(rule: FrameMask, device: torch.device) -> Tensor:
    """bool [queries, keys], True where a query may look."""
    with torch.device(device):
        return rule.sees(torch.arange(rule.queries)[:, None], torch.arange(rule.keys)[None, :])


def _block_mask(rule: FrameMask, device: torch.device) -> Any:
    from torch.nn.attention.flex_attention import create_block_mask

    def seen(batch: Tensor, head: Tensor, query: Tensor, key: Tensor) -> Tensor:
        return rule.sees(query, key)

    return create_block_mask(seen, None, None, rule.queries, rule.keys, device=str(device))


@lru_cache(maxsize=1)
def _compiled_flex() -> Any:
    from torch.nn.attention.flex_attention import flex_attention

    return compiled(flex_attention, dynamic=False)


def _flex(query: Tensor, key: Tensor, value: Tensor, blocks: Any) -> Tensor:
    from torch.nn.attention.flex_attention import flex_attention

    kernel: Any = flex_attention if torch.compiler.is_compiling() else _compiled_flex()
    out: Tensor = kernel(query, key, value, block_mask=blocks)
    return out


def attention(query: Tensor, key: Tensor, value: Tensor, seen: Visible | None = None) -> Tensor:
    """Scaled dot-product attention.

    Args:
        query: [B, Nq, heads, head_dim]; key, value: [B, Nk, heads, head_dim].
        seen: who sees whom; None: everyone everyone.

    Returns:
        [B, Nq, heads * head_dim].
    """
    query, key, value = query.transpose(1, 2), key.transpose(1, 2), value.transpose(1, 2)
    kernel = None if seen is None else seen.kernel
    attend = _dense if kernel is None or isinstance(kernel, Tensor) else _flex
    out = attend(query, key, value, kernel)
    return out.transpose(1, 2).flatten(2)


def _dense(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None) -> Tensor:
    if query.is_cuda and (mask is not None or min(query.shape[2], key.shape[2]) < LONG):
        with sdpa_kernel(_NOT_CUDNN):
            return F.scaled_dot_product_attention(query, key, value, mask)
    return F.scaled_dot_product_attention(query, key, value, mask)
