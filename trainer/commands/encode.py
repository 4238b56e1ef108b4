"""goaltrace encode: the latents of every usable clip, made once, for `goaltrace train --set data.latents=DIR`."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from manifests.errors import GoaltraceError
from manifests.files import require_writable
from trainer.machine.runtime import share_cores, unwound_by_sigterm

if TYPE_CHECKING:
    from trainer.codec import Codec
    from trainer.data.index import Index
    from trainer.data.latents import LatentChunk, LatentsManifest
    from trainer.data.store import ClipStore
    from trainer.data.stretch import ClipStretch
    from trainer.settings.config import Config


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("dataset", help="a folder that pack or select made, hf://datasets/OWNER/NAME or s3://...")
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--run", type=Path, help="use this run's settings and codec")
    source.add_argument("--preset", help="use these settings and fit a codec (default: tiny)")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="with --preset: change a setting"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="LATENTS", help="folder of the latents")
    parser.add_argument("--kind", choices=("desktop", "terminal"), help="encode only clips of this kind")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--dry-run", action="store_true", help="say what would be written, write nothing")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def run(args: argparse.Namespace) -> int:
    """The exit status. What is written is as private as what it is made of."""
    from manifests.private import as_private_as

    with as_private_as(Path(args.dataset)):
        return _run(args)


def _run(args: argparse.Namespace) -> int:
    share_cores()
    config = _settings(args)
    from manifests.made_from import NAME, write_made_from
    from trainer.data.index import load_index
    from trainer.data.latents import frame_shape, plan_chunks, plan_shards
    from trainer.data.source import open_dataset
    from trainer.data.store import ClipStore
    from trainer.data.stretch import join

    reader = open_dataset(args.dataset)
    index = load_index(reader, config.data, args.kind, held_out=[])  # what is held out is encoded as well
    stretches = [run for run in join(index.train, config.data.fps) if len(run) >= config.data.window]
    shards = plan_shards(list(plan_chunks(stretches, config)), config)
    latents = sum(chunk.latents for chunks in shards for chunk in chunks)
    channels, rows, columns = frame_shape(config)
    gigabytes = 2 * latents * channels * rows * columns / 1e9
    report: dict[str, Any] = {
        "latents": str(args.out),
        "clips": len(index.train),
        "frames": sum(len(stretch) for stretch in stretches),
        "latent_frames": latents,
        "shape": [channels, rows, columns],
        "gigabytes": round(gigabytes, 3),
        "shards": len(shards),
    }
    line = (
        f"{len(index.train)} clips, {report['frames']:,} frames at {config.data.fps:g} frames/s: "
        f"{latents:,} latents of {channels}x{rows}x{columns}, {gigabytes:.3f} GB in {len(shards)} shards"
    )
    print(line, file=sys.stderr)
    for reason, count in index.left_out.items():
        print(f"left out: {count} clips {reason}", file=sys.stderr)
    if args.dry_run:
        if args.json:
            print(json.dumps(report | {"dry_run": True}))
        return 0
    require_writable(args.out)
    store = ClipStore(reader, config)
    store.left_out.of = len(index.train)
    codec = _codec(args, config, store, index)
    _begin(args.out, _manifest(args, config, codec, latents, len(shards)))
    write_made_from(args.out / NAME, "encode", {clip.session for clip in index.train})
    with unwound_by_sigterm():
        made = _encode(args, config, codec, store, stretches, shards)
    missing = _missing(args.out, len(shards))
    report |= {"codec": codec.digest(), "shards_made": made, "frames_left_out": missing}
    if args.json:
        print(json.dumps(report))
    else:
        whole = " --set data.crop_width=0 --set data.crop_height=0" if args.run is None and _crops(args) else ""
        how = f"goaltrace train {args.dataset} ... --set data.latents={args.out}{whole}"
        print(f"{args.out}: {len(shards)} shards, {made} made now; use: {how}")
    if missing:
        print(
            f"{missing:,} of {report['frames']:,} frames are left out: their videos do not decode, no window has them",
            file=sys.stderr,
        )
    return 1 if missing else 0


def _missing(out: Path, shards: int) -> int:
    """Frames that no shard has, since their videos cannot be decoded."""
    import pyarrow.parquet as pq

    from trainer.data.latents import bad_chunks, shard_name

    bad = [one for number in range(shards) for one in bad_chunks(pq.read_metadata(out / shard_name(number)))]
    return sum(one.stop - one.start for one in bad)


def _settings(args: argparse.Namespace) -> Config:
    from trainer.settings import override
    from trainer.settings.presets import preset

    if args.run is None:
        config = override(preset(args.preset or "tiny"), args.set)
    else:
        if args.set:
            raise GoaltraceError(
                "--set: a run's latents are made with its own settings; leave it out, or give --preset"
            )
        from trainer.checkpoint import RunInfo

        config = RunInfo.read(args.run).config
    return replace(config, data=replace(config.data, latents="", crop_width=0, crop_height=0))


def _crops(args: argparse.Namespace) -> bool:
    """Would a run with these settings see crops, which latents are not made of?"""
    from trainer.settings import override
    from trainer.settings.presets import preset

    return bool(override(preset(args.preset or "tiny"), args.set).data.crop_width)


def _codec(args: argparse.Namespace, config: Config, store: ClipStore, index: Index) -> Codec:
    """The run's codec, the one that --out was begun with, or a new one; it is in --out/codec.pt afterwards."""
    from tqdm import tqdm

    from trainer.checkpoint import load_tensors, save_tensors
    from trainer.codec import codec_from_state
    from trainer.training.prepare import CODEC_CLIPS, fit_codec, spread

    begun = args.out / "codec.pt"
    if args.run is None and begun.is_file():
        codec = codec_from_state(config.codec, load_tensors(begun))
    elif args.run is not None:
        codec = codec_from_state(config.codec, load_tensors(args.run / "codec.pt"))
    else:
        _require_free(args.out)
        chosen = spread(index.train, CODEC_CLIPS)
        with tqdm(total=len(chosen), desc="decoding for the codec", unit="clip", disable=None) as bar:
            codec = fit_codec(store, chosen, config, lambda: bar.update() and None)
    if not begun.is_file():
        _require_free(args.out)
        save_tensors(begun, codec.state())
    return codec


def _require_free(out: Path) -> None:
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise GoaltraceError(f"{out}: exists already and holds no latents; choose another --out or remove it first")


def _manifest(args: argparse.Namespace, config: Config, codec: Codec, latents: int, shards: int) -> LatentsManifest:
    from trainer.data.latents import CHUNK, LatentsManifest, frame_shape

    data, long = config.data, config.codec.time > 1
    return LatentsManifest(
        dataset=str(args.dataset),
        kind=args.kind,
        codec=codec.digest(),
        codec_settings=asdict(config.codec),
        width=data.width,
        height=data.height,
        fps=data.fps,
        window=data.window if long else 0,
        chunk=data.window - 1 if long else CHUNK,
        shape=frame_shape(config),
        frames=latents,
        shards=shards,
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


def _encode(
    args: argparse.Namespace,
    config: Config,
    codec: Codec,
    store: ClipStore,
    stretches: list[ClipStretch],
    shards: list[list[LatentChunk]],
) -> int:
    """Make the shards that are not there; how many those were."""
    from tqdm import tqdm

    from trainer.data.encoding import decoded, is_done, write_shard
    from trainer.machine.device import pick_device

    device = pick_device(args.device)
    moved, digest = codec.to(device), codec.digest()
    todo = [number for number, chunks in enumerate(shards) if not is_done(args.out, number, chunks, digest)]
    frames = [sum(chunk.stop - chunk.start for chunk in chunks) for chunks in shards]
    done = sum(frames) - sum(frames[number] for number in todo)
    bar = tqdm(total=sum(frames), initial=done, desc="encoding", unit="frame", unit_scale=True, disable=None)
    with bar:
        for number in todo:
            chunks = decoded(shards[number], stretches, store, config.data.workers)
            write_shard(args.out, number, chunks, stretches, moved, config, device, bar.update)
    return len(todo)
