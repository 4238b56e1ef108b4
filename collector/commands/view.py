"""`goaltrace view`: look at sessions before they are packed, trim or discard them."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from manifests.session import SessionFolder


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("session", type=Path, metavar="SESSION", help="a session folder, or a folder of them")
    parser.add_argument("--port", type=int, default=0, metavar="P",
                        help="port of the page on 127.0.0.1 (default: any free one)")  # fmt: skip
    parser.add_argument("--no-open", action="store_true", help="print the page's address instead of opening a browser")
    parser.add_argument("--out", type=Path, metavar="PAGE.html",
                        help="write one page that needs no server, for one session; must not exist")  # fmt: skip


def run(args: argparse.Namespace) -> int:
    from manifests.session import find_sessions

    sessions = find_sessions([args.session])
    if args.out is not None:
        return _write(sessions, args.out)
    return _serve(sessions, args.port, not args.no_open)


def _write(sessions: list[SessionFolder], out: Path) -> int:
    from collector.view.export import write_page
    from manifests.errors import GoaltraceError
    from manifests.files import require_absent
    from manifests.permissions import as_private_as

    if len(sessions) != 1:
        raise GoaltraceError(f"--out: a page holds one session, and there are {len(sessions)}; name one of them")
    require_absent(out)
    with as_private_as(sessions[0].path):
        problems = write_page(sessions[0], out)
    for problem in problems:
        print(f"note: {problem}")
    print(f"{out}: {out.stat().st_size / 2**20:.1f} MiB; it holds the whole recording, so mind who gets it")
    return 0


def _serve(sessions: list[SessionFolder], port: int, open_browser: bool) -> int:
    import tempfile

    from collector.view.server import make_app
    from manifests.pages import new_token, serve

    def ready(address: str) -> None:
        print(f"{address}\nthis page is for you alone; Ctrl-C ends it", flush=True)

    token = new_token()
    with tempfile.TemporaryDirectory(prefix="goaltrace-view-") as scratch:
        serve(make_app(token, sessions, Path(scratch)), token, port, ready, open_browser)
    return 0
