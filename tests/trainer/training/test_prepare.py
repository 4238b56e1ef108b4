"""What is fitted before the first step must not take longer than the training."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch

from trainer.codec.pixel import PixelCodec
from trainer.data.index import Index
from trainer.data.windows import ClipStore
from trainer.settings.config import Config
from trainer.training import prepare


@dataclass(frozen=True)
class Counted(PixelCodec):
    seen: list[int]

    def encode(self, frames: torch.Tensor) -> torch.Tensor:
        self.seen.append(len(frames))
        return super().encode(frames)


def test_the_pointer_reader_takes_each_frame_through_the_codec_once(
    store: ClipStore, index: Index, small: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With Wan's autoencoder, once a step would be days on a CPU."""
    monkeypatch.setattr(prepare, "READER_MINIMUM", 1)
    codec, steps = Counted(8, []), []
    reader = prepare.fit_pointer_reader(
        store, index.train, codec, torch.device("cpu"), small, 0, lambda: steps.append(1)
    )
    assert reader is not None and len(steps) == small.train.reader_steps
    clips = [clip for clip in index.train if clip.row["kind"] == "desktop"]
    assert sum(codec.seen) == len(prepare.pointer_moves(store, clips, prepare.READER_FRAMES).frames) > 0
