"""`goaltrace import tape`: runs VHS tapes, each in a terminal of its own, and records them as sessions."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from collector.commands.images import add_system

if TYPE_CHECKING:
    from collector.importers.tape.run import TapeResult

_PLACE = re.compile(r".+:\d+:\d+: ")


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="tapes, or folders with .tape files")
    parser.add_argument("--out", type=Path, required=True, metavar="SESSIONS",
                        help="where the session folders go; tapes recorded there are not run again")  # fmt: skip
    parser.add_argument("--env", choices=["docker", "local"], default="docker",
                        help="where tapes run: a container each, without network (default), or local: this machine. "
                        "A tape runs commands; with local it runs them as you, so read it first")  # fmt: skip
    parser.add_argument("--workers", type=int, default=1, metavar="K", help="tapes run at a time (default: 1)")
    parser.add_argument("--fps", type=float, metavar="N",
                        help="frames a second (default: the tape's Framerate, else 15)")  # fmt: skip
    parser.add_argument("--max-duration", type=float, default=600.0, metavar="SECONDS",
                        help="the longest a tape may run (default: 600)")  # fmt: skip
    add_system(parser)
    parser.add_argument("--dry-run", action="store_true", help="read the tapes, say what would be run, run nothing")
    parser.add_argument("--json", action="store_true", help="print what became of each tape as JSON")


def run(args: argparse.Namespace) -> int:
    """Run the tapes that can be read; 1 if any could not be, or did not run to its end."""
    from collector.importers.tape.run import import_tapes
    from manifests.progress import as_bar

    results: list[TapeResult] = []
    interrupted = False

    def on_result(result: TapeResult) -> None:
        results.append(result)
        if not args.json:
            _print(result)

    try:
        with as_bar() as on_progress:
            import_tapes(
                args.paths, out=args.out, env=args.env, workers=args.workers, fps=args.fps,
                max_duration_s=args.max_duration, system=args.system, dry_run=args.dry_run, on_result=on_result,
                on_progress=on_progress,
            )  # fmt: skip
    except KeyboardInterrupt:
        interrupted = True
    _print_all(results, args)
    if interrupted:
        print("stopped; the same command goes on where it stopped", file=sys.stderr)
        return 130
    return 1 if any(result.state == "failed" for result in results) else 0


def _print(result: TapeResult) -> None:
    from tqdm import tqdm

    seconds = f" ({result.seconds:.1f} s)" if result.seconds else ""
    reason = f": {result.reason}" if result.reason else ""
    target = f" -> {result.session}" if result.session and result.state != "failed" else ""
    stream = sys.stderr if result.state == "failed" else sys.stdout
    remarks = [f"  {note}" for note in result.notes if _PLACE.match(note)]  # session.json has the others too
    tqdm.write("\n".join([f"{result.state} {result.tape}{target}{seconds}{reason}", *remarks]), file=stream)


def _print_all(results: Sequence[TapeResult], args: argparse.Namespace) -> None:
    ordered = sorted(results, key=lambda result: str(result.tape))
    if args.json:
        rows = [{name: value for name, value in asdict(result).items() if value} for result in ordered]
        print(json.dumps({"out": str(args.out), "dry_run": args.dry_run, "tapes": rows}, indent=2, default=str))
        return
    states = [result.state for result in ordered]
    counts = [f"{states.count(state)} {state}" for state in dict.fromkeys(states)]
    print(f"{len(states)} tape{'s' * (len(states) != 1)}: {', '.join(counts) or 'none was done'}")
