"""The Python interface: what most commands do, as functions (docs/python.md). Modules load on first use."""

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
    from collector.importers.tape.run import TapeResult as TapeResult
    from collector.importers.tape.run import import_tapes as import_tapes
    from collector.packing.pack import PackResult as PackResult
    from collector.packing.pack import pack as pack
    from collector.packing.pack import plan_packing as plan_packing
    from collector.record import RecordResult as RecordResult
    from collector.record import plan_recording as plan_recording
    from collector.record import record as record
    from curation.merge import MergeResult as MergeResult
    from curation.merge import merge as merge
    from curation.publish.run import PublishResult as PublishResult
    from curation.publish.run import publish as publish
    from curation.report.run import ReportResult as ReportResult
    from curation.report.run import report as report
    from curation.scanning import ScanResult as ScanResult
    from curation.scanning import scan as scan
    from curation.score import score as score
    from curation.select import SelectResult as SelectResult
    from curation.select import select as select
    from curation.stage import Stage as Stage
    from curation.stage import StageResult as StageResult
    from curation.stage import row_groups as row_groups
    from curation.stage import run_stage as run_stage
    from trainer.face.clip_windows import ClipWindow as ClipWindow
    from trainer.face.clip_windows import WindowDataset as WindowDataset
    from trainer.face.clip_windows import windows as windows
    from trainer.face.comparing import CompareResult as CompareResult
    from trainer.face.comparing import compare as compare
    from trainer.face.encoding import EncodeResult as EncodeResult
    from trainer.face.encoding import encode as encode
    from trainer.face.evaluating import EvaluateResult as EvaluateResult
    from trainer.face.evaluating import evaluate as evaluate
    from trainer.face.rolling import RolloutResult as RolloutResult
    from trainer.face.rolling import rollout as rollout
    from trainer.face.training import TrainResult as TrainResult
    from trainer.face.training import plan_training as plan_training
    from trainer.face.training import train as train
    from trainer.progress import TrainingProgress as TrainingProgress

FACE: dict[str, str] = {
    "BrowserOptions": "collector.human.in_browser",
    "CastResult": "collector.importers.cast.result",
    "ClipWindow": "trainer.face.clip_windows",
    "CompareResult": "trainer.face.comparing",
    "ConsentQuestion": "collector.human.own_screen",
    "Dialogue": "collector.human.own_screen",
    "EncodeResult": "trainer.face.encoding",
    "EpisodeResult": "collector.campaign",
    "EvaluateResult": "trainer.face.evaluating",
    "MergeResult": "curation.merge",
    "NeuralComputerResult": "collector.importers.neuralcomputer.run",
    "Order": "collector.human.own_screen",
    "OwnScreenOptions": "collector.human.own_screen",
    "PackResult": "collector.packing.pack",
    "PublishResult": "curation.publish.run",
    "RecordResult": "collector.record",
    "ReportResult": "curation.report.run",
    "RolloutResult": "trainer.face.rolling",
    "ScanResult": "curation.scanning",
    "SelectResult": "curation.select",
    "Stage": "curation.stage",
    "StageResult": "curation.stage",
    "TapeResult": "collector.importers.tape.run",
    "TrainResult": "trainer.face.training",
    "TrainingProgress": "trainer.progress",
    "WindowDataset": "trainer.face.clip_windows",
    "compare": "trainer.face.comparing",
    "encode": "trainer.face.encoding",
    "evaluate": "trainer.face.evaluating",
    "import_casts": "collector.importers.cast.run",
    "import_neuralcomputer": "collector.importers.neuralcomputer.run",
    "import_tapes": "collector.importers.tape.run",
    "merge": "curation.merge",
    "pack": "collector.packing.pack",
    "plan_own_screen": "collector.human.own_screen",
    "plan_packing": "collector.packing.pack",
    "plan_recording": "collector.record",
    "plan_training": "trainer.face.training",
    "publish": "curation.publish.run",
    "record": "collector.record",
    "record_in_browser": "collector.human.in_browser",
    "record_own_screen": "collector.human.own_screen",
    "report": "curation.report.run",
    "rollout": "trainer.face.rolling",
    "row_groups": "curation.stage",
    "run_stage": "curation.stage",
    "scan": "curation.scanning",
    "score": "curation.score",
    "select": "curation.select",
    "train": "trainer.face.training",
    "windows": "trainer.face.clip_windows",
}
"""Each function and type of the Python face, and the module that has it."""

__all__ = ["COMMANDS", "FACE", "GoaltraceError", "OnProgress", "Progress", "__version__", "main"]


def __getattr__(name: str) -> Any:
    if name not in FACE:
        raise AttributeError(f"module 'goaltrace' has no attribute {name!r}")
    return getattr(importlib.import_module(FACE[name]), name)


def __dir__() -> list[str]:
    return sorted({*__all__, *FACE})
