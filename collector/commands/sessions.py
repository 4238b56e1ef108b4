"""`goaltrace sessions`: check sessions, make killed ones whole, forget a person's."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collector.sessions.forget import Forgotten
    from collector.sessions.recover import Recovery


def configure(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    check = actions.add_parser("check", help="say what is wrong with sessions", description=(
        "Say what is wrong with each session, one line a problem. Exit status 1 if any is damaged."))  # fmt: skip
    recover = actions.add_parser("recover", help="make killed sessions whole", description=(
        "Keep what is whole of sessions that were not finished. What is replaced is kept in SESSION/damaged/."
    ))  # fmt: skip
    forget = actions.add_parser("forget", help="remove everything recorded under a consent", description=(
        "Remove everything recorded under a consent below the paths: sessions, their clips and latents, and films, "
        "pages and casts made of them. Models that were trained on them are named, or removed with --models."
    ))  # fmt: skip
    for command in (check, recover):
        command.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="sessions, or folders of them")
        command.add_argument("--decode", action="store_true",
                             help="decode every picture too: slow, finds damage inside pictures")  # fmt: skip
    recover.add_argument("--keep", action="store_true",
                         help="outcome unverified, not aborted, where a session reconciles: to be packed")  # fmt: skip
    forget.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="folders to look through, at any depth")
    forget.add_argument("--consent", required=True, metavar="ID", help="the person's pseudonym, as in consent.json")
    forget.add_argument("--models", action="store_true", help="remove models that were trained on it, and their runs")
    forget.add_argument("--yes", action="store_true", help="do not ask")
    for command in (recover, forget):
        command.add_argument("--dry-run", action="store_true", help="say what would be done, change nothing")
    for command in (check, recover, forget):
        command.add_argument("--json", action="store_true", help="print the result as JSON")


def run(args: argparse.Namespace) -> int:
    return {"check": _check, "recover": _recover, "forget": _forget}[args.action](args)


def _check(args: argparse.Namespace) -> int:
    from dataclasses import asdict

    from tqdm import tqdm

    from collector.sessions.check import check_session
    from manifests.session import find_sessions

    found = {}
    for folder in tqdm(find_sessions(args.paths), unit="session", desc="checking", disable=None, leave=False):
        found[str(folder.path)] = check_session(folder, args.decode)
    damaged = [path for path, problems in found.items() if any(problem.damage for problem in problems)]
    if args.json:
        print(json.dumps([
            {"session": path, "damaged": path in damaged, "problems": [asdict(problem) for problem in problems]}
            for path, problems in found.items()
        ], indent=2))  # fmt: skip
        return 1 if damaged else 0
    for path, problems in found.items():
        for problem in problems:
            print(f"{path}/{problem}")
    print(f"{len(found)} session{'' if len(found) == 1 else 's'}, {len(damaged) or 'none'} damaged")
    return 1 if damaged else 0


def _recover(args: argparse.Namespace) -> int:
    from dataclasses import asdict

    from tqdm import tqdm

    from collector.sessions.recover import recover_session
    from manifests.errors import GoaltraceError
    from manifests.files import DiskFull
    from manifests.item_errors import one_item
    from manifests.plain_text import one_line
    from manifests.session import find_sessions

    results: list[Recovery] = []
    failed = 0
    bar = tqdm(find_sessions(args.paths), unit="session", desc="recovering", disable=None, leave=False)
    for folder in bar:
        try:
            with one_item(folder.path):
                result = recover_session(folder, dry_run=args.dry_run, keep=args.keep, decode=args.decode)
        except DiskFull:
            raise
        except GoaltraceError as error:
            failed += 1
            bar.write(f"goaltrace sessions recover: {one_line(str(error))}", file=sys.stderr)
            continue
        results.append(result)
        if not args.json:
            for line in _lines(result):
                bar.write(line, file=sys.stdout)
    if args.json:
        print(json.dumps([asdict(result) | {"path": str(result.path)} for result in results], indent=2))
    else:
        counts = {status: sum(result.status == status for result in results) for status in dict.fromkeys(
            result.status for result in results)}  # fmt: skip
        print(
            f"{len(results)} session{'' if len(results) == 1 else 's'}: "
            + ", ".join(f"{count} {status}" for status, count in counts.items())
        )
    return 1 if failed or any(result.status == "lost" or result.remaining for result in results) else 0


def _lines(result: Recovery) -> list[str]:
    from collector.recording.timing import in_words

    if result.status == "fine" and not result.detail:
        return []
    lines = [f"{result.status:<11} {result.path}: {result.detail}"]
    lines += [f"{'':<11} {in_words(reason)}" for reason in result.invalid_reasons]
    if result.status != "lost":
        lines += [f"{'':<11} not mended: {problem}" for problem in result.remaining]
    return lines


def _forget(args: argparse.Namespace) -> int:
    from tqdm import tqdm

    from collector.sessions.forget import plan_forget, remove
    from manifests.errors import GoaltraceError

    plan = plan_forget(args.consent, args.paths, models=args.models)
    if not plan:
        where = ", ".join(map(str, args.paths))
        message = f"{args.consent}: nothing under {where} was recorded under this consent; check the id and the paths"
        print(json.dumps(plan.as_json() | {"removed": False}, indent=2) if args.json else message)
        for line in () if args.json else plan.remaining():
            print(line)
        return 1
    if args.dry_run:
        return _print_plan(plan, args, removed=False)
    if not args.yes:
        if args.json or not sys.stdin.isatty():
            raise GoaltraceError(
                "this cannot be undone, and nobody is here to ask; look with --dry-run, then give --yes"
            )
        _print_plan(plan, args, removed=False)
        if not _agreed("Remove all of this? It cannot be undone. [y/N] "):
            print("nothing was removed")
            return 1
    total = len(plan.derived) + len(plan.datasets) + len(plan.sessions)
    with tqdm(total=total, desc="forgetting", disable=None, leave=False) as bar:
        remove(plan, bar.update)
    return _print_plan(plan, args, removed=True)


def _agreed(question: str) -> bool:
    try:
        return input(question).strip().lower() in ("y", "yes")
    except EOFError:
        return False


def _print_plan(plan: Forgotten, args: argparse.Namespace, removed: bool) -> int:
    if args.json:
        print(json.dumps(plan.as_json() | {"removed": removed}, indent=2))
        return 1 if plan.unread or plan.found.closed else 0
    for line in plan.lines("removed" if removed else "would remove"):
        print(line)
    return 1 if plan.unread or plan.found.closed else 0
