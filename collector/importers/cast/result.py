"""The result of importing one cast."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal


@dataclass(frozen=True)
class CastResult:
    """One cast, and what became of it."""

    cast: Path
    state: Literal["imported", "there already", "quarantined"]
    session: Path | None = None
    """None: it was quarantined."""
    reason: str = ""
    """Why it was quarantined."""
    actions: int = 0
    frames: int = 0
    repairs: Mapping[str, int] = field(default_factory=dict)
    """What was mended, and how often."""
    times: tuple[str, ...] = ()
    """Why its times cannot be fully trusted."""
    notes: tuple[str, ...] = ()
