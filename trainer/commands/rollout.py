"""goaltrace rollout: a clip beside what the model makes of its actions, as a video, a GIF and a strip."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from trainer.commands.arguments import seed
from trainer.commands.bars import shown
from trainer.face.arguments import DEVICES
from trainer.face.rolling import rollout
from trainer.runtime.process import share_cores


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", type=Path, metavar="RUN", help="a run that train made")
    parser.add_argument("--clip", metavar="ID", help="clip to roll out (default: the busiest held-out clip)")
    parser.add_argument("--dataset", help="the data set, if it is not where the run was trained on it")
    parser.add_argument("--out", type=Path, metavar="FILE", help="name of the files, .gif/.mp4/.png (default: in RUN)")
    parser.add_argument(
        "--frames", type=int, default=25, metavar="N", help="frames to generate (default 25, at most what the clip has)"
    )
    parser.add_argument("--seed", type=seed, default=0, help="of the sampler's noise")
    parser.add_argument("--device", choices=DEVICES, default="auto")
    parser.add_argument("--json", action="store_true", help="print the written paths as JSON")


def run(args: argparse.Namespace) -> int:
    share_cores()
    with shown() as on_progress:
        result = rollout(
            args.run, clip=args.clip, dataset=args.dataset, out=args.out, frames=args.frames, seed=args.seed,
            device=args.device, on_progress=on_progress,
        )  # fmt: skip
    files = [str(path) for path in result.files]
    if args.json:
        print(json.dumps({"clip": result.clip, "held_out": result.held_out, "files": files}))
    else:
        print("\n".join(files))
    return 0
