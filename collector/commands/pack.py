"""`goaltrace pack`: sessions into Parquet clips."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "sessions", nargs="+", type=Path, metavar="SESSIONS", help="session folders, or folders of them"
    )
    parser.add_argument(
        "--out", type=Path, required=True, metavar="DATASET", help="the data set to make; must not exist"
    )
    parser.add_argument("--clip-seconds", type=float, default=5.0, metavar="S",
                        help="clips last S to 2 S seconds (default: 5)")  # fmt: skip
    parser.add_argument(
        "--keep-bad-timing",
        action="store_true",
        help="pack sessions of machines that were too busy, too; their clips say so and are not trained on",
    )
    parser.add_argument("--dry-run", action="store_true", help="say which sessions would be left out, write nothing")
    parser.add_argument("--json", action="store_true", help="print the data set's manifest as JSON")


def run(args: argparse.Namespace) -> int:
    from collector.packing.pack import CLIP_S, pack, plan_packing
    from collector.ranges import require_between
    from manifests.progress import as_bar

    if args.dry_run:
        require_between("--clip-seconds", args.clip_seconds, *CLIP_S)
        reasons = plan_packing(args.sessions, keep_bad_timing=args.keep_bad_timing)
        for path, reason in reasons.items():
            print(f"{'leave out' if reason else 'pack':<9} {path}{': ' + reason if reason else ''}")
        return 0 if not all(reasons.values()) else 1
    with as_bar() as on_progress:
        manifest = pack(
            args.sessions, out=args.out, clip_s=args.clip_seconds, keep_bad_timing=args.keep_bad_timing,
            on_progress=on_progress,
        ).manifest  # fmt: skip
    if args.json:
        print(manifest.model_dump_json(indent=2))
        return 0
    for left in manifest.left_out:
        print(f"left out: {left.name}: {left.reason}", file=sys.stderr)
    for source in manifest.lineage[0].inputs:
        if source.frames_left_out:
            left_out = ", ".join(f"{count} {reason}" for reason, count in source.frames_left_out.items())
            print(f"frames in no clip: {source.name}: {left_out}", file=sys.stderr)
    counts = manifest.counts
    arms = ", ".join(f"{arm} {hours * 60:.1f} min" for arm, hours in counts.hours_by_arm.items())
    print(
        f"{args.out}: {counts.clips} clips of {counts.sessions} sessions, "
        f"{counts.frames} frames, {counts.actions} actions ({arms})"
    )
    return 0
