"""What the additions are tried on."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.factories import make_clip, make_dataset, write_dataset


@pytest.fixture(scope="module")
def boxes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four clips, two of each arm."""
    return make_dataset(tmp_path_factory.mktemp("extending") / "boxes", per_arm=2, frames=45)


@pytest.fixture
def screens(tmp_path: Path) -> Path:
    """Two clips with text on the screen, one of which shows two addresses."""
    public, private = make_clip("scripted", 0, frames=30), make_clip("scripted", 1, frames=30)
    public["screen_text"] = ["$ ls"] * 30
    private["screen_text"] = ["write to ada@example.org"] * 20 + ["ada@example.org, bob.b+c@mail.example.org"] * 10
    return write_dataset(tmp_path / "screens", [public, private])
