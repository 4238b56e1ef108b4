"""How fast training windows come, beside decoding the same frames by hand and two common ways to load video.

    python benchmarks/loader.py DATASET [--windows N] [--workers N] [--json]

All load the same windows (clip, time stamps) in the same shuffled order at the same size, each with the same number
of workers, and nothing is kept from one window to the next:

    raw decode      PyAV: seek to the key frame, decode to the window's last frame, scale the frames that are needed;
                    the compressed clips are in memory beforehand: what decoding alone costs
    goaltrace       this project's loader from the Parquet shards on: frames, actions, pointer maps, stacked batches;
                    its cache of pictures is off
    lerobot-style   a torch Dataset: an index of (file, time stamps), one MP4 a clip on disk, torch DataLoader workers;
                    an item opens its file, seeks, decodes to its last time stamp and converts what it passes to RGB,
                    takes the nearest frame to each time stamp and resizes those; no actions
    datasets        `datasets` streaming over the same Parquet, videos undecoded; each clip is decoded whole by PyAV
                    and all its windows are cut out of it; no actions, and windows come in the order of clips

"First epoch" is all windows of the data set, with the cache on and empty: `datasets` decodes each clip once for all
of its windows, which suits it best, at the price of an order that is not shuffled. "In the cache" is what a data set
that fits in memory gains from its second epoch on. Rounds alternate, and ratios are medians over rounds; those of CPU
time hold on a busy machine too. Compare the ratios.
"""

from __future__ import annotations

import argparse
import io
import json
import random
import resource
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
import torch
from numpy.typing import NDArray

from manifests.clip import PTS_PER_SECOND
from manifests.clip_io import ClipReader
from trainer.data.clip import numbers
from trainer.data.cursor import Letterbox
from trainer.data.index import load_index
from trainer.data.windows import ClipStore, Loader
from trainer.presets import preset
from trainer.settings import override

BATCH = 8


@dataclass(frozen=True)
class Wanted:
    """A window inside one clip: its frames' times, 1/90000 s, and the size to scale to."""

    clip: str
    pts: list[int]
    size: tuple[int, int]


def scaled(frame: av.VideoFrame, size: tuple[int, int]) -> NDArray[np.uint8]:
    return frame.to_ndarray(format="rgb24", width=size[0], height=size[1], interpolation="AREA")


def raw_decode(video: bytes, window: Wanted) -> NDArray[np.uint8]:
    """No more than it takes."""
    found = {}
    wanted = set(window.pts)
    with av.open(io.BytesIO(video)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "NONE"
        container.seek(window.pts[0], stream=stream, backward=True)
        for frame in container.decode(stream):
            if frame.pts in wanted:
                found[frame.pts] = scaled(frame, window.size)
            if frame.pts >= window.pts[-1]:
                break
    return np.stack([found[pts] for pts in window.pts])


class MapStyle(torch.utils.data.Dataset[torch.Tensor]):
    """One file a clip; an item seeks, decodes past its last time stamp and takes the nearest frames."""

    def __init__(self, folder: Path, windows: list[Wanted], picture: tuple[int, int]) -> None:
        self.folder, self.windows, self.picture = folder, windows, picture

    def __len__(self) -> int:
        return len(self.windows)

    def __getitem__(self, number: int) -> torch.Tensor:
        window = self.windows[number]
        stamps = torch.tensor(window.pts) / PTS_PER_SECOND
        times: list[float] = []
        frames: list[torch.Tensor] = []
        with av.open(str(self.folder / f"{window.clip}.mp4")) as container:
            stream = container.streams.video[0]
            container.seek(window.pts[0], stream=stream, backward=True)
            for frame in container.decode(stream):
                times.append(float(frame.time))
                frames.append(torch.from_numpy(frame.to_ndarray(format="rgb24")))
                if frame.time >= float(stamps[-1]):
                    break
        nearest = (stamps[:, None] - torch.tensor(times)[None]).abs().argmin(1)
        chosen = torch.stack([frames[k] for k in nearest]).movedim(-1, 1).float()
        small = torch.nn.functional.interpolate(chosen, window.size[::-1], mode="area").round().byte()
        return torch.from_numpy(boxed(small.movedim(1, -1).numpy(), self.picture))


def boxed(frames: NDArray[np.uint8], picture: tuple[int, int]) -> NDArray[np.uint8]:
    """The model's picture with the scaled frames in its middle."""
    height, width = frames.shape[1:3]
    out = np.zeros((len(frames), picture[1], picture[0], 3), np.uint8)
    top, left = (picture[1] - height) // 2, (picture[0] - width) // 2
    out[:, top : top + height, left : left + width] = frames
    return out


def stream_clips(dataset: Path, windows: list[Wanted], picture: tuple[int, int], workers: int) -> int:
    """`datasets` streaming; windows are cut out of each clip as it passes."""
    from datasets import Video, load_dataset

    by_clip = defaultdict(list)
    for window in windows:
        by_clip[window.clip].append(window)
    files = sorted(str(path) for path in (dataset / "clips").glob("*.parquet"))
    rows = load_dataset("parquet", data_files=files, split="train", streaming=True)
    rows = rows.select_columns(["clip_id", "video"]).cast_column("video", Video(decode=False))

    def cut(row: dict[str, Any]) -> int:
        mine = by_clip.get(row["clip_id"], [])
        if not mine:
            return 0
        frames = {}
        with av.open(io.BytesIO(row["video"]["bytes"])) as container:
            for frame in container.decode(video=0):
                frames[frame.pts] = scaled(frame, mine[0].size)
        items = [boxed(np.stack([frames[pts] for pts in window.pts]), picture) for window in mine]
        for first in range(0, len(items), BATCH):
            np.stack(items[first : first + BATCH])
        return len(items)

    with ThreadPoolExecutor(workers) as pool:
        return sum(pool.map(cut, rows))


def cpu_s() -> float:
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in usage)


def timed(work: Callable[[], int]) -> tuple[float, float]:
    """Windows a second, and a CPU-second."""
    wall, cpu = time.perf_counter(), cpu_s()
    count = work()
    return count / (time.perf_counter() - wall), count / max(cpu_s() - cpu, 1e-9)


def batches(loader: Loader, count: int) -> int:
    return sum(len(batch.positions) for batch in loader.iterate(0, count // BATCH))


def in_one_clip(loader: Loader) -> Iterator[tuple[int, Wanted]]:
    """The loader's windows that lie inside one clip, as the others need them."""
    length = loader._config.data.window
    picture = (loader._config.data.width, loader._config.data.height)
    for number, (which, start) in enumerate(loader.windows.tolist()):
        stretch = loader.stretches[which]
        first, stop = stretch.clips_of(start, start + length)
        if stop - first > 1:
            continue
        clip = stretch.clips[first]
        shown = numbers(clip.row, "picture")[stretch.frames[start : start + length] - stretch.starts[first]]
        begins = np.flatnonzero(np.diff(numbers(clip.row, "picture"), prepend=-1))
        box = Letterbox.fit((clip.row["width"], clip.row["height"]), picture)
        yield number, Wanted(clip.id, numbers(clip.row, "pts")[begins[shown]].tolist(), (box.width, box.height))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", type=Path, nargs="?", default=Path("demo/dataset"))
    parser.add_argument("--windows", type=int, default=400)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3, help="all are run this often in turn; the median counts")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(1)
    settings = ["data.crop_width=0", "data.crop_height=0", f"train.batch={BATCH}", f"data.workers={args.workers}"]
    cold = override(preset("tiny"), [*settings, *args.set, "data.cache_mb=0"])
    warm = override(cold, ["data.cache_mb=2048"])
    picture = (cold.data.width, cold.data.height)
    reader = ClipReader(args.dataset)
    clips = load_index(reader, cold.data, held_out=[]).train

    loader = Loader(ClipStore(reader, cold), clips, cold, 0)
    inside = list(in_one_clip(loader))
    random.Random(0).shuffle(inside)
    every = inside[: len(inside) // BATCH * BATCH]
    inside = inside[: args.windows // BATCH * BATCH]
    windows = [window for _, window in inside]
    count = len(windows)
    videos = {name: reader.read(name, ["video"])["video"]["bytes"] for name in {window.clip for window in windows}}

    def ours(config: Any, which: list[tuple[int, Wanted]] = inside) -> Loader:
        made = Loader(ClipStore(ClipReader(args.dataset), config), clips, config, 0)
        made.windows = loader.windows[[number for number, _ in which]]
        made._orders = (type("Given", (), {"at": staticmethod(lambda place: place % len(which))})(),) * 2
        return made

    def raw() -> int:
        with ThreadPoolExecutor(args.workers) as pool:
            return len(list(pool.map(lambda window: raw_decode(videos[window.clip], window), windows)))

    with tempfile.TemporaryDirectory() as scratch:
        for name, video in videos.items():
            (Path(scratch) / f"{name}.mp4").write_bytes(video)
        items = MapStyle(Path(scratch), windows, picture)

        def map_style() -> int:
            return sum(len(part) for part in torch.utils.data.DataLoader(items, BATCH, num_workers=args.workers))

        warmed = ours(warm)
        batches(warmed, count)
        works: dict[str, Callable[[], int]] = {
            "raw decode": raw,
            "goaltrace": lambda: batches(ours(cold), count),
            "lerobot-style": map_style,
            "datasets": lambda: stream_clips(args.dataset, windows, picture, args.workers),
            "goaltrace, in the cache": lambda: batches(warmed, count),
            "goaltrace, first epoch": lambda: batches(ours(warm, every), len(every)),
            "datasets, first epoch": lambda: stream_clips(args.dataset, [w for _, w in every], picture, args.workers),
        }
        same = ours(cold).load(0).frames
        assert same is not None and (same == boxed_batch(videos, windows[:BATCH], picture)).all()
        figures: dict[str, list[tuple[float, float]]] = {name: [] for name in works}
        for _ in range(args.rounds):
            for name, work in works.items():
                figures[name].append(timed(work))
    rates = {name: np.median(np.array(values), axis=0).tolist() for name, values in figures.items()}
    pairs = [("goaltrace", "raw decode", 0.85), ("goaltrace", "lerobot-style", 1.5), ("goaltrace", "datasets", 1.5),
             ("goaltrace, first epoch", "datasets, first epoch", 1.5)]  # fmt: skip
    ratios = {
        f"{one} / {other} (goal {goal})": np.median(np.array(figures[one]) / np.array(figures[other]), axis=0).tolist()
        for one, other, goal in pairs
    }
    if args.json:
        report = {"windows": count, "workers": args.workers, "windows_per_s_and_cpu_s": rates, "ratios": ratios}
        print(json.dumps(report))
        return
    length, fps = cold.data.window, cold.data.fps
    print(f"{count} windows of {length} frames at {fps:g} frames/s, {picture[0]}x{picture[1]}, {args.workers} workers")
    for name, (wall, cpu) in rates.items():
        print(f"  {name:<60}{wall:8.1f} windows/s{cpu:8.1f} windows/CPU-s")
    for name, (wall, cpu) in ratios.items():
        print(f"  {name:<60}{wall:7.2f}x of wall {cpu:8.2f}x of CPU time")


def boxed_batch(videos: dict[str, bytes], windows: list[Wanted], picture: tuple[int, int]) -> NDArray[np.uint8]:
    return np.stack([boxed(raw_decode(videos[window.clip], window), picture) for window in windows])


if __name__ == "__main__":
    main()
