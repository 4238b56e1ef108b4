"""The front door: what every command does, as a function (docs/python.md). Nothing is loaded before it is used."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from goaltrace.cli import COMMANDS, main
from manifests import __version__
from manifests.errors import GoaltraceError
from manifests.progress import OnProgress, Progress

if TYPE_CHECKING:
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

FACE: dict[str, str] = {
    "MergeResult": "curation.merge",
    "PublishResult": "curation.publish.run",
    "ReportResult": "curation.report.run",
    "ScanResult": "curation.scanning",
    "SelectResult": "curation.select",
    "Stage": "curation.stage",
    "StageResult": "curation.stage",
    "merge": "curation.merge",
    "publish": "curation.publish.run",
    "report": "curation.report.run",
    "row_groups": "curation.stage",
    "run_stage": "curation.stage",
    "scan": "curation.scanning",
    "score": "curation.score",
    "select": "curation.select",
}
"""Each function and type of the Python face, and the module that has it."""

__all__ = ["COMMANDS", "FACE", "GoaltraceError", "OnProgress", "Progress", "__version__", "main"]


def __getattr__(name: str) -> Any:
    if name not in FACE:
        raise AttributeError(f"module 'goaltrace' has no attribute {name!r}")
    return getattr(importlib.import_module(FACE[name]), name)


def __dir__() -> list[str]:
    return sorted({*__all__, *FACE})
