"""`goaltrace import neuralcomputer`: its options and its output."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collector.importers.neuralcomputer.run import NeuralComputerResult


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folders", nargs="+", type=Path, metavar="DIR", help="folders with such files, at any depth")
    parser.add_argument("--out", type=Path, required=True, metavar="SESSIONS", help="where the session folders go")
    parser.add_argument("--dry-run", action="store_true", help="read the logs, say what would be made, write nothing")
    parser.add_argument("--json", action="store_true", help="print what was made, and what was skipped, as JSON")


def run(args: argparse.Namespace) -> int:
    """Import what is whole; 1 if a session had to be skipped."""
    from tqdm import tqdm

    from collector.importers.neuralcomputer.run import import_neuralcomputer
    from manifests.progress import as_bar

    def on_result(result: NeuralComputerResult) -> None:
        if not args.json:
            tqdm.write(_line(result), file=sys.stderr if result.state == "skipped" else sys.stdout)

    with as_bar() as on_progress:
        done = import_neuralcomputer(
            args.folders, out=args.out, dry_run=args.dry_run, on_result=on_result, on_progress=on_progress
        )
    if args.json:
        rows = [_row(result) for result in done]
        print(json.dumps({"out": str(args.out), "dry_run": args.dry_run, "sessions": rows}, indent=2))
    return 1 if any(result.state == "skipped" for result in done) else 0


def _row(result: NeuralComputerResult) -> dict[str, Any]:
    row = {
        "from": str(result.video), "session": result.session and str(result.session), "state": result.state,
        "reason": result.reason, **_counts(result),
        "reasons": list(result.reasons) if result.state == "imported" else None,
    }  # fmt: skip
    return {name: value for name, value in row.items() if value is not None}


def _counts(result: NeuralComputerResult) -> dict[str, int]:
    counts = {"frames": result.frames, "rows": result.rows, "actions": result.actions}
    return {name: count for name, count in counts.items() if count is not None}


def _line(result: NeuralComputerResult) -> str:
    if result.state == "skipped":
        return f"skipped {result.video}: {result.reason}"
    counts = ", ".join(f"{count} {name}" for name, count in _counts(result).items())
    lines = [f"{result.state} {result.session}" + (f" ({counts})" if counts else "")]
    return "\n".join([*lines, *(f"  times: {reason}" for reason in result.reasons)])
