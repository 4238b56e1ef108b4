"""goaltrace play: a page on this machine where a person plays the model."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from manifests.errors import GoaltraceError
from manifests.progress import OnProgress
from trainer.commands.arguments import seed
from trainer.commands.bars import shown
from trainer.face.arguments import DEVICES
from trainer.runtime.process import share_cores

if TYPE_CHECKING:
    from trainer.data.clip import Clip

CLIPS = 120  # offered on the page
FPS = (0.1, 60.0)


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", type=Path, metavar="RUN", help="a run that train made")
    parser.add_argument("--clip", metavar="ID|N", help="held-out clip to begin with: its id, or its number from 1 "
                        "(default: the busiest)")  # fmt: skip
    parser.add_argument("--dataset", metavar="D", help="the data set, if it is not where the run was trained on it")
    parser.add_argument("--goal", metavar="TEXT", help="the goal that the model is given (default: the clip's)")
    parser.add_argument("--port", type=int, default=0, metavar="P",
                        help="port of the page on 127.0.0.1 (default: any free one)")  # fmt: skip
    parser.add_argument(
        "--fps", type=float, metavar="F", help="frames a second to make (default: what it was trained at)"
    )
    parser.add_argument("--browser", action=argparse.BooleanOptionalAction, default=False,
                        help="open the page in a browser (default: only print its address)")  # fmt: skip
    parser.add_argument("--seed", type=seed, default=0, help="of the sampler's noise")
    parser.add_argument("--device", choices=DEVICES, default="auto")
    parser.add_argument("--json", action="store_true", help="print the address as JSON")


def run(args: argparse.Namespace) -> int:
    share_cores()
    with shown() as on_progress:
        return _run(args, on_progress)


def _run(args: argparse.Namespace, on_progress: OnProgress) -> int:
    if args.fps is not None and not FPS[0] <= args.fps <= FPS[1]:
        raise GoaltraceError(f"--fps {args.fps:g}: must be between {FPS[0]:g} and {FPS[1]:g}")
    from manifests.pages import new_token, serve
    from trainer.inference.loaded_run import load_run
    from trainer.inference.prepare import compiles
    from trainer.play.controller import PlayController
    from trainer.play.game import Game, PlayableModel, spaced
    from trainer.play.server import make_app
    from trainer.training.prepare import spread

    loaded = load_run(args.run, args.dataset, args.device, on_progress=on_progress)
    config = loaded.config
    if args.goal is not None and config.model.text == "none":
        raise GoaltraceError(f"--goal: {args.run} was trained without text (model.text=none); leave it out")
    pipeline = PlayableModel(loaded.model, loaded.codec, config, loaded.store, loaded.inputs)
    clips = _playable(loaded.held_out, pipeline.given)
    offered = spread(clips, CLIPS)
    clip = _choose(clips, offered, args.clip)
    if clip not in offered:
        offered = [clip, *offered]
    device = next(loaded.model.parameters()).device
    if compiles(config.train, device):
        print("compiling the model for this GPU", file=sys.stderr, flush=True)
        Game(pipeline, clip, args.goal or "", args.seed, replay=False).next(spaced(0, 10**9, config.codec.time))
    controller = PlayController(pipeline, offered, clip, args.goal, args.seed, args.fps or config.data.fps, args.run)
    token = new_token()

    def ready(address: str) -> None:
        if args.json:
            print(json.dumps({"address": address, "run": str(args.run), "clip": clip.id}), flush=True)
        else:
            print(f"{address}\nopen it in a browser of this machine; Ctrl-C ends it", flush=True)

    serve(make_app(token, controller, loaded.store, config.data.fps), token, args.port, ready, args.browser)
    return 0


def _playable(held_out: list[Clip], given: int) -> list[Clip]:
    """The held-out clips that are long enough and not blank."""
    from trainer.play.game import first_frame

    clips = []
    for clip in held_out:
        try:
            first_frame(clip, given)
        except GoaltraceError:
            continue
        clips.append(clip)
    if not clips:
        raise GoaltraceError(
            f"none of the {len(held_out)} held-out clips has more than the {given} frames that a play begins with; "
            "give another --dataset, or record longer sessions"
        )
    return clips


def _choose(clips: list[Clip], offered: list[Clip], asked: str | None) -> Clip:
    if asked is None:
        return max(clips, key=lambda clip: (clip.row["kind"] == "desktop", len(clip.slots())))
    known = {clip.id: clip for clip in clips}
    if asked in known:
        return known[asked]
    if asked.isdecimal() and 1 <= int(asked) <= len(offered):
        return offered[int(asked) - 1]
    few = ", ".join(list(known)[:3])
    raise GoaltraceError(f"--clip {asked}: no such held-out clip; give 1 to {len(offered)}, or an id: {few}, ...")
