"""The key head's start: small parts around what single keys write."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from trainer.codec import Codec
from trainer.data.clip import Clip
from trainer.data.windows import ClipStore
from trainer.model.actions import typed
from trainer.model.key_head import KeyHead
from trainer.objective.flow import HUBER

ROWS, COLUMNS = 6, 14  # cells of a part in which something is typed
ECHO = 14  # cells: what a key writes at most; more is an answer to it
ECHO_ROWS = 4
SEEN = 0.3  # rms, latent units, of a cell that has changed
PARTS, BATCH, LR = 1500, 48, 4e-3


@dataclass(frozen=True)
class TypedPart:
    """One frame on the way to which something was typed, and where it shows."""

    before: Tensor
    after: Tensor
    """[C, h, w]."""
    actions: Tensor
    """[S, A]."""
    row: int
    column: int
    """Upper left cell of what changed."""


def key_parts(store: ClipStore, clips: list[Clip], codec: Codec, device: torch.device, seed: int) -> list[TypedPart]:
    """Frames in which a few cells changed after keys were pressed and the pointer did not move, at most `PARTS`."""
    found: list[TypedPart] = []
    for number in np.random.default_rng(seed).permutation(len(clips)).tolist():
        with store.left_out.skipping():
            data = store.get(clips[number])
            actions = torch.from_numpy(data.actions)
            at = typed(actions).any(-1).nonzero()[:, 0].tolist()
            moved = (data.pointer[1:] != data.pointer[:-1]).any(axis=1) & np.isfinite(data.pointer[1:, 0])
            for k in (k for k in at if k > 0 and not moved[k - 1]):
                pair = torch.from_numpy(data.frames[k - 1 : k + 1, None]).to(device)
                before, after = codec.encode(pair)[:, :, 0].cpu()
                rows, columns = ((after - before).pow(2).mean(0).sqrt() > SEEN).nonzero(as_tuple=True)
                if 0 < len(rows) <= ECHO and rows.max() - rows.min() < ECHO_ROWS:
                    found.append(TypedPart(before, after, actions[k], int(rows.min()), int(columns.min())))
        if len(found) >= PARTS:
            break
    return found


def fit_key_head(
    head: KeyHead, parts: list[TypedPart], steps: int, seed: int, on_step: Callable[[], None] = lambda: None
) -> None:
    """Fit `head` in place, by the training's own error, changed cells counting more; a function of data and seed."""
    if len(parts) < BATCH:
        return
    device = head.conv_1.weight.device
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.AdamW(head.parameters(), lr=LR)
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = LR * max(0.05, 1 - step / steps)
        chosen = [parts[i] for i in torch.randint(0, len(parts), (BATCH,), generator=generator).tolist()]
        cuts = [_cut(part, generator) for part in chosen]
        before, after = (torch.stack([cut[n] for cut in cuts])[:, :, None].to(device) for n in (0, 1))
        actions = torch.stack([part.actions for part in chosen])[:, None].to(device)
        changed = ((after - before).pow(2).mean(1, keepdim=True) > SEEN**2).float()
        squared = (before + head(before, actions) - after).pow(2).mean(1, keepdim=True)
        error = (squared + HUBER**2).sqrt() - HUBER
        loss = (error * (1 + 4 * changed)).mean()
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
        on_step()


def _cut(part: TypedPart, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """A part of the frames that holds what changed, somewhere."""
    height, width = part.before.shape[1:]
    up, left = (int(torch.randint(0, size, (1,), generator=generator)) for size in (ROWS - 2, COLUMNS - 4))
    top = min(max(0, part.row - up), max(0, height - ROWS))
    side = min(max(0, part.column - left), max(0, width - COLUMNS))
    cut = np.s_[:, top : top + ROWS, side : side + COLUMNS]
    return part.before[cut], part.after[cut]
