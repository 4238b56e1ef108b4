"""A goal in words to embeddings: a small encoder over UTF-8 bytes that learns along with the model."""

from __future__ import annotations

import torch
from torch import Tensor, nn

BYTES_PER_TOKEN = 4
LAYERS, HEADS = 2, 4


class ByteText(nn.Module):
    """Four bytes a token, two transformer layers."""

    def __init__(self, tokens: int, dim: int) -> None:
        super().__init__()
        self.length = tokens * BYTES_PER_TOKEN
        self.byte = nn.Embedding(256, dim // BYTES_PER_TOKEN)
        self.position = nn.Parameter(torch.randn(tokens, dim) * 0.02)
        layer = nn.TransformerEncoderLayer(dim, HEADS, 4 * dim, 0.0, "gelu", batch_first=True, norm_first=True)
        self.layers = nn.TransformerEncoder(layer, LAYERS, enable_nested_tensor=False)

    def forward(self, text: Tensor, keep: Tensor | None) -> Tensor:
        """uint8 [B, length], keep bool [B] (False: as if nothing were said) -> [B, tokens, dim]."""
        if keep is not None:
            text = text * keep[:, None]
        tokens = self.byte(text.long()).flatten(1).unflatten(1, (len(self.position), -1))
        out: Tensor = self.layers(tokens + self.position)
        return out


def text_bytes(goals: list[str], length: int) -> Tensor:
    """UTF-8 bytes of each goal, cut to `length`, 0 behind the end: uint8 [B, length]."""
    out = torch.zeros(len(goals), length, dtype=torch.uint8)
    for row, goal in zip(out, goals, strict=True):
        data = goal.encode()[:length]
        row[: len(data)] = torch.frombuffer(bytearray(data), dtype=torch.uint8) if data else row[:0]
    return out
