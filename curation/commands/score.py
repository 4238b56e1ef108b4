"""`goaltrace score`: a table of scores beside each shard; the video is read once and never rewritten."""

from __future__ import annotations

import argparse
import json
import sys

from curation.commands import stages


def configure(parser: argparse.ArgumentParser) -> None:
    stages.add_arguments(parser, "scored")
    parser.add_argument("--json", action="store_true", help="print what was done as JSON")


def run(args: argparse.Namespace) -> int:
    """The exit status. What is written is as private as what it is made of."""
    from manifests.private import as_private_as

    with as_private_as(args.dataset):
        return _run(args)


def _run(args: argparse.Namespace) -> int:
    from curation.scores.shard import STAGE

    stages.require_workers(args)
    outcome = stages.run(STAGE, args, args.force)
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
