"""goaltrace train: from a data set to a run folder with a model in it."""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from manifests.errors import GoaltraceError
from manifests.files import new_folder, require_absent
from trainer.runtime import share_cores

if TYPE_CHECKING:
    import torch

    from trainer.checkpoint import RunInfo, State
    from trainer.config import Config
    from trainer.data.index import Clip, Index
    from trainer.data.windows import ClipStore, Loader


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("dataset", type=Path, help="a data set that pack or select made")
    parser.add_argument("--preset", default="tiny", help="named settings: tiny (CPU, default) or small (one GPU)")
    parser.add_argument("--out", type=Path, required=True, metavar="RUN", help="folder of the run")
    parser.add_argument("--steps", type=int, help="optimiser steps in all (lifts the preset's time limit)")
    parser.add_argument("--max-seconds", type=float, help="stop training after this long and keep what was learnt")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--kind", choices=("desktop", "terminal"), help="use only clips of this kind")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="change a setting, e.g. train.lr=0.001"
    )
    parser.add_argument("--resume", action="store_true", help="go on with the run in --out")
    parser.add_argument("--dry-run", action="store_true", help="say what would be done, train nothing, write nothing")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def run(args: argparse.Namespace) -> int:
    started = time.monotonic()
    share_cores()
    info = _settings(args)
    from manifests.clip_io import ClipReader
    from trainer.data.index import load_index
    from trainer.data.windows import ClipStore, Loader
    from trainer.loop import new_state, seconds_a_step, train
    from trainer.prepare import pick_device

    device = pick_device(args.device)
    index = load_index(args.dataset, info.config.data, info.kind, info.held_out if args.resume else None)
    if not index.train:
        raise GoaltraceError(f"{args.dataset}: {args.out} holds out every session; use the data set it was trained on")
    info = info if args.resume else replace(info, held_out=index.held_out_sessions)
    store = ClipStore(ClipReader(args.dataset), info.config.data)
    loader = Loader(store, index.train, info.config, info.seed)
    state = new_state(info.config, info.seed, device)
    plan = _describe(info.config, index, loader, state, device)
    print(plan, file=sys.stderr)
    if args.dry_run:
        if args.json:
            print(json.dumps({"dry_run": True, "windows": len(loader.windows), "plan": plan.splitlines()}))
        return 0
    if not args.resume:
        _prepare(args.out, info, store, index.train, state)
    from trainer.checkpoint import load_codec, trim_metrics

    codec = load_codec(args.out).to(device)
    limit = info.config.train
    if args.resume:
        state.load(args.out, device)
        if state.step >= limit.steps:
            raise GoaltraceError(f"{args.out}: is at step {state.step} already; give --steps above that to go on")
        trim_metrics(args.out / "metrics.jsonl", state.step)
    per_step = seconds_a_step(state, loader, codec, limit, info.seed)
    print(_estimate(per_step, state.step, limit.steps, limit.max_seconds), file=sys.stderr)
    result = train(args.out, state, loader, codec, limit, info.seed)
    total = time.monotonic() - started
    report: dict[str, Any] = {
        "run": str(args.out),
        "step": result.step,
        "loss": round(result.loss, 5),
        "train_seconds": round(result.seconds, 1),
        "total_seconds": round(total, 1),
        "stopped": result.signal is not None,
    }
    if args.json:
        print(json.dumps(report))
    else:
        times = f"{result.seconds:.0f} s of training, {total:.0f} s in all"
        print(f"{args.out}: step {result.step}, loss {result.loss:.4f}, {times}")
    if result.signal is not None:
        print(f"stopped; go on with: goaltrace train {args.dataset} --out {args.out} --resume", file=sys.stderr)
        return 128 + result.signal
    return 0


def _settings(args: argparse.Namespace) -> RunInfo:
    """The run's settings from the command line, or from the run that goes on."""
    from trainer.checkpoint import RunInfo
    from trainer.config import override, preset, validated

    if args.resume:
        info = RunInfo.read(args.out)
        if args.set:
            raise GoaltraceError("--set: a run goes on with its own settings; leave it out, or start another --out")
        config = info.config
    else:
        if not args.dry_run:
            _require_new(args.out)
        config = override(preset(args.preset), args.set)
        info = RunInfo(args.preset, config, args.seed, str(args.dataset.resolve()), args.kind, [])
    limits: dict[str, Any] = {}
    if args.steps is not None:
        limits |= {"steps": args.steps, "max_seconds": 0.0}
    if args.max_seconds is not None:
        limits["max_seconds"] = args.max_seconds
    return replace(info, config=validated(replace(config, train=replace(config.train, **limits))))


def _require_new(out: Path) -> None:
    if (out / "config.json").is_file():
        raise GoaltraceError(f"{out}: holds a run already; go on with --resume, or choose another --out")
    require_absent(out)


def _describe(config: Config, index: Index, loader: Loader, state: State, device: torch.device) -> str:
    rows, columns = config.grid
    parameters = sum(p.numel() for p in state.model.parameters())
    tokens = config.tokens_per_frame * config.data.window
    sizes = sorted({(clip.row["width"], clip.row["height"]) for clip in index.train})
    shapes = ", ".join(f"{w}x{h}" for w, h in sizes)
    picture, model = f"{config.data.width}x{config.data.height} px", config.model
    windows = f"{len(loader.windows)} windows"
    step = f"{config.whole_batch} windows, {config.whole_batch * tokens} tokens"
    if config.data.crop_width:
        crops = f"{config.train.batch} crops of {config.data.crop_width}x{config.data.crop_height} px"
        step += f"; {config.data.whole_every - 1} of {config.data.whole_every} steps {crops}"
    lines = [
        f"model   {parameters / 1e6:.2f} M parameters, width {model.dim}, {model.layers} blocks, on {device.type}",
        f"data    {_amount(index.train)}",
        f"held    {_amount(index.held_out)}",
        f"picture {picture} from {shapes} (letterboxed), {config.data.fps:g} frames/s",
        f"window  {config.data.window} frames, {rows}x{columns} tokens each: {tokens} tokens; {windows}",
        f"step    {step}",
    ]
    lines += [f"left    {count} clips {reason}" for reason, count in index.left_out.items()]
    return "\n".join(lines)


def _amount(clips: list[Clip]) -> str:
    hours: dict[str, float] = {}
    for clip in clips:
        name = f"{clip.row['kind']} {clip.row['arm']}"
        hours[name] = hours.get(name, 0.0) + clip.row["duration_ns"] / 3.6e12
    arms = ", ".join(f"{name} {value:.3f} h" for name, value in sorted(hours.items()))
    return f"{len(clips)} clips, {len({clip.session for clip in clips})} sessions: {arms or 'none'}"


def _prepare(out: Path, info: RunInfo, store: ClipStore, clips: list[Clip], state: State) -> None:
    """Fit codec, pointer reader and pointer head and make the run folder, whole or not at all."""
    from tqdm import tqdm

    from trainer.checkpoint import save_tensors
    from trainer.prepare import CODEC_CLIPS, PART_CLIPS, fit_codec, fit_pointer_reader, spread
    from trainer.pretrain import fit_head, pointer_parts

    with new_folder(out) as folder:
        chosen = spread(clips, CODEC_CLIPS)
        with tqdm(total=len(chosen), desc="decoding for the codec", unit="clip", disable=None) as bar:
            codec = fit_codec(store, chosen, info.config, lambda: bar.update() and None)
        save_tensors(folder / "codec.pt", codec.state())
        steps = info.config.train.reader_steps
        with tqdm(total=steps, desc="fitting pointer reader", unit="step", disable=None) as bar:
            reader = fit_pointer_reader(store, clips, codec, info.config, info.seed, lambda: bar.update() and None)
        if reader is not None:
            save_tensors(folder / "pointer.pt", dict(reader.state_dict()))
        parts = pointer_parts(store, spread(clips, PART_CLIPS), info.seed)
        head, device = state.model.pointer_head, next(state.model.parameters()).device
        with tqdm(total=info.config.train.head_steps, desc="fitting pointer head", unit="step", disable=None) as bar:
            steps = info.config.train.head_steps
            fit_head(head, codec.to(device), parts, steps, info.seed, lambda: bar.update() and None)
        state.restart_average()
        state.save(folder)
        info.write(folder)


def _estimate(per_step: float, step: int, steps: int, max_seconds: float) -> str:
    whole = per_step * (steps - step)
    if max_seconds and whole > max_seconds:
        return f"plan    {max_seconds:.0f} s, about {max_seconds / per_step:,.0f} steps of {per_step:.2f} s"
    return f"plan    {steps - step:,} steps of {per_step:.2f} s, about {whole / 60:,.1f} min"
