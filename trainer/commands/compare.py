"""goaltrace compare: evaluated runs side by side, on the same clips and seeds."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from manifests.errors import GoaltraceError
from manifests.files import require_absent, write_text


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "runs", type=Path, nargs="+", metavar="RUN", help="evaluated runs; differences are to the first"
    )
    parser.add_argument("--out", type=Path, metavar="PAGE.html", help="also write an HTML page")
    parser.add_argument("--json", action="store_true", help="print the comparison as JSON")


def run(args: argparse.Namespace) -> int:
    """The exit status. What is written is as private as what it is made of."""
    from manifests.private import as_private_as

    with as_private_as(*args.runs):
        return _run(args)


def _run(args: argparse.Namespace) -> int:
    if len(args.runs) < 2:
        raise GoaltraceError("RUN RUN: give at least two runs to compare")
    if args.out is not None:
        if args.out.suffix != ".html":
            raise GoaltraceError(f"--out {args.out}: name it .html")
        require_absent(args.out)
    from manifests.made_from import beside, write_made_from
    from trainer.evaluation.compare import compare, comparison_page, evaluated_sessions, lines

    document = compare(args.runs)
    if args.out is not None:
        write_made_from(beside(args.out), "compare", evaluated_sessions(args.runs), [args.out])
        write_text(args.out, comparison_page(document))
        print(f"written to {args.out}", file=sys.stderr)
    print(json.dumps(document) if args.json else "\n".join(lines(document)))
    return 0
