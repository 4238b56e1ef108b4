"""The interface of environments, the places where episodes run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from collector.episodes.spec import EpisodeSpec

STOPPED = "stopped before it began"


class Environment(Protocol):
    """Where episodes run."""

    def prepare(self, kinds: set[str]) -> None: ...
    def describe(self, spec: EpisodeSpec) -> EpisodeSpec: ...
    def run(self, spec: EpisodeSpec, folder: Path, report: Callable[[dict[str, Any]], None]) -> int: ...
    def stop_all(self) -> None: ...
    def remove_all(self) -> None: ...
