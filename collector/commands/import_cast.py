"""`goaltrace import cast`: its options and its output."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collector.importers.cast.result import CastResult


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="casts (.gz too), or folders with casts")
    parser.add_argument("--out", type=Path, required=True, metavar="SESSIONS", help="where the session folders go")
    parser.add_argument(
        "--sensitive", choices=("mask", "refuse", "keep"), default="mask",
        help="keys, tokens, passwords, e-mail addresses: mask them in events and pixels (default), refuse the cast, "
        "or keep them without looking",
    )  # fmt: skip
    parser.add_argument(
        "--redact", type=Path, metavar="FILE", help="mask these as well: a text file with one string a line"
    )
    parser.add_argument(
        "--keep-names", action="store_true",
        help="leave the names of users and machines as they are: yours and this machine's, and those that casts report",
    )  # fmt: skip
    parser.add_argument(
        "--idle-limit", type=float, metavar="SECONDS",
        help="cut longer pauses to this (default: the cast's own idle_time_limit, if it has one; inf: none)",
    )  # fmt: skip
    parser.add_argument("--fps", type=float, default=15.0, help="frames a second (default 15)")
    parser.add_argument(
        "--no-render", action="store_true", help="write no pictures; a later run without this adds them"
    )
    parser.add_argument(
        "--max-size", type=float, default=512, metavar="MIB", help="largest cast, unpacked, in MiB (default 512)"
    )
    parser.add_argument("--workers", type=int, metavar="N", help="casts at once (default: one a core)")
    parser.add_argument("--json", action="store_true", help="print what became of each file as JSON")


def run(args: argparse.Namespace) -> int:
    """Import what can be; 1 if a file was quarantined."""
    from tqdm import tqdm

    from collector.importers.cast.run import import_casts
    from manifests.errors import GoaltraceError
    from manifests.progress import as_bar
    from manifests.secrets import read_list

    if args.sensitive == "keep" and args.redact is not None:
        raise GoaltraceError("--redact: nothing is masked with --sensitive keep; leave one of them out")

    def on_result(result: CastResult) -> None:
        if not args.json:
            tqdm.write(_line(result), file=sys.stderr if result.state == "quarantined" else sys.stdout)

    with as_bar() as on_progress:
        done = import_casts(
            args.paths, out=args.out, sensitive=args.sensitive, redact=read_list(args.redact) if args.redact else (),
            keep_names=args.keep_names, idle_limit_s=args.idle_limit, fps=args.fps, render=not args.no_render,
            max_size_mib=args.max_size, workers=args.workers, on_result=on_result, on_progress=on_progress,
        )  # fmt: skip
    if args.json:
        print(json.dumps({"out": str(args.out), "casts": [_row(result) for result in done]}, indent=2))
    left_out = sum(result.state == "quarantined" for result in done)
    if left_out and not args.json:
        where = args.out / "quarantine" / "casts.jsonl"
        print(f"{left_out} of {len(done)} left out; {where} says why", file=sys.stderr)
    return 1 if left_out else 0


def _row(result: CastResult) -> dict[str, Any]:
    if result.state == "quarantined":
        return {"from": str(result.cast), "state": result.state, "reason": result.reason}
    row = {"from": str(result.cast), "session": str(result.session), "state": result.state}
    if result.state == "there already":
        return row
    return {
        **row, "actions": result.actions, "frames": result.frames, "repairs": dict(result.repairs),
        "times": list(result.times), "notes": list(result.notes),
    }  # fmt: skip


def _line(result: CastResult) -> str:
    if result.state == "quarantined":
        return f"quarantined {result.cast}: {result.reason}"
    counts = f" ({result.actions} actions, {result.frames} frames)" if result.state == "imported" else ""
    lines = [f"{result.state} {result.session}{counts}", *(f"  times: {reason}" for reason in result.times)]
    return "\n".join([*lines, *(f"  {note}" for note in result.notes)])
