"""The built-in stages of curation by name; readers of their tables find the columns here."""

from __future__ import annotations

from typing import Any

from curation.scan.session import ScanOptions
from curation.scan.stage import stage as scan
from curation.scores.shard import STAGE as INTENT
from curation.stage import Stage

_ENTRIES: tuple[Stage[Any], ...] = (
    INTENT,
    scan(ScanOptions()),
)

STAGES: dict[str, Stage[Any]] = {stage.name: stage for stage in _ENTRIES}
