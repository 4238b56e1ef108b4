"""What a training is asked to be, and the run's settings that follow from it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from manifests.errors import GoaltraceError
from manifests.files import require_absent, require_writable
from trainer.face.arguments import DEVICES, KINDS, LOGGERS, Device, Kind, Logger, require_known, require_seed

if TYPE_CHECKING:
    from trainer.checkpoint import RunInfo

HARMLESS = (
    "train.micro", "train.recompute", "train.compile", "train.save_seconds", "train.save_steps", "train.keep",
    "data.workers", "data.cache_mb",
)  # fmt: skip
"""Settings that change memory and speed only, so that a run may go on with others."""


@dataclass(frozen=True, kw_only=True)
class TrainOptions:
    """What `goaltrace train` can be asked; None leaves it to the preset, or to the run that goes on."""

    dataset: str
    out: Path
    preset: str | None = None
    settings: tuple[str, ...] = ()
    """group.key=value"""
    steps: int | None = None
    max_seconds: float | None = None
    seed: int | None = None
    device: Device = "auto"
    kind: Kind | None = None
    resume: bool = False
    logger: Logger = "auto"
    dry_run: bool = False
    """Nothing will be written."""


def run_info(options: TrainOptions) -> RunInfo:
    """The run's settings, from the options or from the run that goes on; a new run holds out nothing yet.

    Raises:
        GoaltraceError: an option that cannot be, a run that is there already or is not, a setting that would change it.
    """
    from trainer.checkpoint import RunInfo
    from trainer.data.source import is_remote
    from trainer.settings import override, validated, with_whole_paths
    from trainer.settings.presets import preset

    require_known("device", options.device, DEVICES)
    require_known("kind", options.kind, KINDS)
    require_known("logger", options.logger, LOGGERS)
    if options.seed is not None:
        require_seed(options.seed)
    settings = list(options.settings)
    if options.resume:
        info = RunInfo.read(options.out)
        require_writable(options.out)
        _require_harmless(options, info)
        config = override(info.config, settings)
    else:
        if not options.dry_run:
            _require_new(options.out)
        name = options.preset or "tiny"
        config = with_whole_paths(override(preset(name), settings))
        where = options.dataset if is_remote(options.dataset) else str(Path(options.dataset).resolve())
        info = RunInfo(name, config, options.seed or 0, where, options.kind, [])
    for option, value, least in (("--steps", options.steps, 1), ("--max-seconds", options.max_seconds, 0)):
        if value is not None and not value >= least:
            raise GoaltraceError(f"{option} {value:g}: must be at least {least}")
    limits: dict[str, Any] = {}
    if options.steps is not None:
        limits |= {"steps": options.steps, "max_seconds": 0.0}
    if options.max_seconds is not None:
        limits["max_seconds"] = options.max_seconds
    return replace(info, config=validated(replace(config, train=replace(config.train, **limits))))


def _require_harmless(options: TrainOptions, info: RunInfo) -> None:
    """A run goes on with its own settings, save for those that change memory and speed only."""
    for name in ("preset", "seed", "kind"):
        given, own = getattr(options, name), getattr(info, name)
        if given is not None and given != own:
            raise GoaltraceError(f"--{name} {given}: {options.out} goes on with its own ({own}); leave it out")
    for setting in options.settings:
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
