"""Nothing of the machine that a data set was made on is published with it."""

from __future__ import annotations

from pathlib import Path

from manifests.dataset import DatasetManifest
from manifests.errors import GoaltraceError
from manifests.machine_names import machine_names_in


def require_no_machine_names(path: Path, manifest: DatasetManifest) -> None:
    """Raise `GoaltraceError` where a reason or a parameter names a folder, the user or the host.

    What sessions and the data set are called is the user's own choice, and is not looked at.
    """
    said = manifest.model_dump(mode="json", include={"left_out": {"__all__": {"reason"}}})
    said["lineage"] = [{"parameters": step.parameters} for step in manifest.lineage]
    for where in machine_names_in(said):
        raise GoaltraceError(
            f"{path}: {where} names a folder, the user or the host of this machine, which is not to be published; "
            "make the data set again with this release (a select that keeps everything is enough for left_out)"
        )
