"""Guarantees of the pointer head: it draws and erases around the pointer, and touches nothing else."""

from __future__ import annotations

import torch

from trainer.codec.pca import PCACodec
from trainer.model.pointer_head import REACH, PointerHead
from trainer.training.pretrain.pointer import PART, fit_head


def full_rank_codec() -> PCACodec:
    generator = torch.Generator().manual_seed(0)
    noise = torch.randint(0, 256, (16, 32, 32, 3), generator=generator).byte()
    return PCACodec.fit(noise, 8, 192, 0.5)


def test_the_pointer_head_changes_nothing_away_from_the_pointer() -> None:
    codec = full_rank_codec()
    head = PointerHead(8, 192, 6)
    head.use_codec(codec)
    torch.nn.init.normal_(head.conv_3.weight)
    maps, before = torch.zeros(1, 1, 64, 64), torch.zeros(1, 1, 64, 64)
    maps[0, 0, 20, 40] = before[0, 0, 50, 10] = 1
    history = codec.encode(torch.full((1, 1, 64, 64, 3), 128).byte())
    with torch.no_grad():
        drawn = codec.decode(history + head(history, maps, before)) - codec.decode(history)
        assert not head(history, maps * 0, before * 0).any()
    touched = drawn.abs().amax(-1)[0, 0] > 1e-4
    for row, column in touched.nonzero().tolist():
        assert min(max(abs(row - y), abs(column - x)) for y, x in ((20, 40), (50, 10))) <= REACH
    assert touched[20, 40] and touched[50, 10]


def test_the_pointer_head_learns_to_draw_and_to_erase() -> None:
    generator = torch.Generator().manual_seed(0)
    count, taught = 160, 128
    frames = torch.randint(60, 200, (count, 1, 1, 1, 3), generator=generator).expand(-1, 2, PART, PART, -1).byte()
    frames, maps = frames.clone(), torch.zeros(count, 2, PART, PART)
    places = torch.randint(10, PART - 10, (count, 2, 2), generator=generator)
    for n in range(count):
        for k in range(2):
            y, x = places[n, k]
            frames[n, k, y : y + 3, x : x + 2] = 0
            maps[n, k, y : y + 3, x : x + 2] = 1
    codec, head = full_rank_codec(), PointerHead(8, 192, 8)
    fit_head(head, codec, (frames[:taught], maps[:taught]), steps=50, seed=0)
    latents = codec.encode(frames[taught:])
    with torch.no_grad():
        made = latents[:, :, :1] + head(latents[:, :, :1], maps[taught:, 1:], maps[taught:, :1])
        error, still = ((part - latents[:, :, 1:]).pow(2).mean() for part in (made, latents[:, :, :1]))
    assert error < 0.25 * still
