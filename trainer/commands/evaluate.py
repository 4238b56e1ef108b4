"""goaltrace evaluate: does the model obey its actions, on sessions that it never saw?"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from manifests.errors import GoaltraceError
from manifests.files import require_writable, write_json, write_text
from trainer.commands.arguments import seed
from trainer.machine.runtime import share_cores

if TYPE_CHECKING:
    from trainer.evaluation.page import Strip
    from trainer.evaluation.report import Watched
    from trainer.evaluation.scenes import Scene
    from trainer.inference.loaded_run import LoadedRun

STRIPS = 3  # of each kind, on the page


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
    parser.add_argument("--kind", choices=("desktop", "terminal"), help="only clips of this kind")
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
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")


def run(args: argparse.Namespace) -> int:
    """The exit status. What is written is as private as what it is made of."""
    from manifests.private import as_private_as

    with as_private_as(args.run):
        return _run(args)


def _run(args: argparse.Namespace) -> int:
    share_cores()
    for name in ("clips", "frames", "seeds"):
        if getattr(args, name) is not None and getattr(args, name) < 1:
            raise GoaltraceError(f"--{name}: must be at least 1")
    from tqdm import tqdm

    from trainer.evaluation.fvd import FVD
    from trainer.evaluation.i3d import I3D
    from trainer.evaluation.lpips import LPIPS
    from trainer.evaluation.measure import Instruments
    from trainer.evaluation.page import evaluation_page
    from trainer.evaluation.report import gather, report_of
    from trainer.evaluation.rollouts import RolloutModel, batches
    from trainer.evaluation.scenes import ARMS
    from trainer.evaluation.table import table
    from trainer.evaluation.weights import digest
    from trainer.inference.loaded_run import load_run
    from trainer.machine.device import pick_device

    require_writable(args.run)
    opened = load_run(args.run, args.dataset, args.device, args.kind)
    scenes, seeds = _scenes(args, opened)
    device = pick_device(args.device)
    player = RolloutModel(opened.model, opened.codec, opened.config, opened.inputs, device)
    lpips = LPIPS.load(args.lpips, device) if args.lpips else None
    i3d = I3D.load(args.fvd, device) if args.fvd else None
    fvd = FVD.over(scenes, i3d.features) if i3d else None
    tools = Instruments(opened.reader, opened.texts, lpips, fvd)
    shown = _shown(scenes)
    with tqdm(
        desc="rolling out", unit="frame", disable=None, total=len(seeds) * batches(player, scenes, len(ARMS))
    ) as bar:
        found, watched = gather(player, scenes, seeds, tools, shown, lambda: bar.update() and None)
    data = opened.config.data
    document: dict[str, Any] = {
        "run": str(args.run), "step": opened.step, "seeds": seeds, "given_frames": scenes[0].given,
        "fps": data.fps, "width": data.width, "height": data.height,
        "clips": [{"clip": s.clip.id, "first": s.start + s.given, "frames": s.made} for s in scenes],
        "kinds": report_of(found, scenes, seeds[0], fvd),
        "weights": ({"lpips": digest(lpips.weights)} if lpips else {}) | ({"fvd": i3d.digest()} if i3d else {}),
    }  # fmt: skip
    write_json(args.run / "evaluation.json", document)
    write_text(args.run / "evaluation.html", evaluation_page(document, _strips(scenes, shown, watched, data.fps)))
    if args.json:
        print(json.dumps(document))
    else:
        print("\n\n".join(table(kind, figures, len(seeds)) for kind, figures in document["kinds"].items()))
        print(f"\nwritten to {args.run / 'evaluation.json'} and {args.run / 'evaluation.html'}", file=sys.stderr)
    return 0


def _scenes(args: argparse.Namespace, opened: LoadedRun) -> tuple[list[Scene], list[int]]:
    """What is rolled out, and with which seeds."""
    from trainer.evaluation.compare import read_evaluation
    from trainer.evaluation.scenes import choose_scenes, scenes_like

    if args.like is None:
        frames = args.frames or opened.config.sample.frames
        scenes = choose_scenes(opened.store, opened.held_out, opened.config, args.clips, frames)
        return scenes, list(range(args.seed, args.seed + args.seeds))
    other = read_evaluation(args.like)
    if other["fps"] != opened.config.data.fps:
        raise GoaltraceError(
            f"--like {args.like}: was evaluated at {other['fps']:g} frames/s, {args.run} runs at "
            f"{opened.config.data.fps:g}; train both at the same data.fps"
        )
    return scenes_like(opened.store, opened.held_out, opened.config, other["clips"]), list(other["seeds"])


def _shown(scenes: list[Scene]) -> list[int]:
    """The scenes that the page shows: the first of each kind."""
    return [n for n, scene in enumerate(scenes) if sum(s.kind == scene.kind for s in scenes[:n]) < STRIPS]


def _strips(scenes: list[Scene], shown: list[int], watched: Watched, fps: float) -> list[Strip]:
    from trainer.evaluation.picture import Panel, strip
    from trainer.evaluation.scenes import donor_of

    strips: list[Strip] = []
    for number in shown:
        scene, donor = scenes[number], donor_of(scenes, number)
        panels = [Panel.recorded("recorded", scene)]
        for arm, title in (("true", "its actions"), ("shuffled", "other actions"), ("null", "no actions")):
            panels.append(Panel.generated(title, watched[arm, number], scene, donor, arm))
        goal = f": {scene.clip.row['goal']}" if scene.clip.row["goal"] else ""
        strips.append((scene.kind, f"{scene.clip.id}{goal}", strip(panels, scene, fps, moments=3, scale=1)))
    return strips
