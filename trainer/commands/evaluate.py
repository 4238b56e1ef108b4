"""goaltrace evaluate: does the model obey its actions, on sessions that it never saw?"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from manifests.errors import GoaltraceError
from manifests.files import write_json
from trainer.runtime import share_cores

LABELS = {
    "true": "true actions",
    "shuffled": "shuffled actions",
    "null": "no actions",
    "repeat": "last frame repeated",
    "codec": "true frames, codec",
}

READER_LIMIT_PX = 3.0  # median error on true frames from which on the reader proves nothing


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", type=Path, metavar="RUN", help="a run that train made")
    parser.add_argument("--dataset", type=Path, help="the data set, if it is not where the run was trained on it")
    parser.add_argument("--clips", type=int, default=8, metavar="N", help="held-out clips to roll out (default 8)")
    parser.add_argument("--frames", type=int, metavar="N", help="frames to generate (default: the preset's)")
    parser.add_argument("--kind", choices=("desktop", "terminal"), help="only clips of this kind")
    parser.add_argument("--seed", type=int, default=0, help="of the sampler's noise")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")


def run(args: argparse.Namespace) -> int:
    share_cores()
    for name in ("clips", "frames"):
        if getattr(args, name) is not None and getattr(args, name) < 1:
            raise GoaltraceError(f"--{name}: must be at least 1")
    from tqdm import tqdm

    from trainer.evaluation import ARMS, ROWS_AT_ONCE, choose_scenes, evaluate
    from trainer.prepare import open_run

    opened = open_run(args.run, args.dataset, args.device, args.kind)
    wanted = args.frames or opened.config.sample.frames
    scenes = choose_scenes(opened.store, opened.held_out, opened.config, args.clips, wanted)
    batches = -(-len(scenes) * len(ARMS) // ROWS_AT_ONCE)
    with tqdm(
        desc="rolling out", unit="frame", disable=None, total=batches * max(s.stop - s.start - s.given for s in scenes)
    ) as bar:
        report = evaluate(
            opened.model, opened.codec, opened.reader, opened.config, scenes, args.seed, lambda: bar.update() and None
        )
    document: dict[str, Any] = {
        "run": str(args.run), "step": opened.step, "seed": args.seed, "given_frames": opened.config.sample.context,
        "fps": opened.config.data.fps, "width": opened.config.data.width, "height": opened.config.data.height,
        "clips": [scene.clip.id for scene in scenes], "kinds": report,
    }  # fmt: skip
    write_json(args.run / "evaluation.json", document)
    if args.json:
        print(json.dumps(document))
    else:
        print("\n\n".join(_table(kind, figures) for kind, figures in report.items()))
        print(f"\nwritten to {args.run / 'evaluation.json'}", file=sys.stderr)
    return 0


def _table(kind: str, report: dict[str, Any]) -> str:
    lines = [
        f"{kind}: {report['clips']} held-out clips, {report['frames']} generated frames",
        f"  {'':<22}{'PSNR dB':>9}{'changed px dB':>15}{'pointer off by':>16}{'within 3 px':>13}",
    ]
    for row, figures in report["rows"].items():
        cells = [
            f"{figures['psnr']:.2f}",
            f"{figures['psnr_changed']:.2f}" if "psnr_changed" in figures else "-",
            f"{figures['cursor_px']:.1f} px" if "cursor_px" in figures else "-",
            f"{100 * figures['cursor_hit']:.0f} %" if "cursor_hit" in figures else "-",
        ]
        lines.append(f"  {LABELS[row]:<22}{cells[0]:>9}{cells[1]:>15}{cells[2]:>16}{cells[3]:>13}")
    true, shuffled, own = (report["rows"][name].get("cursor_px") for name in ("true", "shuffled", "codec"))
    if own is not None and own > READER_LIMIT_PX:
        lines.append(
            f"  the pointer reader itself is {own:.1f} px off on true frames: take its figures as unproven here; "
            "train on more clips in which the pointer moves"
        )
    elif true and shuffled:
        lines.append(f"  shuffled actions put the pointer {shuffled / true:.1f}x farther off")
    return "\n".join(lines)
