"""goaltrace compare: evaluated runs side by side, on the same clips and seeds."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from trainer.face.comparing import compare


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "runs", type=Path, nargs="+", metavar="RUN", help="evaluated runs; differences are to the first"
    )
    parser.add_argument("--out", type=Path, metavar="PAGE.html", help="also write an HTML page")
    parser.add_argument("--json", action="store_true", help="print the comparison as JSON")


def run(args: argparse.Namespace) -> int:
    result = compare(args.runs, out=args.out)
    if result.page is not None:
        print(f"written to {result.page}", file=sys.stderr)
    print(json.dumps(result.document) if args.json else result.text)
    return 0
