"""What a review changes: the span of a session that is kept, or the whole session's end."""

from __future__ import annotations

import shutil
import time

from manifests.errors import GoaltraceError
from manifests.session import SessionFolder

QUIET_S = 10
"""A session that says it is being recorded, and was written to within this, is."""


def set_kept(folder: SessionFolder, keep_ns: tuple[int, int] | None) -> None:
    """Write the kept span into session.json, if it is another one; None keeps everything."""
    _require_ended(folder)
    manifest = folder.read_manifest()
    if keep_ns is not None and not 0 <= keep_ns[0] < keep_ns[1]:
        raise GoaltraceError("the kept part must end after it begins")
    if manifest.keep_ns != keep_ns:
        folder.write_manifest(manifest.model_copy(update={"keep_ns": keep_ns}))


def discard(folder: SessionFolder) -> None:
    """Remove the session's folder and all that is in it."""
    _require_ended(folder)
    if folder.path.is_symlink():
        raise GoaltraceError(f"{folder.path}: is a link; open the folder it points to, to discard that")
    if not folder.manifest_path.is_file():
        raise GoaltraceError(f"{folder.path}: no session there any more")
    try:
        shutil.rmtree(folder.path)
    except OSError as error:
        raise GoaltraceError(f"{error.filename or folder.path}: cannot be removed ({error.strerror})") from None


def _require_ended(folder: SessionFolder) -> None:
    try:
        recording = folder.read_manifest().state == "recording"
    except GoaltraceError:
        recording = False  # a broken one may be discarded; writing to it fails on reading
    if not recording:
        return
    written = [path.stat().st_mtime for path in (folder.screen, folder.frames_path) if path.exists()]
    if written and time.time() - max(written) < QUIET_S:
        raise GoaltraceError("this session is being recorded; stop it first")
