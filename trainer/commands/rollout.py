"""goaltrace rollout: a clip beside what the model makes of its actions, as a video, a GIF and a strip."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from manifests.errors import GoaltraceError
from manifests.files import require_absent, require_writable
from trainer.commands.arguments import seed
from trainer.machine.runtime import share_cores

if TYPE_CHECKING:
    from trainer.data.clip import Clip
    from trainer.inference.loaded_run import LoadedRun


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", type=Path, metavar="RUN", help="a run that train made")
    parser.add_argument("--clip", metavar="ID", help="clip to roll out (default: the busiest held-out clip)")
    parser.add_argument("--dataset", help="the data set, if it is not where the run was trained on it")
    parser.add_argument("--out", type=Path, metavar="FILE", help="name of the files, .gif/.mp4/.png (default: in RUN)")
    parser.add_argument(
        "--frames", type=int, default=25, metavar="N", help="frames to generate (default 25, at most what the clip has)"
    )
    parser.add_argument("--seed", type=seed, default=0, help="of the sampler's noise")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--json", action="store_true", help="print the written paths as JSON")


def run(args: argparse.Namespace) -> int:
    """The exit status. What is written is as private as what it is made of."""
    from manifests.private import as_private_as

    with as_private_as(args.run):
        return _run(args)


def _run(args: argparse.Namespace) -> int:
    share_cores()
    if args.frames < 1:
        raise GoaltraceError("--frames: must be at least 1")
    if args.out is not None:
        if args.out.suffix not in ("", ".gif", ".mp4", ".png"):
            raise GoaltraceError(f"--out {args.out}: name it .gif, .mp4 or .png; all three are written")
        for suffix in (".gif", ".mp4", ".png"):
            require_absent(args.out.with_suffix(suffix))
    require_writable(args.out.parent if args.out is not None else args.run)
    from tqdm import tqdm

    from manifests.made_from import beside, write_made_from
    from trainer.evaluation.picture import Panel, write_all
    from trainer.evaluation.rollouts import RolloutModel, closed_loop
    from trainer.evaluation.scenes import choose_scenes, donor_of
    from trainer.inference.loaded_run import load_run
    from trainer.machine.device import pick_device

    opened = load_run(args.run, args.dataset, args.device)
    clip = _clip(args.clip, opened)
    scene = choose_scenes(opened.store, [clip], opened.config, 1, args.frames)[0]
    peers = [c for c in opened.held_out if c.row["kind"] == scene.kind and c.id != clip.id]
    peers = [c for c in peers if len(c.frames) >= len(scene.frames)]
    scenes = [scene, *(choose_scenes(opened.store, peers, opened.config, 1, scene.made) if peers else [])]
    donor = donor_of(scenes, 0)
    player = RolloutModel(opened.model, opened.codec, opened.config, opened.inputs, pick_device(args.device))
    with tqdm(desc="rolling out", unit="frame", disable=None, total=scene.made // opened.config.codec.time) as bar:
        videos = closed_loop(player, [scene], [donor], ("true", "shuffled"), args.seed, lambda: bar.update() and None)
    held_out = clip.id in {c.id for c in opened.held_out}
    unseen = "held out" if held_out else "trained on"
    panels = [
        Panel.recorded(f"recorded ({unseen})", scene),
        Panel.generated("model, its actions", videos["true"][0], scene, donor, "true"),
        Panel.generated("model, other actions", videos["shuffled"][0], scene, donor, "shuffled"),
    ]
    out = args.out.with_suffix("") if args.out else args.run / f"rollout-{clip.id}"
    shown = {part.clip.session for part in (scene, donor) if part is not None}
    write_made_from(beside(out), "rollout", shown, [out.with_name(out.name + end) for end in (".gif", ".mp4", ".png")])
    paths = write_all(out, panels, scene, opened.config.data.fps)
    if args.json:
        print(json.dumps({"clip": clip.id, "held_out": held_out, "files": [str(p) for p in paths]}))
    else:
        print("\n".join(str(path) for path in paths))
    return 0


def _clip(name: str | None, opened: LoadedRun) -> Clip:
    """The clip that was asked for, or the held-out one with the most actions, desktops first."""
    if name is None:
        return max(opened.held_out, key=lambda clip: (clip.row["kind"] == "desktop", len(clip.slots())))
    known = {clip.id: clip for clip in [*opened.held_out, *opened.trained_on]}
    if name not in known:
        few = ", ".join(list(known)[:4])
        raise GoaltraceError(f"--clip {name}: no such clip in the data set; some held-out ones: {few}")
    return known[name]
