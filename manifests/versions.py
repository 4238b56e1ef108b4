"""Schema versions: a reader takes its own major version and older minors, and refuses a newer major."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from manifests.errors import GoaltraceError
from manifests.files import read_json

SCHEMA_VERSION = "1.3"


def require_readable(version: object, where: str) -> None:
    """Raise `GoaltraceError` unless `version` ("major.minor") can be read by this release.

    `where` names the document, e.g. "out/session.json".
    """
    try:
        major = int(str(version).split(".")[0])
    except ValueError:
        raise GoaltraceError(
            f"{where}: schema_version: {version!r} is not 'major.minor'; is this a GoalTrace document?"
        ) from None
    newest = int(SCHEMA_VERSION.split(".", maxsplit=1)[0])
    if major > newest:
        raise GoaltraceError(
            f"{where}: schema_version: {version} is newer than this release reads ({SCHEMA_VERSION}); "
            "upgrade with: pip install --upgrade goaltrace"
        )
    if major < 1:
        raise GoaltraceError(f"{where}: schema_version: {version} is not a GoalTrace version; write '{SCHEMA_VERSION}'")


def read_versioned(path: Path, what: str) -> dict[str, Any]:
    """A JSON document whose `schema_version` can be read; `GoaltraceError` says that it is not `what` otherwise."""
    data = read_json(path)
    if not isinstance(data, dict):
        raise GoaltraceError(f"{path}: not {what}")
    require_readable(data.get("schema_version"), str(path))
    return data


def control_by_arm(arm: object) -> bool:
    """Whether a session or clip of schema 1.2 or older is of a control, which only the name of its arm shows.

    Only for reading such data: since 1.3 the field `control` is written.
    """
    return isinstance(arm, str) and (arm.startswith("random") or arm == "shuffled")
