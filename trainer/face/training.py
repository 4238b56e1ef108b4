"""`train` and `plan_training`: from a data set to a run folder with a model in it."""

from __future__ import annotations

import signal
import time
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from manifests.errors import GoaltraceError
from manifests.permissions import as_private_as
from manifests.progress import OnProgress, Progress, ignore
from trainer.face.arguments import Device, Kind, Logger, Settings, setting_words
from trainer.face.options import TrainOptions, run_info

if TYPE_CHECKING:
    import torch

    from trainer.data.windows import Loader
    from trainer.planning.plan import RunPlan
    from trainer.runtime.distributed import Ranks
    from trainer.training.begin import Material
    from trainer.training.loop import Result
    from trainer.training.optimise import Job


@dataclass(frozen=True)
class TrainResult:
    """How a training ended."""

    run: Path
    step: int
    """The last one done, of the whole run."""
    loss: float
    """Mean of the last steps of this call; NaN when there were none."""
    train_seconds: float
    total_seconds: float
    """With reading the data set, and making the run folder."""
    tokens_per_second: float
    mfu: float | None
    """Share of the devices' peak; None where that is not known."""
    waiting: float
    """Share of the time that was spent waiting for data."""
    signal: int | None
    """The signal that stopped it before its end, if one did; what was learnt is saved."""

    @property
    def stopped(self) -> bool:
        return self.signal is not None


@dataclass(frozen=True)
class Training:
    """A training that is set up: what is known before anything large is made."""

    options: TrainOptions
    material: Material
    ranks: Ranks
    device: torch.device
    loader: Loader
    plan: RunPlan
    checkpoint: Path | None
    """Where a run goes on from."""
    started: float
    """time.monotonic()"""


def train(
    dataset: str | Path,
    *,
    out: str | Path,
    preset: str | None = None,
    settings: Settings = (),
    steps: int | None = None,
    max_seconds: float | None = None,
    seed: int | None = None,
    device: Device = "auto",
    kind: Kind | None = None,
    resume: bool = False,
    logger: Logger = "auto",
    on_progress: OnProgress = ignore,
) -> TrainResult:
    """Train the action-conditioned DiT on a data set, as `goaltrace train` does.

    A SIGINT or SIGTERM that comes in while steps are done (in the main thread) lets the step end and saves the run;
    then the signal is given to the handler that was there before, so Ctrl-C still is a `KeyboardInterrupt`.

    Args:
        dataset: a folder that pack or select made, hf://datasets/OWNER/NAME or the URL of an object store.
        out: folder of the run.
        preset: named settings; None: tiny, or those of the run that goes on.
        settings: changes to them, by dotted names (docs/training.md).
        steps: optimiser steps in all; lifts the preset's time limit.
        max_seconds: stop training after this long and keep what was learnt.
        seed: of weights, order, noise and dropout; None: 0, or that of the run that goes on.
        device: auto is CUDA where there is some.
        kind: use only clips of this kind.
        resume: go on with the run in `out`.
        logger: curves beside metrics.jsonl; auto: RUN/tensorboard, where TensorBoard is installed.
        on_progress: hears of what is fitted first, and of each step as a `TrainingProgress`. What it raises ends the
            training; the last checkpoint stays whole.

    Raises:
        GoaltraceError: an option, the data set or the run cannot be used, a step's loss is not finite, or the run
            cannot be written.
    """
    options = TrainOptions(
        dataset=str(dataset), out=Path(out), preset=preset, settings=tuple(setting_words(settings)), steps=steps,
        max_seconds=max_seconds, seed=seed, device=device, kind=kind, resume=resume, logger=logger,
    )  # fmt: skip
    result = carry_out(set_up(options, on_progress), on_progress)
    if result.signal is not None:
        signal.raise_signal(result.signal)
    return result


def plan_training(
    dataset: str | Path,
    *,
    out: str | Path,
    preset: str | None = None,
    settings: Settings = (),
    steps: int | None = None,
    max_seconds: float | None = None,
    seed: int | None = None,
    device: Device = "auto",
    kind: Kind | None = None,
    resume: bool = False,
    on_progress: OnProgress = ignore,
) -> RunPlan:
    """What `train` with the same arguments would do, and what memory and time that takes; nothing is written."""
    options = TrainOptions(
        dataset=str(dataset), out=Path(out), preset=preset, settings=tuple(setting_words(settings)), steps=steps,
        max_seconds=max_seconds, seed=seed, device=device, kind=kind, resume=resume, dry_run=True,
    )  # fmt: skip
    return set_up(options, on_progress).plan


def set_up(options: TrainOptions, on_progress: OnProgress = ignore) -> Training:
    """Read settings and index; the same on every rank, errors too."""
    started = time.monotonic()
    with as_private_as(Path(options.dataset), options.out):
        return _set_up(options, started, on_progress)


def carry_out(training: Training, on_progress: OnProgress = ignore) -> TrainResult:
    """Train, together with all ranks. What is written is as private as what it is made of.

    Raises:
        NotFinite: every rank met it at the same step.
        GoaltraceError: what this rank alone can say.
    """
    from trainer.runtime.distributed import joined
    from trainer.training.optimise import NotFinite

    options, failure = training.options, None
    with as_private_as(Path(options.dataset), options.out), joined(training.ranks, training.device):
        try:
            result = _train(training, on_progress)
        except NotFinite as error:  # leave the others in good order: they meet it too
            failure = error
    if failure is not None:
        raise failure
    return TrainResult(
        run=options.out,
        step=result.step,
        loss=result.loss,
        train_seconds=result.seconds,
        total_seconds=time.monotonic() - training.started,
        tokens_per_second=result.tokens_per_second,
        mfu=result.mfu,
        waiting=result.waited,
        signal=result.signal,
    )


def _set_up(options: TrainOptions, started: float, on_progress: OnProgress) -> Training:
    from trainer.runtime.distributed import from_environment, own_device
    from trainer.training.log import require_logger

    ranks = from_environment()
    info = run_info(options)
    require_logger(options.logger)
    from trainer.checkpoint import folder
    from trainer.data.index import load_index
    from trainer.data.source import open_dataset
    from trainer.data.windows import ClipStore, Loader
    from trainer.inputs.texts import Texts
    from trainer.planning.plan import make_plan
    from trainer.runtime.device import pick_device
    from trainer.training.begin import Material

    out, dataset, resume = options.out, options.dataset, options.resume
    device = own_device(pick_device(options.device), ranks)
    reader = open_dataset(dataset, on_progress)
    index = load_index(reader, info.config.data, info.kind, info.held_out if resume else None)
    if resume and (gone := sorted(set(info.held_out) - set(index.held_out_sessions))):
        raise GoaltraceError(
            f"{dataset}: not what {out} was trained on (no session {gone[0]}, which it holds out); "
            f"that was {info.dataset}"
        )
    if not index.train:
        raise GoaltraceError(f"{dataset}: {out} holds out every session; use the data set it was trained on")
    info = info if resume else replace(info, held_out=index.held_out_sessions)
    if not options.dry_run and info.config.model.text == "supplied":
        Texts(info.config).require({str(clip.row["goal"]) for clip in [*index.train, *index.held_out]})
    store = ClipStore(reader, info.config, on_progress)
    loader = Loader(store, index.train, info.config, info.seed, ranks.rank, ranks.world)
    checkpoint = folder.newest_whole(out, on_progress if ranks.first else ignore) if resume else None
    step = int(checkpoint.name.removeprefix("step-")) if checkpoint is not None else 0
    if resume and step >= info.config.train.steps:
        raise GoaltraceError(f"{out}: is at step {step} already; give --steps above that to go on")
    plan = make_plan(info.config, index, loader, ranks, device, step)
    return Training(options, Material(info, store, index.train), ranks, device, loader, plan, checkpoint, started)


def _train(training: Training, on_progress: OnProgress) -> Result:
    from manifests.provenance import NAME, write_provenance
    from trainer.checkpoint import load_codec, trim_metrics
    from trainer.checkpoint.lock import locked
    from trainer.inputs import ModelInputs
    from trainer.planning.memory import explain_out_of_memory
    from trainer.runtime.compiling import explain_compile_errors
    from trainer.runtime.device import uses_bf16
    from trainer.training.begin import begin
    from trainer.training.log import RunLog
    from trainer.training.loop import seconds_a_step, train
    from trainer.training.optimise import Job, new_model, new_state

    info, ranks, device, loader = training.material.info, training.ranks, training.device, training.loader
    out, config, low = training.options.out, info.config, uses_bf16(info.config.train.precision, device)
    report = on_progress if ranks.first else ignore
    with explain_compile_errors(), explain_out_of_memory(config, training.plan.total, low, ranks.world, device):
        model = new_model(config, info.seed, device)
        if training.checkpoint is None:
            state = begin(out, training.material, model, ranks, device, report)
        else:
            state = new_state(model, config.train, ranks, device)
            state.load(training.checkpoint, ranks)
            if ranks.first:
                write_provenance(out / NAME, "train", {clip.session for clip in training.material.clips})
        codec = load_codec(out, info).to(device)
        if loader.latents is not None:
            loader.latents.require_codec(codec.digest())
        job = Job(config, ModelInputs(config, codec, device), info.seed, device, ranks)
        with locked(out) if ranks.first else nullcontext():
            if ranks.first:
                trim_metrics(out / "metrics.jsonl", state.step)
            report(Progress("plan", message=_estimate(seconds_a_step(state, loader, job), state.step, job)))
            with RunLog(out, training.options.logger, state.step) if ranks.first else nullcontext() as log:
                return train(out, state, loader, job, log, report)


def _estimate(per_step: float, step: int, job: Job) -> str:
    limit = job.config.train
    whole = per_step * (limit.steps - step)
    if limit.max_seconds and whole > limit.max_seconds:
        return f"plan    {limit.max_seconds:.0f} s, about {limit.max_seconds / per_step:,.0f} steps of {per_step:.2f} s"
    return f"plan    {limit.steps - step:,} steps of {per_step:.2f} s, about {whole / 60:,.1f} min"
