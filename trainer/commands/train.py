"""goaltrace train: from a data set to a run folder with a model in it."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from manifests.errors import GoaltraceError
from trainer.commands.arguments import seed
from trainer.commands.bars import shown
from trainer.face.arguments import DEVICES, KINDS, LOGGERS
from trainer.face.options import TrainOptions
from trainer.face.training import TrainResult, carry_out, set_up
from trainer.runtime.process import exit_on_sigterm, share_cores


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("dataset", help="a folder that pack or select made, hf://datasets/OWNER/NAME or s3://...")
    parser.add_argument("--preset", help="named settings: tiny (CPU, default), small, base-120m, wan-1.3b")
    parser.add_argument("--out", type=Path, required=True, metavar="RUN", help="folder of the run")
    parser.add_argument("--steps", type=int, help="optimiser steps in all (lifts the preset's time limit)")
    parser.add_argument("--max-seconds", type=float, help="stop training after this long and keep what was learnt")
    parser.add_argument("--seed", type=seed, help="of weights, order, noise and dropout (default 0)")
    parser.add_argument("--device", choices=DEVICES, default="auto")
    parser.add_argument("--kind", choices=KINDS, help="use only clips of this kind")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="change a setting, e.g. train.lr=0.001; give it again for more (docs/training.md)",
    )
    parser.add_argument(
        "--logger",  # torchrun would take --log for one of its own
        choices=LOGGERS,
        default="auto",
        help="curves beside metrics.jsonl (auto: RUN/tensorboard, where TensorBoard is installed)",
    )
    parser.add_argument("--resume", action="store_true", help="go on with the run in --out")
    parser.add_argument("--dry-run", action="store_true", help="say what would be done, train nothing, write nothing")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.epilog = (
        "Several GPUs: torchrun --nproc-per-node=8 -m goaltrace train DATASET --out RUN ... "
        "(any number of ranks goes on with a run of any other)."
    )


def run(args: argparse.Namespace) -> int:
    share_cores()
    options = _options(args)
    with shown(begun=True) as on_progress:
        try:
            training = set_up(options, on_progress)
        except GoaltraceError:
            from trainer.runtime.distributed import from_environment

            if from_environment().local:
                return 2  # the first rank of this machine has said it
            raise
        from trainer.training.optimise import NotFinite

        ranks = training.ranks
        if ranks.first:
            print(training.plan.text, file=sys.stderr)
        if options.dry_run:
            if args.json and ranks.first:
                print(json.dumps({"dry_run": True, **training.plan.to_dict()}))
            return 0
        with exit_on_sigterm():
            try:
                result = carry_out(training, on_progress)
            except NotFinite:
                if ranks.first:
                    raise
                return 2
    if ranks.first:
        _print(args, result)
    return 0 if result.signal is None else 128 + result.signal


def _options(args: argparse.Namespace) -> TrainOptions:
    return TrainOptions(
        dataset=args.dataset, out=args.out, preset=args.preset, settings=tuple(args.set), steps=args.steps,
        max_seconds=args.max_seconds, seed=args.seed, device=args.device, kind=args.kind, resume=args.resume,
        logger=args.logger, dry_run=args.dry_run,
    )  # fmt: skip


def _print(args: argparse.Namespace, result: TrainResult) -> None:
    report: dict[str, Any] = {
        "run": str(result.run),
        "step": result.step,
        "loss": round(result.loss, 5),
        "train_seconds": round(result.train_seconds, 1),
        "total_seconds": round(result.total_seconds, 1),
        "tokens_per_second": round(result.tokens_per_second),
        "mfu": None if result.mfu is None else round(result.mfu, 4),
        "waiting": round(result.waiting, 4),
        "stopped": result.stopped,
    }
    if args.json:
        print(json.dumps(report))
    else:
        speed = f"{result.tokens_per_second:,.0f} tokens/s" + (f", MFU {result.mfu:.1%}" if result.mfu else "")
        waiting = f"({result.waiting:.1%} waiting for data)"
        times = f"{result.train_seconds:.0f} s of training {waiting}, {result.total_seconds:.0f} s in all"
        print(f"{args.out}: step {result.step}, loss {result.loss:.4f}, {speed}, {times}")
    if result.stopped:
        print(f"stopped; go on with: goaltrace train {args.dataset} --out {args.out} --resume", file=sys.stderr)
