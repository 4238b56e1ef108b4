"""goaltrace train: from a data set to a run folder with a model in it."""

from __future__ import annotations

import argparse
import json
import sys
import time
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from manifests.errors import GoaltraceError
from manifests.files import require_absent, require_writable
from trainer.commands.arguments import seed
from trainer.machine.runtime import share_cores, unwound_by_sigterm

if TYPE_CHECKING:
    import torch

    from trainer.checkpoint import RunInfo
    from trainer.data.windows import Loader
    from trainer.machine.parallel import Ranks
    from trainer.planning.plan import RunPlan
    from trainer.training.begin import Material
    from trainer.training.loop import Result
    from trainer.training.optimise import Job


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("dataset", help="a folder that pack or select made, hf://datasets/OWNER/NAME or s3://...")
    parser.add_argument("--preset", help="named settings: tiny (CPU, default), small, base-120m, wan-1.3b")
    parser.add_argument("--out", type=Path, required=True, metavar="RUN", help="folder of the run")
    parser.add_argument("--steps", type=int, help="optimiser steps in all (lifts the preset's time limit)")
    parser.add_argument("--max-seconds", type=float, help="stop training after this long and keep what was learnt")
    parser.add_argument("--seed", type=seed, help="of weights, order, noise and dropout (default 0)")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--kind", choices=("desktop", "terminal"), help="use only clips of this kind")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="change a setting, e.g. train.lr=0.001; give it again for more (docs/training.md)",
    )
    parser.add_argument(
        "--logger",  # torchrun would take --log for one of its own
        choices=("auto", "tensorboard", "wandb", "none"),
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


@dataclass(frozen=True)
class _Setup:
    """What is known before anything large is made."""

    material: Material
    ranks: Ranks
    device: torch.device
    loader: Loader
    plan: RunPlan
    checkpoint: Path | None
    """Where a run goes on from."""


def run(args: argparse.Namespace) -> int:
    """The exit status. What is written is as private as what it is made of."""
    from manifests.private import as_private_as

    with as_private_as(Path(args.dataset), args.out):
        return _run(args)


def _run(args: argparse.Namespace) -> int:
    started = time.monotonic()
    share_cores()
    from trainer.machine.parallel import from_environment, joined
    from trainer.training.optimise import NotFinite

    ranks = from_environment()
    try:
        setup = _set_up(args, ranks)
    except GoaltraceError:
        if ranks.local:
            return 2  # the first rank of this machine has said it
        raise
    if ranks.first:
        print(setup.plan.text, file=sys.stderr)
    if args.dry_run:
        if args.json and ranks.first:
            print(json.dumps({"dry_run": True, **setup.plan.to_dict()}))
        return 0
    with joined(ranks, setup.device), unwound_by_sigterm():
        try:
            result = _train(args, setup)
        except NotFinite:
            if ranks.first:
                raise
            return 2
    if ranks.first:
        _tell(args, result, time.monotonic() - started)
    return 0 if result.signal is None else 128 + result.signal


def _set_up(args: argparse.Namespace, ranks: Ranks) -> _Setup:
    """Read settings and index; the same on every rank, errors too."""
    from trainer.training.log import require_logger

    info = _settings(args)
    require_logger(args.logger)
    from trainer.checkpoint import folder
    from trainer.data.index import load_index
    from trainer.data.source import open_dataset
    from trainer.data.windows import ClipStore, Loader
    from trainer.inputs.texts import Texts
    from trainer.machine.device import pick_device
    from trainer.machine.parallel import own_device
    from trainer.planning.plan import make_plan
    from trainer.training.begin import Material

    device = own_device(pick_device(args.device), ranks)
    reader = open_dataset(args.dataset)
    index = load_index(reader, info.config.data, info.kind, info.held_out if args.resume else None)
    if args.resume and (gone := sorted(set(info.held_out) - set(index.held_out_sessions))):
        raise GoaltraceError(
            f"{args.dataset}: not what {args.out} was trained on (no session {gone[0]}, which it holds out); "
            f"that was {info.dataset}"
        )
    if not index.train:
        raise GoaltraceError(f"{args.dataset}: {args.out} holds out every session; use the data set it was trained on")
    info = info if args.resume else replace(info, held_out=index.held_out_sessions)
    if not args.dry_run and info.config.model.text == "supplied":
        Texts(info.config).require({str(clip.row["goal"]) for clip in [*index.train, *index.held_out]})
    store = ClipStore(reader, info.config)
    loader = Loader(store, index.train, info.config, info.seed, ranks.rank, ranks.world)
    checkpoint = folder.newest_whole(args.out, say=ranks.first) if args.resume else None
    step = int(checkpoint.name.removeprefix("step-")) if checkpoint is not None else 0
    if args.resume and step >= info.config.train.steps:
        raise GoaltraceError(f"{args.out}: is at step {step} already; give --steps above that to go on")
    plan = make_plan(info.config, index, loader, ranks, device, step)
    return _Setup(Material(info, store, index.train), ranks, device, loader, plan, checkpoint)


def _settings(args: argparse.Namespace) -> RunInfo:
    """The run's settings from the command line, or from the run that goes on."""
    from trainer.checkpoint import RunInfo
    from trainer.data.source import is_remote
    from trainer.settings import override, validated, with_whole_paths
    from trainer.settings.presets import preset

    if args.resume:
        info = RunInfo.read(args.out)
        require_writable(args.out)
        _require_harmless(args, info)
        config = override(info.config, args.set)
    else:
        if not args.dry_run:
            _require_new(args.out)
        name = args.preset or "tiny"
        config = with_whole_paths(override(preset(name), args.set))
        where = args.dataset if is_remote(args.dataset) else str(Path(args.dataset).resolve())
        info = RunInfo(name, config, args.seed or 0, where, args.kind, [])
    for option, value, least in (("--steps", args.steps, 1), ("--max-seconds", args.max_seconds, 0)):
        if value is not None and not value >= least:
            raise GoaltraceError(f"{option} {value:g}: must be at least {least}")
    limits: dict[str, Any] = {}
    if args.steps is not None:
        limits |= {"steps": args.steps, "max_seconds": 0.0}
    if args.max_seconds is not None:
        limits["max_seconds"] = args.max_seconds
    return replace(info, config=validated(replace(config, train=replace(config.train, **limits))))


HARMLESS = (
    "train.micro", "train.recompute", "train.compile", "train.save_seconds", "train.save_steps", "train.keep",
    "data.workers", "data.cache_mb",
)  # fmt: skip


def _require_harmless(args: argparse.Namespace, info: RunInfo) -> None:
    """A run goes on with its own settings, save for those that change memory and speed only."""
    for name in ("preset", "seed", "kind"):
        given, own = getattr(args, name), getattr(info, name)
        if given is not None and given != own:
            raise GoaltraceError(f"--{name} {given}: {args.out} goes on with its own ({own}); leave it out")
    for setting in args.set:
        if setting.partition("=")[0].strip() not in HARMLESS:
            raise GoaltraceError(
                f"--set {setting}: a run goes on with its own settings (only {', '.join(HARMLESS)} may change); "
                "leave it out, or start another --out"
            )


def _require_new(out: Path) -> None:
    if (out / "config.json").is_file():
        raise GoaltraceError(f"{out}: holds a run already; go on with --resume, or choose another --out")
    require_absent(out)
    require_writable(out)


def _train(args: argparse.Namespace, setup: _Setup) -> Result:
    from manifests.made_from import NAME, write_made_from
    from trainer.checkpoint import load_codec, trim_metrics
    from trainer.checkpoint.lock import held
    from trainer.inputs import ModelInputs
    from trainer.machine.compiling import told_when_it_fails
    from trainer.machine.device import uses_bf16
    from trainer.planning.memory import told_when_full
    from trainer.training.begin import begin
    from trainer.training.log import RunLog
    from trainer.training.loop import seconds_a_step, train
    from trainer.training.optimise import Job, new_model, new_state

    info, ranks, device, loader = setup.material.info, setup.ranks, setup.device, setup.loader
    config, low = info.config, uses_bf16(info.config.train.precision, device)
    with told_when_it_fails(), told_when_full(config, setup.plan.total, low, ranks.world, device):
        model = new_model(config, info.seed, device)
        if setup.checkpoint is None:
            state = begin(args.out, setup.material, model, ranks, device)
        else:
            state = new_state(model, config.train, ranks, device)
            state.load(setup.checkpoint, ranks)
            if ranks.first:
                write_made_from(args.out / NAME, "train", {clip.session for clip in setup.material.clips})
        codec = load_codec(args.out, info).to(device)
        if loader.latents is not None:
            loader.latents.require_codec(codec.digest())
        job = Job(config, ModelInputs(config, codec, device), info.seed, device, ranks)
        with held(args.out) if ranks.first else nullcontext():
            if ranks.first:
                trim_metrics(args.out / "metrics.jsonl", state.step)
            per_step = seconds_a_step(state, loader, job)
            if ranks.first:
                print(_estimate(per_step, state.step, job), file=sys.stderr)
            with RunLog(args.out, args.logger, state.step) if ranks.first else nullcontext() as log:
                return train(args.out, state, loader, job, log)


def _tell(args: argparse.Namespace, result: Result, total: float) -> None:
    report: dict[str, Any] = {
        "run": str(args.out),
        "step": result.step,
        "loss": round(result.loss, 5),
        "train_seconds": round(result.seconds, 1),
        "total_seconds": round(total, 1),
        "tokens_per_second": round(result.tokens_per_second),
        "mfu": None if result.mfu is None else round(result.mfu, 4),
        "waiting": round(result.waited, 4),
        "stopped": result.signal is not None,
    }
    if args.json:
        print(json.dumps(report))
    else:
        speed = f"{result.tokens_per_second:,.0f} tokens/s" + (f", MFU {result.mfu:.1%}" if result.mfu else "")
        times = f"{result.seconds:.0f} s of training ({result.waited:.1%} waiting for data), {total:.0f} s in all"
        print(f"{args.out}: step {result.step}, loss {result.loss:.4f}, {speed}, {times}")
    if result.signal is not None:
        print(f"stopped; go on with: goaltrace train {args.dataset} --out {args.out} --resume", file=sys.stderr)


def _estimate(per_step: float, step: int, job: Job) -> str:
    limit = job.config.train
    whole = per_step * (limit.steps - step)
    if limit.max_seconds and whole > limit.max_seconds:
        return f"plan    {limit.max_seconds:.0f} s, about {limit.max_seconds / per_step:,.0f} steps of {per_step:.2f} s"
    return f"plan    {limit.steps - step:,} steps of {per_step:.2f} s, about {whole / 60:,.1f} min"
