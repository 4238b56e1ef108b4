"""goaltrace encode: the latents of every usable clip, made once, for `goaltrace train --set data.latents=DIR`."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from trainer.commands.bars import shown
from trainer.face.arguments import DEVICES, KINDS
from trainer.face.encoding import EncodeOptions, EncodePlan, EncodeResult, carry_out, set_up
from trainer.machine.runtime import share_cores, unwound_by_sigterm


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("dataset", help="a folder that pack or select made, hf://datasets/OWNER/NAME or s3://...")
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--run", type=Path, help="use this run's settings and codec")
    source.add_argument("--preset", help="use these settings and fit a codec (default: tiny)")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="with --preset: change a setting"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="LATENTS", help="folder of the latents")
    parser.add_argument("--kind", choices=KINDS, help="encode only clips of this kind")
    parser.add_argument("--device", choices=DEVICES, default="auto")
    parser.add_argument("--dry-run", action="store_true", help="say what would be written, write nothing")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def run(args: argparse.Namespace) -> int:
    share_cores()
    options = EncodeOptions(
        dataset=args.dataset, out=args.out, run=args.run, preset=args.preset, settings=tuple(args.set), kind=args.kind,
        device=args.device,
    )  # fmt: skip
    with shown() as on_progress:
        encoding = set_up(options, on_progress)
        _print_plan(encoding.plan)
        if args.dry_run:
            if args.json:
                print(json.dumps(_figures(encoding.plan) | {"dry_run": True}))
            return 0
        with unwound_by_sigterm():
            result = carry_out(encoding, on_progress)
    _print(args, result)
    return 1 if result.frames_left_out else 0


def _print_plan(plan: EncodePlan) -> None:
    channels, rows, columns = plan.shape
    print(
        f"{plan.clips} clips, {plan.frames:,} frames at {plan.fps:g} frames/s: {plan.latent_frames:,} latents of "
        f"{channels}x{rows}x{columns}, {plan.gigabytes:.3f} GB in {plan.shards} shards",
        file=sys.stderr,
    )
    for reason, count in plan.left_out.items():
        print(f"left out: {count} clips {reason}", file=sys.stderr)


def _figures(plan: EncodePlan) -> dict[str, Any]:
    return {
        "latents": str(plan.latents),
        "clips": plan.clips,
        "frames": plan.frames,
        "latent_frames": plan.latent_frames,
        "shape": [*plan.shape],
        "gigabytes": round(plan.gigabytes, 3),
        "shards": plan.shards,
    }


def _print(args: argparse.Namespace, result: EncodeResult) -> None:
    plan, made, missing = result.plan, result.shards_made, result.frames_left_out
    if args.json:
        figures = {"codec": result.codec, "shards_made": made, "frames_left_out": missing}
        print(json.dumps(_figures(plan) | figures))
    else:
        whole = " --set data.crop_width=0 --set data.crop_height=0" if args.run is None and _crops(args) else ""
        how = f"goaltrace train {args.dataset} ... --set data.latents={args.out}{whole}"
        print(f"{args.out}: {plan.shards} shards, {made} made now; use: {how}")
    if missing:
        print(
            f"{missing:,} of {plan.frames:,} frames are left out: their videos do not decode, no window has them",
            file=sys.stderr,
        )


def _crops(args: argparse.Namespace) -> bool:
    """Would a run with these settings see crops, which latents are not made of?"""
    from trainer.settings import override
    from trainer.settings.presets import preset

    return bool(override(preset(args.preset or "tiny"), args.set).data.crop_width)
