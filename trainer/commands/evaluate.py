"""goaltrace evaluate: does the model obey its actions, on sessions that it never saw?"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from trainer.commands.arguments import seed
from trainer.commands.bars import shown
from trainer.face.arguments import DEVICES, KINDS
from trainer.face.evaluating import evaluate
from trainer.runtime.process import share_cores


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", type=Path, metavar="RUN", help="a run that train made")
    parser.add_argument("--dataset", help="the data set, if it is not where the run was trained on it")
    parser.add_argument("--clips", type=int, default=8, metavar="N", help="held-out clips to roll out (default 8)")
    parser.add_argument(
        "--frames",
        type=int,
        metavar="N",
        help="frames to generate (default: the preset's); fewer where no held-out clip is that long",
    )
    parser.add_argument("--kind", choices=KINDS, help="only clips of this kind")
    parser.add_argument(
        "--like", type=Path, metavar="RUN2", help="the same clips, frames and seeds as RUN2's evaluation"
    )
    parser.add_argument("--seeds", type=int, default=1, metavar="N", help="roll each clip out with N seeds (default 1)")
    parser.add_argument("--seed", type=seed, default=0, help="the first of them; of the sampler's noise")
    parser.add_argument(
        "--lpips",
        type=Path,
        metavar="FILE",
        action="append",
        help="also LPIPS, from weights that you have; twice: the network's file and the linear layers' file",
    )
    parser.add_argument(
        "--fvd", type=Path, metavar="FILE", help="also FVD, from weights of I3D that you have (a state dict)"
    )
    parser.add_argument("--device", choices=DEVICES, default="auto")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")


def run(args: argparse.Namespace) -> int:
    share_cores()
    with shown() as on_progress:
        result = evaluate(
            args.run, dataset=args.dataset, clips=args.clips, frames=args.frames, kind=args.kind, like=args.like,
            seeds=args.seeds, seed=args.seed, lpips=args.lpips or (), fvd=args.fvd, device=args.device,
            on_progress=on_progress,
        )  # fmt: skip
    from trainer.evaluation.table import table

    if args.json:
        print(json.dumps(result.document))
    else:
        kinds = result.document["kinds"].items()
        print("\n\n".join(table(kind, figures, len(result.seeds)) for kind, figures in kinds))
        print(f"\nwritten to {result.json} and {result.page}", file=sys.stderr)
    return 0
