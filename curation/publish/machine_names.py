"""Checking that dataset.json names no folder, user or host of the machine that publishes it."""

from __future__ import annotations

from pathlib import Path

from manifests.dataset import DatasetManifest
from manifests.errors import GoaltraceError
from manifests.machine_names import machine_names_in


def require_no_machine_names(path: Path, manifest: DatasetManifest) -> None:
    """Raise `GoaltraceError` where a reason or a parameter names a folder, the user or the host.

    The names of sessions and of the data set are the user's own choice, and are not checked.
    """
    document = manifest.model_dump(mode="json", include={"left_out": {"__all__": {"reason"}}})
    document["lineage"] = [{"parameters": step.parameters} for step in manifest.lineage]
    for where in machine_names_in(document):
        raise GoaltraceError(
            f"{path}: {where} names a folder, the user or the host of this machine, which is not to be published; "
            "make the data set again with this release (a select that keeps everything is enough for left_out)"
        )
