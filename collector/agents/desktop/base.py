"""The interface of agents that act on desktops."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from collector.episodes.spec import EpisodeSpec
from manifests.session import Intent


class DesktopAgent(Protocol):
    """Acts on $DISPLAY through the X server, in a process of its own, and logs an Intent for what it means to do."""

    def __init__(self, spec: EpisodeSpec, now_ns: Callable[[], int], log: Callable[[Intent], None]) -> None:
        """`now_ns` is the session's clock."""

    def run(self) -> None:
        """Act until done. Raises `StepFailed` where it cannot go on."""
