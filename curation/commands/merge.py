"""`goaltrace merge`: several data sets as one."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from manifests.progress import as_bar

EPILOG = """\
Clips stay as they are, bit for bit. One that two data sets have is kept once; where it differs, nothing is written.
Tables of scores and scans are taken along where every data set has them, made in one way.
docs/curation.md says more."""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EPILOG
    parser.add_argument("datasets", type=Path, nargs="+", metavar="DATASET",
                        help="two folders or more that pack, select or merge made")  # fmt: skip
    parser.add_argument("--out", type=Path, metavar="DATASET2", help="the new data set's folder")
    parser.add_argument("--dry-run", action="store_true", help="say what would be in it, write nothing")
    parser.add_argument("--json", action="store_true", help="print what is in it as JSON")


def run(args: argparse.Namespace) -> int:
    from curation.merge import merge
    from manifests.errors import GoaltraceError

    if args.out is None and not args.dry_run:
        raise GoaltraceError("--out is missing; name the new data set's folder, or give --dry-run")
    with as_bar() as on_progress:
        done = merge(args.datasets, out=None if args.dry_run else args.out, on_progress=on_progress)
    if args.json:
        document = {
            "dry_run": args.dry_run,
            "clips": len(done.clip_ids),
            "sessions": done.sessions,
            "hours": done.hours,
        }
        document |= {"repeated": done.repeated, "carried": done.carried, "not_carried": dict(done.not_carried)}
        print(json.dumps(document | {"left_out": dict(done.left_out)}, indent=2))
        return 0
    print(f"{len(done.clip_ids):,} clips of {done.sessions:,} sessions, {done.hours:.3f} hours")
    if done.repeated:
        print(f"{len(done.repeated):,} clips are in more than one data set, and kept once: {_some(done.repeated)}")
    if done.carried:
        print(f"taken along: the tables of {', '.join(done.carried)}")
    for stage, why in done.not_carried.items():
        print(f"not taken along: the tables of {stage}: {why}")
    print("dry run: nothing was written" if args.dry_run else f"wrote {args.out}")
    return 0


def _some(clips: tuple[str, ...]) -> str:
    return ", ".join(clips[:3]) + (", ..." if len(clips) > 3 else "")
