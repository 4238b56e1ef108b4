"""Begins a new run: its folder with codec, readers and heads fitted, and step 0, made whole or not at all."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import torch

from manifests.errors import GoaltraceError
from manifests.files import new_folder
from manifests.progress import OnProgress, ignore
from manifests.provenance import NAME, write_provenance
from trainer.checkpoint import RunInfo, load_tensors, save_tensors
from trainer.codec import Codec, codec_from_state
from trainer.codec.pca import PCACodec
from trainer.data.clip import Clip
from trainer.data.windows import ClipStore
from trainer.model.world_model import WorldModel
from trainer.progress import ProgressCounter
from trainer.reading.fit_text_reader import fit_text_reader
from trainer.runtime.distributed import Ranks
from trainer.training.optimise import new_state
from trainer.training.prepare import CODEC_CLIPS, PART_CLIPS, fit_codec, fit_pointer_reader, spread
from trainer.training.pretrain import fit_head, fit_key_head, key_parts, pointer_parts
from trainer.training.state import State


@dataclass(frozen=True)
class Material:
    """What a run is fitted to."""

    info: RunInfo
    store: ClipStore
    clips: list[Clip]
    """To train on."""


def begin(
    run: Path,
    material: Material,
    model: WorldModel,
    ranks: Ranks,
    device: torch.device,
    on_progress: OnProgress = ignore,
) -> State:
    """Make the run folder; all ranks together, the first reports. The state is spread over them.

    Raises:
        GoaltraceError: nothing can be fitted or written, or the machines do not share a disk.
    """
    with new_folder(run) if ranks.first else nullcontext() as folder:
        if folder is not None:
            codec = _codec(folder, material, on_progress).to(device)
            _readers(folder, material, codec, device, on_progress)
            _pointer_head(model, material, codec, on_progress)
            _key_head(model, material, codec, device, on_progress)
        for head in (model.pointer_head, model.key_head):
            ranks.copy_from_first(head)
        state = new_state(model, material.info.config.train, ranks, device)
        state.save(ranks.broadcast_path(folder), ranks)
        if folder is not None:
            write_provenance(folder / NAME, "train", {clip.session for clip in material.clips})
            material.info.write(folder)
    ranks.broadcast(0.0)  # the folder has its name
    if not (run / "config.json").is_file():
        raise GoaltraceError(f"{run}: not to be seen from rank {ranks.rank}; all machines must share its disk")
    return state


def _codec(folder: Path, material: Material, on_progress: OnProgress) -> Codec:
    """That of the latents, where there are some."""
    config = material.info.config
    if config.data.latents:
        state = load_tensors(Path(config.data.latents) / "codec.pt")
        codec = codec_from_state(config.codec, state)
    else:
        chosen = spread(material.clips, CODEC_CLIPS)
        on_clip = ProgressCounter(on_progress, "decoding for the codec", "clip", len(chosen))
        codec = fit_codec(material.store, chosen, config, on_clip)
    save_tensors(folder / "codec.pt", codec.state())
    return codec


def _readers(folder: Path, material: Material, codec: Codec, device: torch.device, on_progress: OnProgress) -> None:
    """What evaluation reads generated pictures with."""
    info, store, clips = material.info, material.store, material.clips
    on_step = ProgressCounter(on_progress, "fitting pointer reader", "step", info.config.train.reader_steps)
    pointer = fit_pointer_reader(store, clips, codec, device, info.config, info.seed, on_step)
    if pointer is not None:
        save_tensors(folder / "pointer.pt", dict(pointer.state_dict()))
    on_screen = ProgressCounter(on_progress, "fitting text reader", "screen")
    text = fit_text_reader(store, clips, codec, device, info.config, info.seed, on_screen)
    if text is not None:
        save_tensors(folder / "text.pt", text.state())


def _pointer_head(model: WorldModel, material: Material, codec: Codec, on_progress: OnProgress) -> None:
    if model.pointer_head is None or not isinstance(codec, PCACodec):
        return
    info, steps = material.info, material.info.config.train.head_steps
    parts = pointer_parts(material.store, spread(material.clips, PART_CLIPS), info.seed)
    on_step = ProgressCounter(on_progress, "fitting pointer head", "step", steps)
    fit_head(model.pointer_head, codec, parts, steps, info.seed, on_step)


def _key_head(
    model: WorldModel, material: Material, codec: Codec, device: torch.device, on_progress: OnProgress
) -> None:
    if model.key_head is None:
        return
    info, steps = material.info, material.info.config.train.head_steps
    parts = key_parts(material.store, spread(material.clips, PART_CLIPS), codec, device, info.seed)
    fit_key_head(
        model.key_head, parts, steps, info.seed, ProgressCounter(on_progress, "fitting key head", "step", steps)
    )
