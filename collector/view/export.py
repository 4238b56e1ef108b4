"""One session as one HTML file that needs nothing else: to look at anywhere, not to change."""

from __future__ import annotations

import tempfile
from pathlib import Path

from collector.view.document import document
from collector.view.html import session_page
from collector.view.read import read_session
from collector.view.video import make_video
from manifests.errors import GoaltraceError
from manifests.files import write_text
from manifests.session import SessionFolder

LARGEST_VIDEO = 300 * 2**20  # a browser's longest string is 512 MiB, and base64 takes a third more


def write_page(folder: SessionFolder, out: Path) -> list[str]:
    """Write the page of `folder` to `out`; what is wrong with the session."""
    session = read_session(folder)
    with tempfile.TemporaryDirectory(prefix="goaltrace-view-") as scratch:
        path = Path(scratch) / "video.mp4"
        video = path if make_video(session, path) else None
        if video and video.stat().st_size > LARGEST_VIDEO:
            raise GoaltraceError(
                f"{folder.screen}: {video.stat().st_size / 2**20:.0f} MiB of video are too much for one page; "
                "leave --out away to look at it here"
            )
        data = {**document(session), "source": "inline" if video else None, "editable": False, "links": {}}
        write_text(out, session_page(data, video.read_bytes() if video else None))
    return session.problems
