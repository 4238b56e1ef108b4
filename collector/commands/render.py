"""`goaltrace render`: draw recorded terminal sessions again, at another rate, size, theme or font.

Options that are not given stay as they were: a session knows its look.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from manifests.session import SessionFolder


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("sessions", nargs="+", type=Path, metavar="SESSION",
                        help="terminal sessions, or folders of them")  # fmt: skip
    parser.add_argument("--fps", type=float, metavar="F", help="frames a second (default: as it was)")
    parser.add_argument("--theme", metavar="NAME", help=(
        "colours: goaltrace, xterm, tango, solarized-dark, solarized-light, gruvbox-dark, dracula, nord, "
        "catppuccin-mocha (default: as it was; at first the cast's own, else goaltrace)"))  # fmt: skip
    parser.add_argument("--font", type=Path, action="append", metavar="FILE",
                        help="a .ttf or .otf to draw with; again: more for the characters it lacks")  # fmt: skip
    parser.add_argument("--fallback-font", action="append", metavar="FILE|auto|none", help=(
        "a font for what the others lack (CJK, emoji); again: more. auto: those of this machine; none: a box with the "
        "code point (default: as it was; at first auto)"))  # fmt: skip
    parser.add_argument(
        "--cell", metavar="WxH", help="size of a character cell in px (default: as it was; at first 8x16)"
    )
    parser.add_argument("--usual", action="store_true", help="forget theme, fonts and cell that it was drawn with")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def run(args: argparse.Namespace) -> int:
    import json

    from tqdm import tqdm

    from manifests.errors import GoaltraceError
    from manifests.files import DiskFull
    from manifests.item_errors import one_item
    from manifests.plain_text import one_line
    from manifests.session import find_sessions

    look = _look_options(args)
    drawn, failed = [], 0
    folders = find_sessions(args.sessions)
    bar = tqdm(folders, unit="session", desc="drawing", disable=None, leave=False)
    for folder in bar:
        try:
            with one_item(folder.path):
                drawn.append(_draw(folder, args.fps, look, args.usual))
        except DiskFull:
            raise
        except GoaltraceError as error:
            if len(folders) == 1:
                raise
            failed += 1
            bar.write(f"goaltrace render: {one_line(str(error))}", file=sys.stderr)
    if args.json:
        print(json.dumps(drawn, indent=2))
        return 2 if failed else 0
    for session in drawn:
        print("{session}: {frames} frames of {width}x{height} px at {fps:g} fps".format(**session))
    if failed:
        print(f"{failed} of {len(drawn) + failed} sessions could not be drawn", file=sys.stderr)
    return 2 if failed else 0


def _look_options(args: argparse.Namespace) -> dict[str, Any]:
    """The fields of the look that options give, checked before any session is touched."""
    import re

    from collector.terminal.session_look import appearance_of
    from manifests.errors import GoaltraceError
    from manifests.session import TerminalLook

    look: dict[str, Any] = {}
    if args.theme:
        look["theme"] = args.theme
    if args.cell:
        size = re.fullmatch(r"(\d{1,3})x(\d{1,3})", args.cell)
        if size is None:
            raise GoaltraceError(f"--cell {args.cell}: not a size; write it as 8x16")
        look["cell"] = (int(size[1]), int(size[2]))
    if args.font:
        look["fonts"] = [str(path.expanduser().resolve()) for path in args.font]
    if args.fallback_font:
        look["fallback_fonts"] = _fallbacks(args.fallback_font)
    if args.fps is not None and not 0 < args.fps <= 240:
        raise GoaltraceError(f"--fps {args.fps:g}: not within 0 and 240")
    appearance_of(TerminalLook(**look))
    return look


def _fallbacks(given: list[str]) -> list[str] | None:
    from manifests.errors import GoaltraceError

    if len(given) > 1 and {"auto", "none"} & set(given):
        raise GoaltraceError("--fallback-font: auto and none stand alone; give files, or one of the two")
    if given == ["auto"]:
        return None
    return [] if given == ["none"] else [str(Path(file).expanduser().resolve()) for file in given]


def _draw(folder: SessionFolder, fps: float | None, look: dict[str, Any], usual: bool) -> dict[str, Any]:
    from collector.terminal.render import render_session
    from manifests.errors import GoaltraceError
    from manifests.session import TerminalLook

    manifest = folder.read_manifest()
    if manifest.kind != "terminal" or not folder.cast.is_file():
        raise GoaltraceError(f"{folder.path}: not a terminal session with a cast; only those can be drawn again")
    if manifest.state != "complete":
        raise GoaltraceError(
            f"{folder.path}: not finished; make it whole with: goaltrace sessions recover {folder.path}"
        )
    before = TerminalLook() if usual or manifest.look is None else manifest.look
    render_session(folder, fps or manifest.fps, before.model_copy(update=look))
    new = folder.read_manifest()
    return {"session": str(folder.path), "frames": new.frames, "width": new.width, "height": new.height, "fps": new.fps}
