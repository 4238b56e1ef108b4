"""`goaltrace render`: draw recorded terminal sessions again, at another rate, size, theme or font."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collector.terminal.glyphs import Appearance
    from manifests.session import SessionFolder


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("sessions", nargs="+", type=Path, metavar="SESSION",
                        help="terminal sessions, or folders of them")  # fmt: skip
    parser.add_argument("--fps", type=float, metavar="F", help="frames a second (default: as it was)")
    parser.add_argument("--theme", metavar="NAME", help=(
        "colours: goaltrace, xterm, tango, solarized-dark, solarized-light, gruvbox-dark, dracula, nord "
        "(default: the cast's own, else goaltrace)"))  # fmt: skip
    parser.add_argument("--font", type=Path, action="append", default=[], metavar="FILE",
                        help="a .ttf or .otf to draw with; again: more for the characters it lacks")  # fmt: skip
    parser.add_argument("--cell", metavar="WxH", default="8x16", help="size of a character cell in px (default 8x16)")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def run(args: argparse.Namespace) -> int:
    import json

    from tqdm import tqdm

    from manifests.session import find_sessions

    look = _appearance(args)
    drawn = []
    for folder in tqdm(find_sessions(args.sessions), unit="session", desc="drawing", disable=None, leave=False):
        drawn.append(_draw(folder, args.fps, look))
    if args.json:
        print(json.dumps(drawn, indent=2))
        return 0
    for session in drawn:
        print("{session}: {frames} frames of {width}x{height} px at {fps:g} fps".format(**session))
    return 0


def _appearance(args: argparse.Namespace) -> Appearance:
    import re

    from collector.terminal.glyphs import Appearance, glyphs_of
    from collector.terminal.themes import theme_named
    from manifests.errors import GoaltraceError

    size = re.fullmatch(r"(\d{1,3})x(\d{1,3})", args.cell)
    cell = (int(size[1]), int(size[2])) if size else (0, 0)
    if not (4 <= cell[0] <= 64 and 8 <= cell[1] <= 128):
        raise GoaltraceError(f"--cell {args.cell}: not within 4x8 and 64x128; write it as 8x16")
    if args.fps is not None and not 0 < args.fps <= 240:
        raise GoaltraceError(f"--fps {args.fps:g}: not within 0 and 240")
    look = Appearance(theme_named(args.theme) if args.theme else None, tuple(args.font), cell)
    glyphs_of(look.cell, look.fonts)  # a font that cannot be read is told before any session is touched
    return look


def _draw(folder: SessionFolder, fps: float | None, look: Appearance) -> dict[str, Any]:
    from collector.terminal.render import render_session
    from manifests.errors import GoaltraceError

    manifest = folder.read_manifest()
    if manifest.kind != "terminal" or not folder.cast.is_file():
        raise GoaltraceError(f"{folder.path}: not a terminal session with a cast; only those can be drawn again")
    if manifest.state != "complete":
        raise GoaltraceError(
            f"{folder.path}: not finished; make it whole with: goaltrace sessions recover {folder.path}"
        )
    render_session(folder, fps or manifest.fps, look)
    new = folder.read_manifest()
    return {"session": str(folder.path), "frames": new.frames, "width": new.width, "height": new.height, "fps": new.fps}
