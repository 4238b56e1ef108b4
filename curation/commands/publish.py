"""`goaltrace publish`: a data set to the Hugging Face Hub, with its card."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

EPILOG = """\
The token comes from HF_TOKEN or from `hf auth login`; HF_ENDPOINT names another Hub. A run that was cut
short goes on when it is started again. docs/publishing.md says more."""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EPILOG
    parser.add_argument("dataset", type=Path, metavar="DATASET", help="a folder that pack or select made")
    parser.add_argument("repo", metavar="OWNER/NAME", help="the data-set repository; made if it does not exist")
    parser.add_argument("--private", action="store_true", help="make the repository private")
    parser.add_argument("--license", metavar="ID", help="the licence's id on the Hub, such as cc-by-4.0")
    parser.add_argument("--unscanned", action="store_true", help="publish although it was not scanned for secrets")
    parser.add_argument("--with-findings", action="store_true", help="publish what goaltrace scan found in it as well")
    parser.add_argument("--dry-run", action="store_true", help="show files and card, send nothing; needs no token")
    parser.add_argument("--json", action="store_true", help="print what was (or would be) sent as JSON")


def run(args: argparse.Namespace) -> int:
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    from huggingface_hub.utils import logging

    from curation.publish.upload import make_plan, upload

    logging.set_verbosity_error()  # type: ignore[no-untyped-call]  # each retry would be a line; the failure is one
    plan = make_plan(args.dataset, args.repo, args.license, args.unscanned, args.with_findings)
    url = None if args.dry_run else upload(args.dataset, plan, args.private)
    if plan.own_card and not args.json:
        print("README.md was written by hand: it is sent as it is", file=sys.stderr)
    if args.json:
        print(json.dumps({"repo": plan.repo_id, "url": url, "files": plan.files, "card": plan.card}, indent=2))
    elif url is None:
        for name, size in plan.files.items():
            print(f"{size:>14,} B  {name}")
        print(f"{sum(plan.files.values()):>14,} B  in {len(plan.files)} files\n\n{plan.card}")
        print(f"dry run: nothing was sent to {plan.repo_id}")
    else:
        print(f"published {len(plan.files)} files: {url}")
    if args.license is None and not plan.own_card:
        print("no --license was given: the card names none", file=sys.stderr)
    return 0
