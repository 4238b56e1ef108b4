"""goaltrace rollout: a clip beside what the model makes of its actions, as a video, a GIF and a strip."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from manifests.errors import GoaltraceError
from manifests.files import require_absent
from trainer.runtime import share_cores


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", type=Path, metavar="RUN", help="a run that train made")
    parser.add_argument("--clip", metavar="ID", help="clip to roll out (default: the busiest held-out clip)")
    parser.add_argument("--dataset", type=Path, help="the data set, if it is not where the run was trained on it")
    parser.add_argument("--out", type=Path, metavar="FILE", help="name of the files, .gif/.mp4/.png (default: in RUN)")
    parser.add_argument("--frames", type=int, default=25, metavar="N", help="frames to generate (default 25)")
    parser.add_argument("--seed", type=int, default=0, help="of the sampler's noise")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--json", action="store_true", help="print the written paths as JSON")


def run(args: argparse.Namespace) -> int:
    share_cores()
    if args.frames < 1:
        raise GoaltraceError("--frames: must be at least 1")
    if args.out is not None:
        if args.out.suffix not in ("", ".gif", ".mp4", ".png"):
            raise GoaltraceError(f"--out {args.out}: name it .gif, .mp4 or .png; all three are written")
        for suffix in (".gif", ".mp4", ".png"):
            require_absent(args.out.with_suffix(suffix))
    from tqdm import tqdm

    from trainer.evaluation import choose_scenes, donor_of, roll_out_arms
    from trainer.picture import Panel, write_all
    from trainer.prepare import open_run

    opened = open_run(args.run, args.dataset, args.device)
    clips = opened.held_out + opened.trained_on
    known = {clip.id: clip for clip in clips}
    if args.clip is None:
        clip = max(opened.held_out, key=lambda c: (c.row["kind"] == "desktop", len(c.row["actions"])))
    elif args.clip in known:
        clip = known[args.clip]
    else:
        few = ", ".join(list(known)[:4])
        raise GoaltraceError(f"--clip {args.clip}: no such clip in the data set; some held-out ones: {few}")
    scene = choose_scenes(opened.store, [clip], opened.config, 1, args.frames)[0]
    peers = [c for c in opened.held_out if c.row["kind"] == clip.row["kind"] and c.id != clip.id]
    length = scene.stop - scene.start - scene.given
    peers = [c for c in peers if len(c.frames) >= length + scene.given]
    scenes = [scene, *choose_scenes(opened.store, peers, opened.config, len(peers), length)] if peers else [scene]
    donor = donor_of(scenes, 0)
    with tqdm(desc="rolling out", unit="frame", disable=None, total=length) as bar:
        videos = roll_out_arms(
            opened.model, opened.codec, opened.config, [scene], [donor], ("true", "shuffled"), args.seed,
            lambda: bar.update() and None,
        )  # fmt: skip
    unseen = "held out" if clip in opened.held_out else "trained on"
    panels = [
        Panel.recorded(f"recorded ({unseen})", scene),
        Panel.generated("model, its actions", videos["true"][0], scene, donor, "true"),
        Panel.generated("model, other actions", videos["shuffled"][0], scene, donor, "shuffled"),
    ]
    out = args.out.with_suffix("") if args.out else args.run / f"rollout-{clip.id}"
    paths = write_all(out, panels, scene, opened.config.data.fps)
    if args.json:
        print(json.dumps({"clip": clip.id, "held_out": clip in opened.held_out, "files": [str(p) for p in paths]}))
    else:
        print("\n".join(str(path) for path in paths))
    return 0
