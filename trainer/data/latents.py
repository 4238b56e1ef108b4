"""Latents that `goaltrace encode` wrote: their plan, which is a function of the clips, and reading them back.

LATENTS/latents.json          what they were made with and of; written first
LATENTS/codec.pt              the codec, so that whoever uses them decodes with the same
LATENTS/latents/*.parquet     one row a latent frame, one row group a chunk; a shard is there whole or not at all
"""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from manifests.clip_io import open_parquet
from manifests.errors import GoaltraceError
from manifests.files import parse_model, read_json
from manifests.versions import SCHEMA_VERSION, require_readable
from trainer.data.cache import Cache
from trainer.data.stretch import ClipStretch
from trainer.settings.config import Config

CHUNK = 8  # latent frames that are read at once; codecs without time
SHARD_BYTES = 256 * 2**20
OPEN_SHARDS = 32


class LatentsManifest(BaseModel):
    """latents.json."""

    model_config = ConfigDict(extra="ignore")

    schema_version: str = SCHEMA_VERSION
    dataset: str
    """Where the clips came from; for a person."""
    kind: str | None
    codec: str
    """The codec's digest."""
    codec_settings: dict[str, Any]
    """Of the run that made them: name, patch, channels, ..."""
    width: int
    height: int
    fps: float
    window: int
    """Frames of a chunk for codecs that span time; 0: windows may begin anywhere."""
    chunk: int
    """Frames from the beginning of a chunk to that of the next."""
    shape: tuple[int, int, int]
    """Of one latent frame: channels, rows, columns; float16, little-endian, in C order."""
    frames: int
    shards: int


@dataclass(frozen=True)
class LatentChunk:
    """Frames [start, stop) of a stretch that are encoded together and stored as one row group."""

    stretch: int
    start: int
    stop: int
    latents: int


class BadChunk(NamedTuple):
    """Frames [start, stop) of a stretch whose video could not be decoded, and how many latents are missing."""

    stretch: str
    start: int
    stop: int
    latents: int


LEFT_OUT = "goaltrace_left_out"
"""Where a shard's metadata lists them."""


def bad_chunks(shard: pq.FileMetaData) -> list[BadChunk]:
    """What was left out of a shard; `ValueError` where that is no such list."""
    listed = json.loads((shard.metadata or {}).get(LEFT_OUT.encode(), b"[]"))
    made = [BadChunk(str(key), int(start), int(stop), int(latents)) for key, start, stop, latents in listed]
    return [one for one in made if 0 <= one.start < one.stop and one.latents > 0]


def plan_chunks(stretches: Sequence[ClipStretch], config: Config) -> Iterator[LatentChunk]:
    """What to encode, in order.

    A codec that spans time sees the frames before, so its windows are encoded each on its own, one after the other
    with a frame in common; frames behind the last whole window are left out. Others are cut into chunks of `CHUNK`.
    """
    time, window = config.codec.time, config.data.window
    for number, stretch in enumerate(stretches):
        if time > 1:
            for start in range(0, len(stretch) - window + 1, window - 1):
                yield LatentChunk(number, start, start + window, config.latent_window)
        else:
            for start in range(0, len(stretch), CHUNK):
                stop = min(start + CHUNK, len(stretch))
                yield LatentChunk(number, start, stop, stop - start)


def frame_shape(config: Config) -> tuple[int, int, int]:
    patch = config.codec.patch
    return config.codec.channels, config.data.height // patch, config.data.width // patch


def plan_shards(chunks: Sequence[LatentChunk], config: Config) -> list[list[LatentChunk]]:
    """Chunks shared out over shards of at most `SHARD_BYTES`."""
    each = 2 * int(np.prod(frame_shape(config)))
    shards: list[list[LatentChunk]] = []
    size = 0
    for chunk in chunks:
        if not shards or size + chunk.latents * each > SHARD_BYTES:
            shards.append([])
            size = 0
        shards[-1].append(chunk)
        size += chunk.latents * each
    return shards


def shard_name(number: int) -> str:
    return f"latents/latents-{number:05d}.parquet"


def schema(shape: tuple[int, int, int], codec: str) -> pa.Schema:
    """The columns of a shard: which stretch, which of its frames (the last one a latent covers), and the latent."""
    return pa.schema(
        [
            pa.field("stretch", pa.string(), nullable=False),  # clip_id of its first clip
            pa.field("chunk", pa.int32(), nullable=False),  # first frame of the chunk
            pa.field("frame", pa.int32(), nullable=False),
            pa.field("latent", pa.binary(2 * int(np.prod(shape))), nullable=False),
        ],
        metadata={
            "goaltrace_schema_version": SCHEMA_VERSION,
            "goaltrace_codec": codec,
            "goaltrace_latent": "float16 " + "x".join(map(str, shape)),
        },
    )


def read_latents_manifest(folder: Path) -> LatentsManifest:
    """latents.json; `GoaltraceError` when it is missing, broken or of a newer release."""
    path = folder / "latents.json"
    if not path.is_file():
        raise GoaltraceError(f"{folder}: no latents.json; make latents with: goaltrace encode DATASET --out {folder}")
    data = read_json(path)
    if not isinstance(data, dict):
        raise GoaltraceError(f"{path}: not a latents manifest")
    require_readable(data.get("schema_version"), str(path))
    return parse_model(LatentsManifest, data, path)


class LatentStore:
    """Reads windows of latents; safe to use from several threads."""

    def __init__(self, folder: Path, config: Config) -> None:
        """Raises `GoaltraceError` when the latents are not complete or do not fit the settings."""
        self.folder, self._time, self._window = folder, config.codec.time, config.data.window
        self.manifest = read_latents_manifest(folder)
        _require_same(folder, self.manifest, config)
        self._cache = Cache(config.data.cache_mb * 2**20)
        self._files: OrderedDict[int, pq.ParquetFile] = OrderedDict()
        self._lock = threading.Lock()
        self._groups: dict[tuple[str, int], tuple[int, int]] = {}
        """(stretch, first frame of the chunk) -> (shard, row group)."""
        self._ends: dict[str, int] = {}
        """Stretch -> the frame behind its last chunk."""
        self._bad: dict[str, list[BadChunk]] = {}
        for number in range(self.manifest.shards):
            self._list(number)

    def require_codec(self, digest: str) -> None:
        """Raise `GoaltraceError` unless the latents were made with the codec of this digest."""
        if digest != self.manifest.codec:
            raise GoaltraceError(
                f"data.latents: {self.folder} was made with codec {self.manifest.codec}, this run has codec {digest}; "
                "encode again with --run, or start a new run, which takes the codec of the latents"
            )

    def starts(self, stretch: ClipStretch) -> NDArray[np.int64]:
        """The frames of a stretch at which a window may begin; `GoaltraceError` when it was not encoded."""
        window = self.manifest.window
        if window:
            starts = np.arange(0, len(stretch) - window + 1, window - 1)
            end = int(starts[-1]) + window if len(starts) else 0
        else:
            end, starts = len(stretch), np.arange(len(stretch))
        if self._ends.get(stretch.key, 0) != end:
            raise GoaltraceError(
                f"data.latents: {self.folder} was made of other clips ({stretch.key} is not as it was there); "
                "encode this data set"
            )
        for bad in self._bad.get(stretch.key, ()):
            # windows that were encoded each on its own have frames in common, but no latents
            apart = starts != bad.start if window else (starts + self._window <= bad.start) | (starts >= bad.stop)
            starts = starts[apart]
        return starts

    def window(self, stretch: ClipStretch, start: int, stop: int) -> NDArray[np.float32]:
        """Latents of the model's frames [start, stop), float32 [channels, F, h, w]."""
        step = self.manifest.chunk
        if self.manifest.window:
            parts = [self._chunk(stretch.key, start)]
            low = 0
        else:
            low = start - start % step
            parts = [self._chunk(stretch.key, at) for at in range(low, stop, step)]
            low = start - low
        latents = np.concatenate(parts) if len(parts) > 1 else parts[0]
        count = 1 + (stop - start - 1) // self._time
        return np.ascontiguousarray(latents[low : low + count].swapaxes(0, 1), dtype=np.float32)

    def _chunk(self, stretch: str, start: int) -> NDArray[np.float16]:
        key = (stretch, start)
        made: NDArray[np.float16] | None = self._cache.get(key)
        if made is None:
            number, group = self._groups[key]
            with self._lock:
                try:
                    column = self._open(number).read_row_group(group, columns=["latent"]).column("latent")
                except (pa.ArrowException, OSError, ValueError) as error:
                    raise self._damaged(number, error) from None
            rows = [value.as_buffer() for part in column.chunks for value in part]
            made = np.stack([np.frombuffer(row, "<f2").reshape(self.manifest.shape) for row in rows])
            self._cache.put(key, made, made.nbytes)
        return made

    def _open(self, number: int) -> pq.ParquetFile:
        if number in self._files:
            self._files.move_to_end(number)
        else:
            path = self.folder / shard_name(number)
            if not path.is_file():
                raise GoaltraceError(
                    f"{path}: missing, {self.folder} is not complete; go on with the same goaltrace encode"
                )
            self._files[number] = open_parquet(path)
            if len(self._files) > OPEN_SHARDS:
                self._files.popitem(last=False)
        return self._files[number]

    def _list(self, number: int) -> None:
        file = self._open(number)
        try:
            width = file.schema_arrow.field("latent").type.byte_width
            table = file.read(columns=["stretch", "chunk", "frame"])
            left_out = bad_chunks(file.metadata)
        except (pa.ArrowException, OSError, KeyError, AttributeError, ValueError, TypeError) as error:
            raise self._damaged(number, error) from None
        if width != 2 * int(np.prod(self.manifest.shape)):
            raise GoaltraceError(f"{self.folder / shard_name(number)}: not of the shape in latents.json; encode again")
        stretches, chunks, frames = (table.column(name).to_pylist() for name in ("stretch", "chunk", "frame"))
        for bad in left_out:
            self._bad.setdefault(bad.stretch, []).append(bad)
            self._ends[bad.stretch] = max(self._ends.get(bad.stretch, 0), bad.stop)
        row = 0
        for group in range(file.num_row_groups):
            self._groups[stretches[row], chunks[row]] = number, group
            row += file.metadata.row_group(group).num_rows
            self._ends[stretches[row - 1]] = max(self._ends.get(stretches[row - 1], 0), frames[row - 1] + 1)

    def _damaged(self, number: int, error: Exception) -> GoaltraceError:
        reason = str(error).splitlines()[0][:120]
        path = self.folder / shard_name(number)
        return GoaltraceError(f"{path}: damaged ({reason}); remove it and run the same goaltrace encode again")


def _require_same(folder: Path, manifest: LatentsManifest, config: Config) -> None:
    window = config.data.window if config.codec.time > 1 else 0
    pairs: dict[str, tuple[object, object]] = {
        "codec.name": (manifest.codec_settings.get("name"), config.codec.name),
        "codec.patch": (manifest.codec_settings.get("patch"), config.codec.patch),
        "codec.channels": (manifest.codec_settings.get("channels"), config.codec.channels),
        "data.width": (manifest.width, config.data.width),
        "data.height": (manifest.height, config.data.height),
        "data.fps": (manifest.fps, config.data.fps),
        "data.window": (manifest.window, window),
    }
    for name, (made, wanted) in pairs.items():
        if made != wanted:
            raise GoaltraceError(
                f"data.latents: {folder} was made with {name}={made}, this run has {wanted}; "
                f"set {name}={made} or encode again"
            )
    if manifest.shape != frame_shape(config):
        raise GoaltraceError(
            f"{folder / 'latents.json'}: shape {manifest.shape} does not fit its settings; encode again"
        )
