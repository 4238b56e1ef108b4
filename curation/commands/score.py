"""`goaltrace score`: a table of scores beside each shard; the video is read once and never rewritten."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("dataset", type=Path, metavar="DATASET", help="a folder that pack or select made")
    parser.add_argument("--workers", type=int, default=0, metavar="N", help="processes (default: one per core)")
    parser.add_argument("--force", action="store_true", help="score again what is scored already")
    parser.add_argument("--json", action="store_true", help="print what was done as JSON")


def run(args: argparse.Namespace) -> int:
    """The exit status. What is written is as private as what it is made of."""
    from manifests.private import as_private_as

    with as_private_as(args.dataset):
        return _run(args)


def _run(args: argparse.Namespace) -> int:
    from tqdm import tqdm

    from curation.scores.shard import STAGE
    from curation.stage import run_stage
    from manifests.errors import GoaltraceError

    if args.workers < 0:
        raise GoaltraceError(f"--workers: {args.workers}; give 1 or more, or leave it out for one per core")
    with tqdm(desc="score", unit="clip", disable=None, leave=False, file=sys.stderr) as bar:

        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done)

        outcome = run_stage(STAGE, args.dataset, args.workers, args.force, progress)
    if args.json:
        damaged = [str(error) for error in outcome.damaged]
        print(json.dumps({"scored": outcome.made, "reused": outcome.reused, "damaged": damaged}, indent=2))
    elif outcome.made:
        print(f"scored {len(outcome.made)} shard(s), {len(outcome.reused)} already done: {args.dataset}/scores")
    elif not outcome.damaged:
        print(f"up to date: {len(outcome.reused)} shard(s) scored already: {args.dataset}/scores")
    for error in outcome.damaged:
        print(f"goaltrace score: {error}", file=sys.stderr)
    return 2 if outcome.damaged else 0
