"""Which of our images are here, and whether each was built from the files that are here now."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from collector.images.context import KINDS, context_digest

if TYPE_CHECKING:
    from docker import DockerClient


def list_images(client: DockerClient, folder: Path) -> list[dict[str, Any]]:
    """One entry per tag: tag, id, kind, base, size_bytes, created (RFC 3339), stale.

    `stale` is None for a base image, which is made from no file of ours.
    """
    digests = {kind: context_digest(kind, folder) for kind in KINDS}
    entries = []
    for image in client.images.list(filters={"label": "goaltrace.kind"}):
        labels = image.labels
        kind = labels["goaltrace.kind"]
        for tag in image.tags:
            entries.append(
                {
                    "tag": tag,
                    "id": image.id,
                    "kind": kind,
                    "base": labels.get("goaltrace.base", ""),
                    "size_bytes": image.attrs["Size"],
                    "created": image.attrs["Created"],
                    "stale": labels.get("goaltrace.context") != digests[kind] if kind in digests else None,
                }
            )
    return sorted(entries, key=lambda entry: str(entry["tag"]))
