"""Schema versions: a reader takes its own major version and older minors, and refuses a newer major."""

from __future__ import annotations

from manifests.errors import GoaltraceError

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


def control_by_arm(arm: object) -> bool:
    """Whether a session or clip of schema 1.2 or older is of a control, which only the name of its arm shows.

    Only for reading such data: since 1.3 the field `control` is written.
    """
    return isinstance(arm, str) and (arm.startswith("random") or arm == "shuffled")
