"""Encoding every usable clip once, shard by shard: what a GPU has done is not done again in every epoch."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from numpy.typing import NDArray

from manifests.errors import GoaltraceError
from manifests.files import replacing
from trainer.codec import Codec
from trainer.data.latents import LEFT_OUT, BadChunk, LatentChunk, bad_chunks, frame_shape, schema, shard_name
from trainer.data.store import ClipStore
from trainer.data.stretch import ClipStretch
from trainer.settings.config import Config

AHEAD = 4  # chunks decoded while one is encoded


def is_done(folder: Path, number: int, chunks: Sequence[LatentChunk], codec: str) -> bool:
    """Is a shard there, of this codec? It is renamed into place when it is whole, so its footer is enough."""
    path = folder / shard_name(number)
    if not path.is_file():
        return False
    try:
        found = pq.read_metadata(path)
    except (pa.ArrowException, OSError, ValueError):
        return False
    bad = bad_chunks(found)
    sizes = found.num_row_groups + len(bad), found.num_rows + sum(one.latents for one in bad)
    same = (found.metadata or {}).get(b"goaltrace_codec") == codec.encode()
    return same and sizes == (len(chunks), sum(chunk.latents for chunk in chunks))


def write_shard(
    folder: Path,
    number: int,
    chunks: Iterable[tuple[LatentChunk, NDArray[np.uint8] | None]],
    stretches: Sequence[ClipStretch],
    codec: Codec,
    config: Config,
    device: torch.device,
    on_chunk: Callable[[int], object] = lambda _: None,
) -> None:
    """Encode the chunks of one shard, each with its frames, and write it, whole or not at all.

    `on_chunk` is called with how many frames more are done.

    Raises `GoaltraceError` when a latent is not finite in float16.
    """
    shape = frame_shape(config)
    columns = schema(shape, codec.digest())
    with (
        replacing(folder / shard_name(number)) as temporary,
        pq.ParquetWriter(
            temporary,
            columns,
            compression={"stretch": "zstd", "chunk": "zstd", "frame": "zstd", "latent": "none"},
            use_dictionary=["stretch"],
            write_page_checksum=True,
        ) as writer,
    ):
        bad: list[BadChunk] = []
        for chunk, frames in chunks:
            if frames is None:
                bad.append(BadChunk(stretches[chunk.stretch].key, chunk.start, chunk.stop, chunk.latents))
                on_chunk(chunk.stop - chunk.start)
                continue
            pixels = torch.from_numpy(frames)[None].to(device)
            latents = codec.encode(pixels)[0].movedim(1, 0).to(torch.float16).cpu().numpy()
            key = stretches[chunk.stretch].key
            if latents.shape != (chunk.latents, *shape):
                raise GoaltraceError(f"the codec made latents of shape {latents.shape[1:]}, not {shape}; check --set")
            if not np.isfinite(latents).all():
                raise GoaltraceError(f"clip {key}: its latents are not finite in float16; take another codec")
            ends = np.linspace(chunk.start, chunk.stop - 1, chunk.latents).round().astype(np.int32)
            rows = [np.ascontiguousarray(row, "<f2").tobytes() for row in latents]
            table = pa.table([[key] * len(rows), [chunk.start] * len(rows), ends, rows], schema=columns)
            writer.write_table(table, row_group_size=len(rows))
            on_chunk(chunk.stop - chunk.start)
        if bad:
            writer.add_key_value_metadata({LEFT_OUT: json.dumps(bad)})


def decoded(
    chunks: Sequence[LatentChunk], stretches: Sequence[ClipStretch], store: ClipStore, workers: int
) -> Iterator[tuple[LatentChunk, NDArray[np.uint8] | None]]:
    """Each chunk with its frames, in order, None where they cannot be decoded; threads decode a few ahead."""

    def frames(chunk: LatentChunk) -> NDArray[np.uint8] | None:
        with store.left_out.skipping():
            return store.frames(stretches[chunk.stretch], chunk.start, chunk.stop)
        return None

    if not workers:
        yield from ((chunk, frames(chunk)) for chunk in chunks)
        return
    pool = ThreadPoolExecutor(workers, thread_name_prefix="decode")
    try:
        rest = iter(chunks)
        ahead: list[tuple[LatentChunk, Future[NDArray[np.uint8] | None]]] = [
            (chunk, pool.submit(frames, chunk)) for chunk in islice(rest, AHEAD + workers)
        ]
        while ahead:
            chunk, future = ahead.pop(0)
            if (following := next(rest, None)) is not None:
                ahead.append((following, pool.submit(frames, following)))
            yield chunk, future.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
