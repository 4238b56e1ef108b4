"""`encode`: the latents of every usable clip, made once, so that training on a GPU needs no codec and no video."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from manifests.errors import GoaltraceError
from manifests.files import require_writable
from manifests.permissions import as_private_as
from manifests.progress import OnProgress, ignore
from trainer.face.arguments import DEVICES, KINDS, Device, Kind, Settings, require_known, setting_words
from trainer.progress import ProgressCounter

if TYPE_CHECKING:
    from manifests.clip_io import ClipReader
    from trainer.codec import Codec
    from trainer.data.index import Index
    from trainer.data.latents import LatentChunk, LatentsManifest
    from trainer.data.segment import ClipSegment
    from trainer.data.store import ClipStore
    from trainer.settings.config import Config


@dataclass(frozen=True, kw_only=True)
class EncodeOptions:
    """What `goaltrace encode` can be asked."""

    dataset: str
    out: Path
    run: Path | None = None
    """Whose settings and codec are used; None: those of a preset."""
    preset: str | None = None
    settings: tuple[str, ...] = ()
    """group.key=value"""
    kind: Kind | None = None
    device: Device = "auto"


@dataclass(frozen=True)
class EncodePlan:
    """What is to be encoded."""

    latents: Path
    """The folder."""
    clips: int
    frames: int
    fps: float
    latent_frames: int
    shape: tuple[int, int, int]
    """Of one latent frame: channels, rows, columns."""
    shards: int
    left_out: Mapping[str, int]
    """Reason -> number of clips."""

    @property
    def gigabytes(self) -> float:
        channels, rows, columns = self.shape
        return 2 * self.latent_frames * channels * rows * columns / 1e9


@dataclass(frozen=True)
class EncodeResult:
    """What was encoded."""

    plan: EncodePlan
    codec: str
    """Its digest."""
    shards_made: int
    """Now; the others were there."""
    frames_left_out: int
    """Of the plan's frames: their videos cannot be decoded, and no training window has them."""


@dataclass(frozen=True)
class Encoding:
    """An encoding that is set up: nothing is written yet."""

    options: EncodeOptions
    config: Config
    reader: ClipReader
    index: Index
    segments: list[ClipSegment]
    shards: list[list[LatentChunk]]
    plan: EncodePlan


def encode(
    dataset: str | Path,
    *,
    out: str | Path,
    run: str | Path | None = None,
    preset: str | None = None,
    settings: Settings = (),
    kind: Kind | None = None,
    device: Device = "auto",
    on_progress: OnProgress = ignore,
) -> EncodeResult:
    """Encode a data set's frames, for `train(..., settings={"data.latents": out})`; shards that are there stay.

    Args:
        dataset: a folder that pack or select made, hf://datasets/OWNER/NAME or the URL of an object store.
        out: folder of the latents.
        run: use this run's settings and codec.
        preset: or use these settings and fit a codec; None: tiny.
        settings: changes to the preset, by dotted names (docs/training.md).
        kind: encode only clips of this kind.
        device: auto is CUDA where there is some.
        on_progress: hears of the clips that the codec is fitted to and of the frames encoded.

    Raises:
        GoaltraceError: an option or the data set cannot be used, or `out` holds something else.
    """
    options = EncodeOptions(
        dataset=str(dataset), out=Path(out), run=None if run is None else Path(run), preset=preset,
        settings=tuple(setting_words(settings)), kind=kind, device=device,
    )  # fmt: skip
    return carry_out(set_up(options, on_progress), on_progress)


def set_up(options: EncodeOptions, on_progress: OnProgress = ignore) -> Encoding:
    """Read settings and index, and plan the shards."""
    with as_private_as(Path(options.dataset)):
        return _set_up(options, on_progress)


def carry_out(encoding: Encoding, on_progress: OnProgress = ignore) -> EncodeResult:
    """Make the shards that are not there. What is written is as private as what it is made of."""
    with as_private_as(Path(encoding.options.dataset)):
        return _carry_out(encoding, on_progress)


def _set_up(options: EncodeOptions, on_progress: OnProgress) -> Encoding:
    config = _settings(options)
    from trainer.data.index import load_index
    from trainer.data.latents import frame_shape, plan_chunks, plan_shards
    from trainer.data.segment import join
    from trainer.data.source import open_dataset

    reader = open_dataset(options.dataset, on_progress)
    index = load_index(reader, config.data, options.kind, held_out=[])  # what is held out is encoded as well
    segments = [segment for segment in join(index.train, config.data.fps) if len(segment) >= config.data.window]
    shards = plan_shards(list(plan_chunks(segments, config)), config)
    plan = EncodePlan(
        latents=options.out,
        clips=len(index.train),
        frames=sum(len(segment) for segment in segments),
        fps=config.data.fps,
        latent_frames=sum(chunk.latents for chunks in shards for chunk in chunks),
        shape=frame_shape(config),
        shards=len(shards),
        left_out=index.left_out,
    )
    return Encoding(options, config, reader, index, segments, shards, plan)


def _carry_out(encoding: Encoding, on_progress: OnProgress) -> EncodeResult:
    from manifests.provenance import NAME, write_provenance
    from trainer.data.store import ClipStore

    out, index, plan = encoding.options.out, encoding.index, encoding.plan
    require_writable(out)
    store = ClipStore(encoding.reader, encoding.config, on_progress)
    store.left_out.total = len(index.train)
    codec = _codec(encoding, store, on_progress)
    _begin(out, _manifest(encoding, codec))
    write_provenance(out / NAME, "encode", {clip.session for clip in index.train})
    made = _encode(encoding, codec, store, on_progress)
    return EncodeResult(plan, codec.digest(), made, _missing(out, plan.shards))


def _missing(out: Path, shards: int) -> int:
    """Frames that no shard has, since their videos cannot be decoded."""
    import pyarrow.parquet as pq

    from trainer.data.latents import bad_chunks, shard_name

    bad = [one for number in range(shards) for one in bad_chunks(pq.read_metadata(out / shard_name(number)))]
    return sum(one.stop - one.start for one in bad)


def _settings(options: EncodeOptions) -> Config:
    from trainer.settings import override
    from trainer.settings.presets import preset

    require_known("device", options.device, DEVICES)
    require_known("kind", options.kind, KINDS)
    if options.run is None:
        config = override(preset(options.preset or "tiny"), list(options.settings))
    else:
        if options.settings:
            raise GoaltraceError(
                "--set: a run's latents are made with its own settings; leave it out, or give --preset"
            )
        if options.preset is not None:
            raise GoaltraceError(f"--preset {options.preset}: {options.run} has its own settings; leave it out")
        from trainer.checkpoint import RunInfo

        config = RunInfo.read(options.run).config
    return replace(config, data=replace(config.data, latents="", crop_width=0, crop_height=0))


def _codec(encoding: Encoding, store: ClipStore, on_progress: OnProgress) -> Codec:
    """The run's codec, the one that `out` was begun with, or a new one; it is in OUT/codec.pt afterwards."""
    from trainer.checkpoint import load_tensors, save_tensors
    from trainer.codec import codec_from_state
    from trainer.training.prepare import CODEC_CLIPS, fit_codec, spread

    config, out, run = encoding.config, encoding.options.out, encoding.options.run
    begun = out / "codec.pt"
    if run is None and begun.is_file():
        codec = codec_from_state(config.codec, load_tensors(begun))
    elif run is not None:
        codec = codec_from_state(config.codec, load_tensors(run / "codec.pt"))
    else:
        _require_free(out)
        chosen = spread(encoding.index.train, CODEC_CLIPS)
        on_clip = ProgressCounter(on_progress, "decoding for the codec", "clip", len(chosen))
        codec = fit_codec(store, chosen, config, on_clip)
    if not begun.is_file():
        _require_free(out)
        save_tensors(begun, codec.state())
    return codec


def _require_free(out: Path) -> None:
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise GoaltraceError(f"{out}: exists already and holds no latents; choose another --out or remove it first")


def _manifest(encoding: Encoding, codec: Codec) -> LatentsManifest:
    from trainer.data.latents import CHUNK, LatentsManifest

    config, plan = encoding.config, encoding.plan
    data, long = config.data, config.codec.time > 1
    return LatentsManifest(
        dataset=encoding.options.dataset,
        kind=encoding.options.kind,
        codec=codec.digest(),
        codec_settings=asdict(config.codec),
        width=data.width,
        height=data.height,
        fps=data.fps,
        window=data.window if long else 0,
        chunk=data.window - 1 if long else CHUNK,
        shape=plan.shape,
        frames=plan.latent_frames,
        shards=plan.shards,
    )


def _begin(out: Path, manifest: LatentsManifest) -> None:
    """Write latents.json, or find that it says the same already."""
    from manifests.files import write_json
    from trainer.data.latents import read_latents_manifest

    if (out / "latents.json").is_file():
        before = read_latents_manifest(out)
        for name, value in manifest.model_dump(mode="json").items():
            old = before.model_dump(mode="json")[name]
            if name not in ("dataset", "schema_version") and old != value:
                raise GoaltraceError(
                    f"{out}: holds latents with {name} {old}, this would be {value}; go on as it was begun or choose "
                    "another --out"
                )
        return
    write_json(out / "latents.json", manifest)


def _encode(encoding: Encoding, codec: Codec, store: ClipStore, on_progress: OnProgress) -> int:
    """Make the shards that are not there; how many those were."""
    from trainer.data.encoding import decoded, is_done, write_shard
    from trainer.runtime.device import pick_device

    out, config, segments, shards = encoding.options.out, encoding.config, encoding.segments, encoding.shards
    device = pick_device(encoding.options.device)
    moved, digest = codec.to(device), codec.digest()
    todo = [number for number, chunks in enumerate(shards) if not is_done(out, number, chunks, digest)]
    frames = [sum(chunk.stop - chunk.start for chunk in chunks) for chunks in shards]
    on_frames = ProgressCounter(
        on_progress, "encoding", "frame", sum(frames), sum(frames) - sum(frames[n] for n in todo)
    )
    for number in todo:
        chunks = decoded(shards[number], segments, store, config.data.workers)
        write_shard(out, number, chunks, segments, moved, config, device, on_frames)
    return len(todo)
