"""`goaltrace probe`: measure this recorder's own error."""

from __future__ import annotations

import argparse
import json
from functools import partial
from pathlib import Path
from typing import Any

from collector.commands.images import add_system


def configure(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Film a counter that counts key presses, with the real recorder, and hold every frame against the log. "
        "A contradiction is a frame that shows a key the log places later, or lacks one that was on the screen before."
    )
    parser.add_argument("--env", choices=["docker"], default="docker", help="a desktop container (the default)")
    add_system(parser)
    parser.add_argument("--display", metavar=":N", help="this X display instead; leave its keyboard alone meanwhile")
    parser.add_argument("--seconds", type=float, default=60, metavar="S", help="length of a scenario (default: 60)")
    parser.add_argument("--load", action="store_true", help="the scenario 'loaded' as well")
    parser.add_argument("--scenarios", metavar="A,B",
                        help="from: idle, loaded, paused, drift (10 minutes), six (recorders at once), or all "
                        "(default: idle,paused)")  # fmt: skip
    parser.add_argument("--fps", type=float, default=15, help="frames a second (default: 15)")
    parser.add_argument("--capture", choices=["auto", "xserver", "mss"], default="auto",
                        help="the back end to measure (default: auto)")  # fmt: skip
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="of the keys and their times (default: 0)")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep the sessions in this new folder")
    parser.add_argument("--json", action="store_true", help="print one JSON object, a scenario a key")


def run(args: argparse.Namespace) -> int:
    from collector.probe.run import in_short, run_scenario
    from manifests.errors import GoaltraceError
    from manifests.files import require_absent

    names = _scenarios(args)
    for option, low, high in (("seconds", 2, 86_400), ("fps", 1, 60)):
        if not low <= getattr(args, option) <= high:
            raise GoaltraceError(f"--{option}: {getattr(args, option)} is not between {low} and {high}")
    if args.keep is not None:
        require_absent(args.keep)
    found: dict[str, dict[str, Any]] = {}
    for name in names:
        with _bar(name, args) as bar:
            verdicts = run_scenario(
                name, args.seconds, display=args.display, fps=args.fps, capture=args.capture, seed=args.seed,
                system=args.system, keep=args.keep, on_seconds=partial(_advance, bar),
            )  # fmt: skip
        found[name] = in_short(verdicts)
    if args.json:
        print(json.dumps(found, indent=2))
    else:
        _print(found)
    return 0 if all(_clean(result) for result in found.values()) else 1


def _scenarios(args: argparse.Namespace) -> list[str]:
    from collector.probe.run import SCENARIOS
    from manifests.errors import GoaltraceError

    asked = args.scenarios or ("idle,loaded,paused" if args.load else "idle,paused")
    names = list(SCENARIOS) if asked == "all" else asked.split(",")
    for name in names:
        if name not in SCENARIOS:
            raise GoaltraceError(f"--scenarios: no scenario {name!r}; one or more of: {', '.join(SCENARIOS)}, or all")
    return names


def _bar(name: str, args: argparse.Namespace) -> Any:
    from tqdm import tqdm

    from collector.probe.run import DRIFT_S

    total = max(args.seconds, DRIFT_S) if name == "drift" else args.seconds
    return tqdm(total=total, desc=name, unit="s", disable=None, bar_format="{l_bar}{bar}| {n:.0f}/{total:.0f} s")


def _advance(bar: Any, seconds: float) -> None:
    bar.update(max(0.0, seconds - bar.n))


def _clean(result: dict[str, Any]) -> bool:
    return result["events"] > 0 and not any(
        result[name] for name in ("contradictions", "unreadable", "leaked", "unlogged")
    )


def _print(found: dict[str, dict[str, Any]]) -> None:
    from collector.probe.run import SCENARIOS

    for name, result in found.items():
        print(f"{name}: {SCENARIOS[name]}")
        print(f"  {result['events']} keys, {result['frames']} frames, {result['dropped']} ticks dropped")
        print(f"  {result['contradictions']} contradictions", end="")
        others = {"unreadable": "unreadable frames", "leaked": "leaks in a pause", "unlogged": "keys not in the log"}
        print("".join(f", {result[key]} {text}" for key, text in others.items() if result[key]))
        for key, text in (("bracket_ms", "bracket"), ("input_lag_ms", "input lag"), ("lateness_ms", "lateness")):
            spread = result[key]
            if spread:
                print(f"  {text:<9} ms  " + "  ".join(f"{part} {value:g}" for part, value in spread.items()))
