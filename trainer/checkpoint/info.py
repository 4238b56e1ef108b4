"""A run's settings (config.json) and its log, as files."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from manifests.errors import GoaltraceError
from manifests.files import read_json, replacing, write_json
from manifests.versions import SCHEMA_VERSION, require_readable
from trainer import settings
from trainer.settings.config import Config


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
