"""RUN/checkpoints: one folder a step, made under a temporary name and renamed when every rank has written its part."""

from __future__ import annotations

import re
import shutil
import warnings
from pathlib import Path

from torch import Tensor
from torch.distributed.checkpoint.api import CheckpointException
from torch.distributed.checkpoint.state_dict_loader import load as dcp_load
from torch.distributed.checkpoint.state_dict_saver import save as dcp_save

from manifests.errors import GoaltraceError
from manifests.files import raise_if_full
from manifests.progress import OnProgress, Progress, ignore
from trainer.checkpoint.metadata import PlainWriter, SafeReader, read_metadata
from trainer.checkpoint.tensors import foreign
from trainer.machine.parallel import ALONE, Ranks

_NAME = re.compile(r"step-(\d{8,})")


def step_folder(run: Path, step: int) -> Path:
    return run / "checkpoints" / f"step-{step:08d}"


def steps(run: Path) -> list[int]:
    """Steps that have a checkpoint, newest first."""
    folder = run / "checkpoints"
    names = [_NAME.fullmatch(path.name) for path in folder.iterdir()] if folder.is_dir() else []
    return sorted((int(match[1]) for match in names if match), reverse=True)


def problem(folder: Path) -> str | None:
    """What is wrong with a checkpoint, in words; None when it is whole."""
    try:
        read_metadata(folder)
    except GoaltraceError as error:
        return str(error)
    return None


def newest(run: Path) -> Path:
    """The newest checkpoint, which must be whole; the error names the next older one that is."""
    found = steps(run)
    if not found:
        raise GoaltraceError(f"{run / 'checkpoints'}: no checkpoint; train again, or restore the folder")
    first = step_folder(run, found[0])
    wrong = problem(first)
    if wrong is None:
        return first
    older = next((step for step in found[1:] if problem(step_folder(run, step)) is None), None)
    if older is None:
        raise GoaltraceError(f"{wrong}; no older checkpoint is whole either: restore it or train again")
    whole = step_folder(run, older).name
    raise GoaltraceError(f"{wrong}; restore it, or remove {first} to use {whole}, or train on from there with --resume")


def newest_whole(run: Path, on_progress: OnProgress = ignore) -> Path:
    """The newest checkpoint that is whole; reports which damaged ones were passed over."""
    passed: list[str] = []
    for step in steps(run):
        folder = step_folder(run, step)
        wrong = problem(folder)
        if wrong is None:
            for text in passed:
                message = f"{text}; passed over, {folder.name} is used"
                on_progress(Progress("checkpoint", unit="checkpoint", message=message))
            return folder
        passed.append(wrong)
    return newest(run)  # raises


def save(run: Path, step: int, tensors: dict[str, Tensor], ranks: Ranks = ALONE, keep: int = 0) -> None:
    """Write one checkpoint together with all ranks, then remove all but the `keep` newest (0: keep all).

    Raises:
        GoaltraceError: a rank could not write; what was there before is untouched.
    """
    target = step_folder(run, step)
    temporary = target.with_name(f".{target.name}.tmp")
    if ranks.first:
        for stale in target.parent.glob(".step-*.tmp"):  # of a process that was killed as it wrote
            shutil.rmtree(stale, ignore_errors=True)
        temporary.mkdir(parents=True)
    if ranks.agree(float(target.is_dir() and problem(target) is None)):
        if ranks.first:
            shutil.rmtree(temporary)
        return  # the same step of the same run
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # says that there is one process
            dcp_save(tensors, storage_writer=PlainWriter(temporary), no_dist=ranks.world == 1)
    except CheckpointException as error:
        if ranks.first:
            shutil.rmtree(temporary, ignore_errors=True)
        rank, cause = _first(error)
        if isinstance(cause, OSError):
            raise_if_full(cause, target)
        raise GoaltraceError(
            f"{target}: rank {rank} could not write it ({_short(cause)}); what was saved before is whole"
        ) from None
    if ranks.first:
        shutil.rmtree(target, ignore_errors=True)  # a damaged one
        temporary.rename(target)
        for old in steps(run)[keep:] if keep else []:
            shutil.rmtree(step_folder(run, old), ignore_errors=True)


def load(folder: Path, tensors: dict[str, Tensor], ranks: Ranks = ALONE) -> None:
    """Read a checkpoint of any number of ranks into `tensors`, in place; other names or shapes are one line."""
    metadata = read_metadata(folder)
    saved = {name: entry.size for name, entry in metadata.state_dict_metadata.items()}  # type: ignore[union-attr]
    for name, tensor in tensors.items():
        if name not in saved:
            raise foreign(folder, f"no {name}")
        if saved[name] != tensor.shape:
            raise foreign(folder, f"{name} is {list(saved[name])}, not {list(tensor.shape)}")
    groups = {name.split(".")[0] for name in tensors}
    surplus = [name for name in saved if name.split(".")[0] in groups and name not in tensors]
    if surplus:
        raise foreign(folder, f"{surplus[0]} is not of this model")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            dcp_load(tensors, storage_reader=SafeReader(folder, metadata), no_dist=ranks.world == 1)
    except CheckpointException as error:
        _, cause = _first(error)
        raise GoaltraceError(f"{folder}: damaged ({_short(cause)}); restore it, or remove it to use an older") from None


def _first(error: CheckpointException) -> tuple[int, BaseException]:
    """The first rank that failed, and what the operating system said, if that was why."""
    rank, (cause, _) = next(iter(error.failures.items()))
    found: BaseException | None = cause
    while found is not None and not isinstance(found, OSError):
        found = found.__cause__ or found.__context__
    return rank, found or cause


def _short(error: BaseException) -> str:
    lines = str(error).splitlines()
    return lines[0][:120] if lines else type(error).__name__
