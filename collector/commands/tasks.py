"""`goaltrace tasks`: what can be recorded."""

from __future__ import annotations

import argparse
import json


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "files", nargs="*", metavar="TASK", help="ids or .yaml files to check (default: list all built-in tasks)"
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of the example goal (default: 0)")
    parser.add_argument("--json", action="store_true", help="print as JSON")


def run(args: argparse.Namespace) -> int:
    from manifests.task import builtin_tasks, find_task

    rows = []
    for name in args.files or builtin_tasks():
        task = find_task(name)
        goal = task.instantiate(args.seed).manifest.goal
        rows.append({"id": task.id, "kind": task.kind, "family": task.family, "goal": goal})
    if args.json:
        print(json.dumps(rows, indent=2))
        return 0
    width = max(len(row["id"]) for row in rows)
    for row in rows:
        print(f"{row['kind']:<9} {row['id']:<{width}}  {row['goal']}")
    return 0
