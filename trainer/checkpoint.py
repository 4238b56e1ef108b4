"""What a run keeps on disk, written whole or not at all and read back as plain tensors, never as objects.

RUN/config.json      settings, seed, data set, held-out sessions
RUN/codec.pt         the PCA
RUN/pointer.pt       the pointer reader (desktop data sets)
RUN/checkpoint.pt    weights, their moving average, optimiser, step
RUN/metrics.jsonl    one line a step
"""

from __future__ import annotations

import json
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from manifests.errors import GoaltraceError
from manifests.files import read_json, replacing, write_json
from manifests.versions import SCHEMA_VERSION, require_readable
from trainer import config as settings
from trainer.codec.pca import PCACodec
from trainer.config import Config
from trainer.model.dit import DiT


@dataclass(frozen=True)
class RunInfo:
    """config.json."""

    preset: str
    config: Config
    seed: int
    dataset: str
    kind: str | None
    held_out: list[str]

    def write(self, run: Path) -> None:
        document = {
            "schema_version": SCHEMA_VERSION,
            "preset": self.preset,
            "seed": self.seed,
            "dataset": self.dataset,
            "kind": self.kind,
            "held_out": self.held_out,
            "config": settings.to_dict(self.config),
        }
        write_json(run / "config.json", document)

    @classmethod
    def read(cls, run: Path) -> RunInfo:
        """`GoaltraceError` when `run` is not a run, or one of a newer release."""
        path = run / "config.json"
        if not path.is_file():
            raise GoaltraceError(f"{run}: not a run (no config.json); make one: goaltrace train DATASET --out {run}")
        data = read_json(path)
        if not isinstance(data, dict):
            raise GoaltraceError(f"{path}: not a run's settings; train it again")
        require_readable(data.get("schema_version"), str(path))
        fields: dict[str, type | tuple[type, ...]] = {
            "preset": str, "seed": int, "dataset": str, "kind": (str, type(None)), "held_out": list,
        }  # fmt: skip
        for name, kind in fields.items():
            if not isinstance(data.get(name), kind):
                raise GoaltraceError(f"{path}: {name}: missing or of the wrong type; restore the file or train again")
        config = settings.from_dict(data.get("config"), str(path))
        return cls(config=config, **{name: data[name] for name in fields})


def save_tensors(path: Path, state: dict[str, Any]) -> None:
    """Write tensors and plain numbers; a reader meets the old file or the new one."""
    with replacing(path) as temporary:
        torch.save(state, temporary)


def load_tensors(path: Path, device: torch.device | str = "cpu") -> dict[str, Any]:
    """Read tensors back without unpickling objects; one clear line when the file is missing, cut short or foreign."""
    if not path.is_file():
        raise GoaltraceError(f"{path}: missing; the run did not get that far, go on with: goaltrace train ... --resume")
    try:
        state = torch.load(path, map_location=device, weights_only=True)
    except pickle.UnpicklingError:
        raise GoaltraceError(f"{path}: not plain tensors, so it is not read; use a file of a run you trust") from None
    except (RuntimeError, EOFError, OSError, ValueError, KeyError) as error:
        reason = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
        raise GoaltraceError(f"{path}: damaged or cut short ({reason}); restore it or train again") from None
    if not isinstance(state, dict):
        raise GoaltraceError(f"{path}: not a file of a GoalTrace run")
    return state


@dataclass
class State:
    """A run in memory."""

    model: DiT
    average: dict[str, Tensor]
    """Moving average of the weights; what evaluation uses."""
    optimizer: torch.optim.Optimizer
    step: int = 0

    def restart_average(self) -> None:
        """Average from the weights as they are now."""
        self.average.update({name: value.clone() for name, value in self.model.state_dict().items()})

    def save(self, run: Path) -> None:
        save_tensors(
            run / "checkpoint.pt",
            {
                "model": self.model.state_dict(),
                "average": self.average,
                "optimizer": self.optimizer.state_dict(),
                "step": self.step,
            },
        )

    def load(self, run: Path, device: torch.device) -> None:
        path = run / "checkpoint.pt"
        saved = load_tensors(path, device)
        try:
            self.model.load_state_dict(saved["model"])
            self.optimizer.load_state_dict(saved["optimizer"])
            self.average = {name: saved["average"][name] for name in self.average}
            self.step = int(saved["step"])
        except (KeyError, RuntimeError, ValueError, TypeError) as error:
            raise _foreign(path, error) from None


def load_model(run: Path, info: RunInfo, device: torch.device) -> tuple[DiT, PCACodec, int]:
    """The averaged model in evaluation mode, its codec, and the step it is of."""
    codec = load_codec(run).to(device)
    model = DiT(info.config).to(device).eval()
    path = run / "checkpoint.pt"
    saved = load_tensors(path, device)
    try:
        model.load_state_dict(saved["average"])
        return model, codec, int(saved["step"])
    except (KeyError, RuntimeError, TypeError, AttributeError) as error:
        raise _foreign(path, error) from None


def load_codec(run: Path) -> PCACodec:
    path = run / "codec.pt"
    try:
        return PCACodec.from_state(load_tensors(path))
    except (KeyError, TypeError, ValueError) as error:
        raise _foreign(path, error) from None


def _foreign(path: Path, error: Exception) -> GoaltraceError:
    reason = " ".join(str(error).split())[:120]
    return GoaltraceError(f"{path}: does not fit the run's config.json ({reason}); restore both or train again")


def trim_metrics(path: Path, step: int) -> None:
    """Drop lines past `step`, so that a resumed run's log has each step once."""
    if not path.is_file():
        return
    kept = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            if json.loads(line)["step"] <= step:
                kept.append(line + "\n")
        except (ValueError, KeyError, TypeError):
            continue
    with replacing(path) as temporary:
        temporary.write_text("".join(kept), encoding="utf-8")
