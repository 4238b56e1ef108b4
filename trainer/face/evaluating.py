"""`evaluate`: does a run's model obey its actions, on sessions that it never saw?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from manifests.errors import GoaltraceError
from manifests.files import require_writable, write_json, write_text
from manifests.permissions import as_private_as
from manifests.progress import OnProgress, ignore
from trainer.face.arguments import DEVICES, KINDS, Device, Kind, require_known, require_seed
from trainer.progress import ProgressCounter

if TYPE_CHECKING:
    from trainer.evaluation.page import Strip
    from trainer.evaluation.report import KeptVideos
    from trainer.evaluation.scenes import Scene
    from trainer.inference.loaded_run import LoadedRun

STRIPS = 3  # of each kind, on the page


@dataclass(frozen=True)
class EvaluateResult:
    """What was measured."""

    run: Path
    step: int
    seeds: tuple[int, ...]
    figures: Mapping[str, Mapping[str, Mapping[str, float]]]
    """[kind][row][figure], as figures["desktop"]["true"]["psnr"]: rows are "true", "shuffled", "null", "codec", ..."""
    document: dict[str, Any]
    """All of it: what evaluation.json holds (docs/evaluation.md)."""
    json: Path
    page: Path


def evaluate(
    run: str | Path,
    *,
    dataset: str | Path | None = None,
    clips: int = 8,
    frames: int | None = None,
    kind: Kind | None = None,
    like: str | Path | None = None,
    seeds: int = 1,
    seed: int = 0,
    lpips: Sequence[str | Path] = (),
    fvd: str | Path | None = None,
    device: Device = "auto",
    on_progress: OnProgress = ignore,
) -> EvaluateResult:
    """Roll held-out clips out with true, shuffled and no actions, and measure; writes RUN/evaluation.json and .html.

    Args:
        run: folder of a run.
        dataset: the data set, if it is not where the run was trained on it.
        clips: held-out clips to roll out.
        frames: frames to generate; None: the preset's. Fewer where no held-out clip is that long.
        kind: only clips of this kind.
        like: another run; the same clips, frames and seeds as its evaluation.
        seeds: roll each clip out with so many seeds of the sampler's noise.
        seed: the first of them.
        lpips: also LPIPS, from files of weights; one, or the network's and the linear layers'.
        fvd: also FVD, from a file of weights of I3D.
        device: auto is CUDA where there is some.
        on_progress: hears of each frame rolled out.

    Raises:
        GoaltraceError: an option, the run or the data set cannot be used.
    """
    for name, count in (("clips", clips), ("frames", frames), ("seeds", seeds)):
        if count is not None and count < 1:
            raise GoaltraceError(f"--{name}: must be at least 1")
    require_seed(seed)
    require_known("device", device, DEVICES)
    require_known("kind", kind, KINDS)
    run = Path(run)
    with as_private_as(run):
        require_writable(run)
        from trainer.inference.loaded_run import load_run

        loaded = load_run(run, None if dataset is None else str(dataset), device, kind, on_progress)
        if like is None:
            scenes, noise = _scenes(loaded, clips, frames), list(range(seed, seed + seeds))
        else:
            scenes, noise = _scenes_like(Path(like), run, loaded)
        weights = [Path(path) for path in lpips], None if fvd is None else Path(fvd)
        return _measure(run, loaded, scenes, noise, weights, device, on_progress)


def _measure(
    run: Path,
    loaded: LoadedRun,
    scenes: list[Scene],
    seeds: list[int],
    weights: tuple[list[Path], Path | None],
    device_name: Device,
    on_progress: OnProgress,
) -> EvaluateResult:
    """weights: the files for LPIPS and FVD."""
    from trainer.evaluation.fvd import FVD
    from trainer.evaluation.i3d import I3D
    from trainer.evaluation.lpips import LPIPS
    from trainer.evaluation.measure import Instruments
    from trainer.evaluation.page import evaluation_page
    from trainer.evaluation.report import gather, report_of
    from trainer.evaluation.rollouts import RolloutModel, batches
    from trainer.evaluation.scenes import ARMS
    from trainer.evaluation.weights import digest
    from trainer.runtime.device import pick_device

    device = pick_device(device_name)
    pipeline = RolloutModel(loaded.model, loaded.codec, loaded.config, loaded.inputs, device)
    of_lpips, of_i3d = weights
    lpips = LPIPS.load(of_lpips, device) if of_lpips else None
    i3d = I3D.load(of_i3d, device) if of_i3d else None
    fvd = FVD.over(scenes, i3d.features) if i3d else None
    tools = Instruments(loaded.pointer_reader, loaded.text_reader, lpips, fvd)
    shown = _shown(scenes)
    on_frame = ProgressCounter(on_progress, "rolling out", "frame", len(seeds) * batches(pipeline, scenes, len(ARMS)))
    found, videos = gather(pipeline, scenes, seeds, tools, shown, on_frame)
    data = loaded.config.data
    document: dict[str, Any] = {
        "run": str(run), "step": loaded.step, "seeds": seeds, "given_frames": scenes[0].given,
        "fps": data.fps, "width": data.width, "height": data.height,
        "clips": [{"clip": s.clip.id, "first": s.start + s.given, "frames": s.made} for s in scenes],
        "kinds": report_of(found, scenes, seeds[0], fvd),
        "weights": ({"lpips": digest(lpips.weights)} if lpips else {}) | ({"fvd": i3d.digest()} if i3d else {}),
    }  # fmt: skip
    written, page = run / "evaluation.json", run / "evaluation.html"
    write_json(written, document)
    write_text(page, evaluation_page(document, _strips(scenes, shown, videos, data.fps)))
    figures = {kind: report["rows"] for kind, report in document["kinds"].items()}
    return EvaluateResult(run, loaded.step, tuple(seeds), figures, document, written, page)


def _scenes(loaded: LoadedRun, clips: int, frames: int | None) -> list[Scene]:
    from trainer.evaluation.scenes import choose_scenes

    wanted = frames or loaded.config.sample.frames
    return choose_scenes(loaded.store, loaded.held_out, loaded.config, clips, wanted)


def _scenes_like(like: Path, run: Path, loaded: LoadedRun) -> tuple[list[Scene], list[int]]:
    """What another run's evaluation rolled out, and with which seeds."""
    from trainer.evaluation.compare import read_evaluation
    from trainer.evaluation.scenes import scenes_like

    other = read_evaluation(like)
    if other["fps"] != loaded.config.data.fps:
        raise GoaltraceError(
            f"--like {like}: was evaluated at {other['fps']:g} frames/s, {run} runs at "
            f"{loaded.config.data.fps:g}; train both at the same data.fps"
        )
    return scenes_like(loaded.store, loaded.held_out, loaded.config, other["clips"]), list(other["seeds"])


def _shown(scenes: list[Scene]) -> list[int]:
    """The scenes that the page shows: the first of each kind."""
    return [n for n, scene in enumerate(scenes) if sum(s.kind == scene.kind for s in scenes[:n]) < STRIPS]


def _strips(scenes: list[Scene], shown: list[int], videos: KeptVideos, fps: float) -> list[Strip]:
    from trainer.evaluation.picture import Panel, strip
    from trainer.evaluation.scenes import donor_of

    strips: list[Strip] = []
    for number in shown:
        scene, donor = scenes[number], donor_of(scenes, number)
        panels = [Panel.recorded("recorded", scene)]
        for arm, title in (("true", "its actions"), ("shuffled", "other actions"), ("null", "no actions")):
            panels.append(Panel.generated(title, videos[arm, number], scene, donor, arm))
        goal = f": {scene.clip.row['goal']}" if scene.clip.row["goal"] else ""
        strips.append((scene.kind, f"{scene.clip.id}{goal}", strip(panels, scene, fps, moments=3, scale=1)))
    return strips
