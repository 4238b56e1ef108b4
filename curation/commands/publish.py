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
    parser.add_argument("--license", metavar="ID", help="the licence's id on the Hub, such as cc-by-4.0; where it is "
                        "missing a terminal is asked, and nothing is guessed")  # fmt: skip
    parser.add_argument("--unscanned", action="store_true", help="publish although it was not scanned for secrets")
    parser.add_argument("--with-findings", action="store_true", help="publish what goaltrace scan found in it as well")
    parser.add_argument("--dry-run", action="store_true", help="show files and card, send nothing; needs no token")
    parser.add_argument("--json", action="store_true", help="print what was (or would be) sent as JSON")


def run(args: argparse.Namespace) -> int:
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    from huggingface_hub.utils import logging

    from curation.publish import licence
    from curation.publish.preview import PREVIEW
    from curation.publish.upload import make_plan, own_card, require_name, require_token, upload
    from manifests.dataset import DatasetFolder
    from manifests.errors import GoaltraceError

    logging.set_verbosity_error()  # type: ignore[no-untyped-call]  # each retry would be a line; the failure is one
    require_name(args.repo)
    DatasetFolder(args.dataset).read_manifest()
    if args.license is not None:
        licence.require_known(args.license)
    if not args.dry_run:  # what can be refused at once is, before every file is read
        require_token()
        if args.license is None and own_card(args.dataset) is None:
            if not (sys.stdin.isatty() and sys.stderr.isatty()):
                raise GoaltraceError(licence.missing())
            args.license = licence.ask()
    plan = make_plan(args.dataset, args.repo, args.license, args.unscanned, args.with_findings)
    url, changed = (None, False) if args.dry_run else upload(args.dataset, plan, args.private)
    if args.json:
        said = {"repo": plan.repo_id, "url": url, "changed": changed, "license": plan.license, "files": plan.files}
        print(json.dumps({**said, "card": plan.card}, indent=2))
    elif url is None:
        for name, size in plan.files.items():
            print(f"{size:>14,} B  {name}")
        print(f"{sum(plan.files.values()):>14,} B  in {len(plan.files)} files\n\n{plan.card}")
        print(f"dry run: nothing was sent to {plan.repo_id}")
    elif changed:
        print(f"published {len(plan.files)} files: {url}")
    else:
        print(f"nothing has changed, all {len(plan.files)} files are there: {url}")
    if plan.own_card and not args.json:
        print("README.md was written by hand: it is sent as it is", file=sys.stderr)
    if plan.no_preview:
        print(f"no {PREVIEW} for the card: {plan.no_preview}", file=sys.stderr)
    if plan.license is None:
        print(f"missing: {licence.missing()}", file=sys.stderr)
    return 0
