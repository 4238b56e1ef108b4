"""`rollout`: a clip beside what a run's model makes of its actions, as a video, a GIF and a strip."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from manifests.errors import GoaltraceError
from manifests.files import require_absent, require_writable
from manifests.permissions import as_private_as
from manifests.progress import OnProgress, ignore
from trainer.face.arguments import DEVICES, Device, require_known, require_seed
from trainer.progress import ProgressCounter

if TYPE_CHECKING:
    from trainer.data.clip import Clip
    from trainer.inference.loaded_run import LoadedRun

SUFFIXES = (".gif", ".mp4", ".png")


@dataclass(frozen=True)
class RolloutResult:
    """What was rolled out."""

    clip: str
    held_out: bool
    """Whether the model never saw its session."""
    files: tuple[Path, ...]
    """.gif, .mp4 and .png"""


def rollout(
    run: str | Path,
    *,
    clip: str | None = None,
    dataset: str | Path | None = None,
    out: str | Path | None = None,
    frames: int = 25,
    seed: int = 0,
    device: Device = "auto",
    on_progress: OnProgress = ignore,
) -> RolloutResult:
    """Roll a run's model out on a clip, with the clip's actions and with another's, beside the true frames.

    Args:
        run: folder of a run.
        clip: its id; None: the busiest held-out clip.
        dataset: the data set, if it is not where the run was trained on it.
        out: name of the files, .gif/.mp4/.png; None: RUN/rollout-CLIP.
        frames: frames to generate, at most what the clip has.
        seed: of the sampler's noise.
        device: auto is CUDA where there is some.
        on_progress: hears of each frame rolled out.

    Raises:
        GoaltraceError: an option, the run or the data set cannot be used, or the files are there already.
    """
    run, out = Path(run), None if out is None else Path(out)
    with as_private_as(run):
        if frames < 1:
            raise GoaltraceError("--frames: must be at least 1")
        require_seed(seed)
        require_known("device", device, DEVICES)
        if out is not None:
            if out.suffix not in ("", *SUFFIXES):
                raise GoaltraceError(f"--out {out}: name it .gif, .mp4 or .png; all three are written")
            for suffix in SUFFIXES:
                require_absent(out.with_suffix(suffix))
        require_writable(out.parent if out is not None else run)
        from trainer.inference.loaded_run import load_run

        loaded = load_run(run, None if dataset is None else str(dataset), device, on_progress=on_progress)
        chosen = _clip(clip, loaded)
        name = out.with_suffix("") if out is not None else run / f"rollout-{chosen.id}"
        return _roll_out(loaded, chosen, name, frames, seed, device, on_progress)


def _roll_out(
    loaded: LoadedRun, clip: Clip, name: Path, frames: int, seed: int, device: Device, on_progress: OnProgress
) -> RolloutResult:
    from manifests.provenance import beside, write_provenance
    from trainer.evaluation.picture import Panel, write_all
    from trainer.evaluation.rollouts import RolloutModel, closed_loop
    from trainer.evaluation.scenes import choose_scenes, donor_of
    from trainer.runtime.device import pick_device

    scene = choose_scenes(loaded.store, [clip], loaded.config, 1, frames)[0]
    peers = [c for c in loaded.held_out if c.row["kind"] == scene.kind and c.id != clip.id]
    peers = [c for c in peers if len(c.frames) >= len(scene.frames)]
    scenes = [scene, *(choose_scenes(loaded.store, peers, loaded.config, 1, scene.made) if peers else [])]
    donor = donor_of(scenes, 0)
    pipeline = RolloutModel(loaded.model, loaded.codec, loaded.config, loaded.inputs, pick_device(device))
    on_frame = ProgressCounter(on_progress, "rolling out", "frame", scene.made // loaded.config.codec.time)
    videos = closed_loop(pipeline, [scene], [donor], ("true", "shuffled"), seed, on_frame)
    held_out = clip.id in {c.id for c in loaded.held_out}
    unseen = "held out" if held_out else "trained on"
    panels = [
        Panel.recorded(f"recorded ({unseen})", scene),
        Panel.generated("model, its actions", videos["true"][0], scene, donor, "true"),
        Panel.generated("model, other actions", videos["shuffled"][0], scene, donor, "shuffled"),
    ]
    shown = {part.clip.session for part in (scene, donor) if part is not None}
    files = [name.with_name(name.name + suffix) for suffix in SUFFIXES]
    write_provenance(beside(name), "rollout", shown, files)
    return RolloutResult(clip.id, held_out, tuple(write_all(name, panels, scene, loaded.config.data.fps)))


def _clip(name: str | None, loaded: LoadedRun) -> Clip:
    """The clip that was asked for, or the held-out one with the most actions, desktops first."""
    if name is None:
        return max(loaded.held_out, key=lambda clip: (clip.row["kind"] == "desktop", len(clip.slots())))
    known = {clip.id: clip for clip in [*loaded.held_out, *loaded.trained_on]}
    if name not in known:
        few = ", ".join(list(known)[:4])
        raise GoaltraceError(f"--clip {name}: no such clip in the data set; some held-out ones: {few}")
    return known[name]
