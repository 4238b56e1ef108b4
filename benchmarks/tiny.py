"""Does the tiny preset learn to obey its actions on two CPU cores? Three seeds, each trained and measured from nothing.

    python benchmarks/tiny.py [DATASET] [--seeds 3] [--json FILE]

DATASET (default demo/dataset) is clips that this project recorded, of desktops and terminals. Every figure is read
from the pixels of roll-outs of sessions that were never trained on, by readers that know neither actions nor model.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

MINUTES, POINTER_PX, SHUFFLED_TIMES = 4.0, 3.0, 4.0


def goaltrace(*words: str) -> dict[str, Any]:
    """Run a command that prints JSON."""
    done = subprocess.run([sys.executable, "-m", "goaltrace", *words, "--json"], stdout=subprocess.PIPE, check=True)
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def measure(dataset: Path, seed: int, clips: int, scratch: Path) -> dict[str, Any]:
    """One run: how long it took, and what it learnt."""
    run = scratch / f"seed-{seed}"
    start = time.monotonic()
    trained = goaltrace("train", str(dataset), "--preset", "tiny", "--seed", str(seed), "--out", str(run))
    minutes = (time.monotonic() - start) / 60
    report = goaltrace("evaluate", str(run), "--clips", str(clips), "--seed", str(seed))
    found: dict[str, Any] = {"seed": seed, "minutes": minutes, "steps": trained["step"]}
    for kind, name in (("desktop", "cursor_px"), ("terminal", "text_typed")):
        if kind in report["kinds"]:
            rows = report["kinds"][kind]["rows"]
            for row in ("true", "shuffled", "null", "codec"):
                found[f"{name} {row}"] = rows[row].get(name)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", type=Path, nargs="?", default=Path("demo/dataset"))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--clips", type=int, default=24, help="held-out clips to roll out, of both kinds together")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure")
    args = parser.parse_args()
    if not args.dataset.is_dir():
        raise SystemExit(f"{args.dataset}: no such data set; make one with make demo")
    results = []
    with tempfile.TemporaryDirectory() as scratch:
        for seed in range(args.seeds):
            results.append(measure(args.dataset, seed, args.clips, Path(scratch)))
            print(json.dumps(results[-1]), flush=True)
    print(f"\nmedian of {len(results)} seeds")
    minutes = statistics.median(result["minutes"] for result in results)
    print(f"  trained in {minutes:.1f} min (goal: at most {MINUTES:g})")
    for name, unit, better in (("cursor_px", "px off", "less"), ("text_typed", "typed right (share of 1)", "more")):
        rows = {
            row: statistics.median(result[f"{name} {row}"] for result in results)
            for row in ("true", "shuffled", "null", "codec")
            if all(result.get(f"{name} {row}") is not None for result in results)
        }
        if not {"true", "shuffled"} <= rows.keys():
            continue
        values = ", ".join(f"{row} {value:.3g}" for row, value in rows.items())
        goal = (
            f"at most {POINTER_PX:g} px, shuffled at least {SHUFFLED_TIMES:g}x"
            if better == "less"
            else "above shuffled"
        )
        times = f"; shuffled / true {rows['shuffled'] / rows['true']:.1f}x" if better == "less" else ""
        print(f"  {unit}: {values}{times} (goal: {goal})")
    if args.json:
        args.json.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
