"""`goaltrace score`: a table of scores beside each shard; the video is read once and never rewritten."""

from __future__ import annotations

import argparse
import json
import sys

from curation.commands import stages
from manifests.progress import as_bar


def configure(parser: argparse.ArgumentParser) -> None:
    stages.add_arguments(parser, "scored")
    parser.add_argument("--json", action="store_true", help="print what was done as JSON")


def run(args: argparse.Namespace) -> int:
    from curation.score import score

    with as_bar() as on_progress:
        done = score(args.dataset, workers=args.workers, force=args.force, on_progress=on_progress)
    if args.json:
        print(json.dumps({"scored": done.made, "reused": done.reused, "damaged": done.damaged}, indent=2))
    elif done.made:
        print(f"scored {len(done.made)} shard(s), {len(done.reused)} already done: {args.dataset}/scores")
    elif not done.damaged:
        print(f"up to date: {len(done.reused)} shard(s) scored already: {args.dataset}/scores")
    for error in done.damaged:
        print(f"goaltrace score: {error}", file=sys.stderr)
    return 2 if done.damaged else 0
