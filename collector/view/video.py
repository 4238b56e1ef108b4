"""A session's video for the page, or the reason why there is none."""

from __future__ import annotations

from pathlib import Path

from collector.view.read import Session
from collector.view.remux import picture_pts, write_mp4
from manifests.errors import GoaltraceError
from manifests.files import is_plain


def make_video(session: Session, out: Path) -> bool:
    """Write the session's video as MP4, if there is one; what is wrong with it becomes a problem of the session."""
    pts = picture_pts(session.pictures, [frame.t1_ns for frame in session.frames])
    if not is_plain(session.folder.screen):
        session.problems.append("screen.mkv is missing")
        return False
    if not pts:
        session.problems.append("screen.mkv cannot be shown: nothing says when its pictures were taken")
        return False
    try:
        written = write_mp4(session.folder.screen, out, pts)
    except GoaltraceError as error:
        session.problems.append(str(error))
        return False
    if written < len(pts) - 1:
        session.problems.append(f"screen.mkv ends early: {written} of {len(pts) - 1} pictures can be read")
    return True
