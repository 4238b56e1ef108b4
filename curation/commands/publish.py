"""`goaltrace publish`: a data set to the Hugging Face Hub, with its card."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

EPILOG = """\
The token comes from HF_TOKEN or from `hf auth login`; HF_ENDPOINT names another Hub. A run that was cut
short goes on when it is started again. docs/publishing.md says more."""
ASK = """\
Under which licence? The Hub's identifiers: {examples}, ...
(all: https://huggingface.co/docs/hub/repositories-licenses; `other` needs a LICENSE file that you add on the Hub)
licence: """


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
    from curation.publish import licence
    from curation.publish.preview import PREVIEW
    from curation.publish.run import is_license_missing, publish

    can_ask = not args.dry_run and sys.stdin.isatty() and sys.stderr.isatty()
    if can_ask and is_license_missing(args.dataset, args.repo, args.license, args.dry_run):
        args.license = _ask()
    done = publish(
        args.dataset,
        args.repo,
        license=args.license,
        private=args.private,
        unscanned=args.unscanned,
        with_findings=args.with_findings,
        dry_run=args.dry_run,
    )
    if args.json:
        document = {"repo": done.repo, "url": done.url, "changed": done.changed, "license": done.license}
        print(json.dumps({**document, "files": done.files, "card": done.card}, indent=2))
    elif done.url is None:
        for name, size in done.files.items():
            print(f"{size:>14,} B  {name}")
        print(f"{sum(done.files.values()):>14,} B  in {len(done.files)} files\n\n{done.card}")
        print(f"dry run: nothing was sent to {done.repo}")
    elif done.changed:
        print(f"published {len(done.files)} files: {done.url}")
    else:
        print(f"nothing has changed, all {len(done.files)} files are there: {done.url}")
    if done.own_card and not args.json:
        print("README.md was written by hand: it is sent as it is", file=sys.stderr)
    if done.no_preview:
        print(f"no {PREVIEW} for the card: {done.no_preview}", file=sys.stderr)
    if done.license is None:
        print(f"missing: {licence.missing()}", file=sys.stderr)
    return 0


def _ask() -> str:
    """Ask for the licence on the terminal, until the answer is one that the Hub knows."""
    from curation.publish import licence
    from manifests.errors import GoaltraceError

    while True:
        print(ASK.format(examples=licence.EXAMPLES), end="", file=sys.stderr, flush=True)
        answer = sys.stdin.readline()
        if not answer:
            raise GoaltraceError(licence.missing())
        try:
            return licence.require_known(answer.strip(), "licence")
        except GoaltraceError as error:
            print(error, file=sys.stderr)
