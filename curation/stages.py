"""The stages of curation there are, by name: whoever reads their tables knows their columns from here."""

from __future__ import annotations

from typing import Any

from curation.scan.look import ScanOptions
from curation.scan.stage import stage as scan
from curation.scores.shard import STAGE as INTENT
from curation.stage import Stage

_ENTRIES: tuple[Stage[Any], ...] = (
    INTENT,
    scan(ScanOptions()),
)

STAGES: dict[str, Stage[Any]] = {stage.name: stage for stage in _ENTRIES}
