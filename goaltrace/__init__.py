"""The front door: what every command does, as a function (docs/python.md). Nothing is loaded before it is used."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from goaltrace.cli import COMMANDS, main
from manifests import __version__
from manifests.errors import GoaltraceError
from manifests.progress import OnProgress, Progress

if TYPE_CHECKING:
    from collector.campaign import EpisodeResult as EpisodeResult
    from collector.human.in_browser import BrowserOptions as BrowserOptions
    from collector.human.in_browser import record_in_browser as record_in_browser
    from collector.human.own_screen import ConsentQuestion as ConsentQuestion
    from collector.human.own_screen import Dialogue as Dialogue
    from collector.human.own_screen import Order as Order
    from collector.human.own_screen import OwnScreenOptions as OwnScreenOptions
    from collector.human.own_screen import plan_own_screen as plan_own_screen
    from collector.human.own_screen import record_own_screen as record_own_screen
    from collector.importers.cast.result import CastResult as CastResult
    from collector.importers.cast.run import import_casts as import_casts
    from collector.importers.neuralcomputer.run import NeuralComputerResult as NeuralComputerResult
    from collector.importers.neuralcomputer.run import import_neuralcomputer as import_neuralcomputer
    from collector.packing.pack import PackResult as PackResult
    from collector.packing.pack import pack as pack
    from collector.packing.pack import plan_packing as plan_packing
    from collector.record import RecordResult as RecordResult
    from collector.record import plan_recording as plan_recording
    from collector.record import record as record
    from collector.tapes.run import TapeResult as TapeResult
    from collector.tapes.run import import_tapes as import_tapes

FACE: dict[str, str] = {
    "BrowserOptions": "collector.human.in_browser",
    "CastResult": "collector.importers.cast.result",
    "ConsentQuestion": "collector.human.own_screen",
    "Dialogue": "collector.human.own_screen",
    "EpisodeResult": "collector.campaign",
    "NeuralComputerResult": "collector.importers.neuralcomputer.run",
    "Order": "collector.human.own_screen",
    "OwnScreenOptions": "collector.human.own_screen",
    "PackResult": "collector.packing.pack",
    "RecordResult": "collector.record",
    "TapeResult": "collector.tapes.run",
    "import_casts": "collector.importers.cast.run",
    "import_neuralcomputer": "collector.importers.neuralcomputer.run",
    "import_tapes": "collector.tapes.run",
    "pack": "collector.packing.pack",
    "plan_own_screen": "collector.human.own_screen",
    "plan_packing": "collector.packing.pack",
    "plan_recording": "collector.record",
    "record": "collector.record",
    "record_in_browser": "collector.human.in_browser",
    "record_own_screen": "collector.human.own_screen",
}
"""Each function and type of the Python face, and the module that has it."""

__all__ = ["COMMANDS", "FACE", "GoaltraceError", "OnProgress", "Progress", "__version__", "main"]


def __getattr__(name: str) -> Any:
    if name not in FACE:
        raise AttributeError(f"module 'goaltrace' has no attribute {name!r}")
    return getattr(importlib.import_module(FACE[name]), name)


def __dir__() -> list[str]:
    return sorted({*__all__, *FACE})
