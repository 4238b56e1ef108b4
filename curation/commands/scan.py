"""`goaltrace scan`: what is sensitive in a data set, and a data set without it."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from curation.commands import stages

if TYPE_CHECKING:
    from curation.scan.look import Options
    from curation.stage import Outcome

EPILOG = """\
Looked through are the keys (put together again as they were meant), the text of terminals' screens, captions, goals
and names. What is found is counted, never shown. Pixels of desktops are not read: a clip in which something sensitive
was typed or told is left out by --mask, with the later ones of its session.

exit status: 0 nothing found, or masked; 1 something found; 2 something could not be scanned.
docs/scanning.md says more."""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EPILOG
    stages.add_arguments(parser, "scanned")
    parser.add_argument("--mask", action="store_true", help="write a new data set with everything found masked")
    parser.add_argument("--out", type=Path, metavar="DATASET2", help="the new data set's folder, with --mask")
    parser.add_argument("--redact", type=Path, metavar="FILE",
                        help="look for these as well: a text file with one string a line")  # fmt: skip
    parser.add_argument("--keep-names", action="store_true",
                        help="do not look for the names of this machine and its user")  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print what was found, clip by clip, as JSON")


def run(args: argparse.Namespace) -> int:
    """The exit status. What is written is as private as what it is made of."""
    from manifests.private import as_private_as

    with as_private_as(args.dataset):
        return _run(args)


def _run(args: argparse.Namespace) -> int:
    from curation.scan.look import Options
    from curation.scan.stage import stage
    from curation.scanned import summary
    from manifests.clip_io import ClipReader
    from manifests.errors import GoaltraceError
    from manifests.files import require_absent
    from manifests.secrets import NOBODY, of_this_machine, read_list

    stages.require_workers(args)
    if args.mask != (args.out is not None):
        missing = "--out is missing; name the new data set's folder" if args.mask else "--out: goes with --mask"
        raise GoaltraceError(missing)
    if args.out is not None:
        require_absent(args.out)
    listed = read_list(args.redact) if args.redact else ()
    options = Options(listed, NOBODY if args.keep_names else of_this_machine())
    # What a user listed is not in the name of a table, so one that is there may be of another list.
    outcome = stages.run(stage(options), args, args.force or bool(listed))
    found = summary(ClipReader(args.dataset))
    masked = _mask(args, options) if args.mask and found.clips else None
    if args.json:
        print(json.dumps(found.as_json() | {"masked": masked, "damaged": [str(e) for e in outcome.damaged]}, indent=2))
    else:
        print(found.as_text())
        _say(args, masked, outcome)
    for error in outcome.damaged:
        print(f"goaltrace scan: {error}", file=sys.stderr)
    return 2 if outcome.damaged else 1 if found.clips and masked is None else 0


def _mask(args: argparse.Namespace, options: Options) -> dict[str, Any]:
    """Write the masked data set; how many clips it has, and which were left out."""
    from curation.derive import Progress
    from curation.masked import masked_data_set
    from manifests.plain import one_line

    left_out: dict[str, str] = {}
    with stages.bar_of_clips("mask") as bar:

        def leave_out(clip: str, reason: str) -> None:
            left_out[clip] = reason
            bar.write(f"left out: {clip}: {one_line(reason)}", file=sys.stderr)

        manifest = masked_data_set(args.dataset, args.out, options, args.workers, Progress(bar.update, leave_out))
    return {"path": str(args.out), "clips": manifest.counts.clips, "left_out": left_out}


def _say(args: argparse.Namespace, masked: dict[str, Any] | None, outcome: Outcome) -> None:
    if masked is not None:
        left = f", {len(masked['left_out'])} left out" if masked["left_out"] else ""
        print(f"wrote {masked['path']}: {masked['clips']} clips masked and scanned again{left}")
    elif args.mask:
        print(f"nothing to mask: {args.out} was not written, {args.dataset} can be published as it is")
    elif not outcome.made and not outcome.damaged:
        print(f"up to date: {len(outcome.reused)} shard(s) scanned already: {args.dataset}/scores")
