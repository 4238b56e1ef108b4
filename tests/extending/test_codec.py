"""A codec is a class and an entry."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from tests.extending.variants import trained


@pytest.mark.needs("torch")
def test_a_tiny_run_trains_with_the_codec_of_the_page(boxes: Path, tmp_path: Path) -> None:
    losses = trained(
        "A codec", boxes, tmp_path, "codec.name=half", "codec.patch=4", "codec.channels=48", "actions.head_width=0"
    )
    assert len(losses) == 2 and all(map(math.isfinite, losses))
