"""How fast training windows come, beside decoding the same frames by hand and two common ways to load video.

    python benchmarks/loader.py DATASET [--windows N] [--workers N] [--set KEY=VALUE] [--json]

All make the same windows (clip, time stamps) at the same size, each with the same number of workers.

At random: some windows of all clips, in the same random order, and nothing is kept from one to the next.

    raw decode      PyAV: seek to the key frame, decode to the window's last frame, scale the frames that are needed;
                    the compressed clips are in memory beforehand: what decoding alone costs
    goaltrace       this project's loader from the Parquet shards on: frames, actions, pointer maps, stacked batches;
                    its cache of pictures is off
    lerobot-style   a torch Dataset: an index of (file, time stamps), one MP4 a clip on disk, torch DataLoader workers;
                    an item opens its file, seeks, decodes to its last time stamp and converts what it passes to RGB,
                    takes the nearest frame to each time stamp and resizes those; no actions
    datasets        `datasets` streaming over the same Parquet, as below

A whole epoch: every window once.

    raw decode      PyAV: every clip once, the pictures that any window shows scaled; no windows are made of them
    goaltrace       shuffled as a whole, the cache on and empty
    goaltrace, an eighth in memory
                    the same for data that do not fit: shuffled over, and with a cache for, an eighth of the windows
    datasets        `datasets` streaming: row groups in random order (`reshard`), a clip is decoded once by PyAV, which
                    scales what is shown, `map` cuts its windows, `shuffle` with a buffer of SHUFFLED windows in
                    each torch DataLoader worker; no actions
    goaltrace, from the cache
                    what a data set that fits in memory gains from its second epoch on

Rounds alternate, and ratios are medians over rounds; those of CPU time hold on a busy machine too. Compare the ratios.
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
from collections.abc import Callable, Collection, Iterable, Iterator
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
from trainer.data.order import Order
from trainer.data.windows import ClipStore, Loader
from trainer.settings import override
from trainer.settings.config import Config
from trainer.settings.presets import preset

BATCH = 8
SHUFFLED = 256  # windows; what `datasets` users choose, and 135 MiB a worker at 320x192


@dataclass(frozen=True)
class Wanted:
    """A window inside one clip: its frames' times, 1/90000 s, and the size to scale to."""

    clip: str
    pts: list[int]
    size: tuple[int, int]


def raw_decode(video: bytes, wanted: Collection[int], size: tuple[int, int]) -> dict[int, NDArray[np.uint8]]:
    """The pictures at these times, as PyAV's manual has it, with one scaler for all of them."""
    found = {}
    scaler = av.video.reformatter.VideoReformatter()
    with av.open(io.BytesIO(video)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "NONE"
        container.seek(min(wanted), stream=stream, backward=True)
        for frame in container.decode(stream):
            if frame.pts in wanted:
                small = scaler.reformat(frame, *size, format="rgb24", interpolation="AREA", threads=1)
                found[frame.pts] = small.to_ndarray()
            if frame.pts >= max(wanted):
                break
    return found


def in_its_clip(video: bytes, window: Wanted) -> NDArray[np.uint8]:
    found = raw_decode(video, window.pts, window.size)
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


def by_clip(windows: list[Wanted]) -> dict[str, list[Wanted]]:
    found = defaultdict(list)
    for window in windows:
        found[window.clip].append(window)
    return found


def stream_clips(dataset: Path, windows: list[Wanted], picture: tuple[int, int], workers: int) -> Callable[[], int]:
    from datasets import Video, load_dataset

    clips = by_clip(windows)
    files = sorted(str(path) for path in (dataset / "clips").glob("*.parquet"))
    rows = load_dataset("parquet", data_files=files, split="train", streaming=True)
    rows = rows.select_columns(["clip_id", "video"]).cast_column("video", Video(decode=False)).reshard()

    def cut(row: dict[str, Any]) -> dict[str, Any]:
        mine = clips.get(row["clip_id"][0], [])
        if not mine:
            return {"frames": []}
        shown = sorted({pts for window in mine for pts in window.pts})
        found = raw_decode(row["video"][0]["bytes"], shown, mine[0].size)
        return {"frames": [boxed(np.stack([found[pts] for pts in window.pts]), picture) for window in mine]}

    rows = rows.map(cut, batched=True, batch_size=1, remove_columns=["clip_id", "video"])
    rows = rows.shuffle(seed=0, buffer_size=SHUFFLED)
    return lambda: sum(len(part["frames"]) for part in torch.utils.data.DataLoader(rows, BATCH, num_workers=workers))


def cpu_s() -> float:
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in usage)


def timed(prepare: Callable[[], Callable[[], int]]) -> tuple[float, float]:
    """Windows per second, and per CPU-second."""
    work = prepare()
    wall, cpu = time.perf_counter(), cpu_s()
    count = work()
    return count / (time.perf_counter() - wall), count / max(cpu_s() - cpu, 1e-9)


def grown(work: Callable[[], object]) -> float:
    """MB by which this process grew at its peak."""
    Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")  # begins to measure the peak anew
    before = _status("VmRSS")
    work()
    return (_status("VmHWM") - before) / 1e3


def _status(name: str) -> int:
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name))


def in_one_clip(loader: Loader) -> Iterator[tuple[int, Wanted]]:
    """The loader's windows that lie inside one clip, in the form that the other loaders need."""
    length = loader._config.data.window
    picture = (loader._config.data.width, loader._config.data.height)
    for number, (which, start) in enumerate(loader.windows.tolist()):
        segment = loader.segments[which]
        first, stop = segment.clips_of(start, start + length)
        if stop - first > 1:
            continue
        clip = segment.clips[first]
        shown = numbers(clip.row, "picture")[segment.frames[start : start + length] - segment.starts[first]]
        begins = np.flatnonzero(np.diff(numbers(clip.row, "picture"), prepend=-1))
        box = Letterbox.fit((clip.row["width"], clip.row["height"]), picture)
        yield number, Wanted(clip.id, numbers(clip.row, "pts")[begins[shown]].tolist(), (box.width, box.height))


class Given:
    """A fixed order of windows, given as a list."""

    def __init__(self, numbers: list[int]) -> None:
        self._numbers = numbers

    def at(self, place: int) -> int:
        return self._numbers[place % len(self._numbers)]


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
    warm = override(cold, ["data.cache_mb=8192", "data.shuffle=0"])
    picture = (cold.data.width, cold.data.height)
    reader = ClipReader(args.dataset)
    clips = load_index(reader, cold.data, held_out=[]).train

    loader = Loader(ClipStore(reader, cold), clips, cold, 0)
    inside = list(in_one_clip(loader))
    random.Random(0).shuffle(inside)
    every = inside[: len(inside) // BATCH * BATCH]
    some = every[: args.windows // BATCH * BATCH]
    eighth = len(every) // 8
    megabytes = -(-2 * eighth * 3 * picture[0] * picture[1] // 2**20)
    small = override(warm, [f"data.cache_mb={megabytes}", f"data.shuffle={eighth}"])
    videos = {name: reader.read(name, ["video"])["video"]["bytes"] for name in {window.clip for _, window in every}}
    order = Order(0, len(every), None, loader.clips[[number for number, _ in every]], eighth)

    def ours(config: Config, which: list[tuple[int, Wanted]], order: Order | None = None) -> Loader:
        made = Loader(ClipStore(ClipReader(args.dataset), config), clips, config, 0)
        places = range(len(which)) if order is None else map(order.at, range(len(which)))
        made.order = Given([which[place][0] for place in places])  # type: ignore[assignment]
        return made

    def run(made: Loader, which: list[tuple[int, Wanted]]) -> Callable[[], int]:
        return lambda: sum(len(batch.positions) for batch in made.iterate(0, len(which) // BATCH))

    def in_threads(work: Callable[[Any], object], items: Iterable[Any]) -> None:
        with ThreadPoolExecutor(args.workers) as pool:
            list(pool.map(work, items))

    def raw() -> int:
        in_threads(lambda window: in_its_clip(videos[window.clip], window), [window for _, window in some])
        return len(some)

    def raw_epoch() -> int:
        whole = by_clip([window for _, window in every])
        shown = [(videos[name], {pts for window in mine for pts in window.pts}, mine[0].size)
                 for name, mine in whole.items()]  # fmt: skip
        in_threads(lambda job: raw_decode(*job), shown)
        return len(every)

    warmed = ours(warm, every)
    memory = grown(run(warmed, every)), grown(run(ours(small, every, order), every))
    same = ours(cold, some).load(0).frames
    by_hand = [boxed(in_its_clip(videos[window.clip], window), picture) for _, window in some[:BATCH]]
    assert same is not None and (same == np.stack(by_hand)).all()
    with tempfile.TemporaryDirectory() as scratch:
        for name, video in videos.items():
            (Path(scratch) / f"{name}.mp4").write_bytes(video)
        items = MapStyle(Path(scratch), [window for _, window in some], picture)

        def map_style() -> int:
            return sum(len(part) for part in torch.utils.data.DataLoader(items, BATCH, num_workers=args.workers))

        def streamed(which: list[tuple[int, Wanted]]) -> Callable[[], int]:
            return stream_clips(args.dataset, [window for _, window in which], picture, args.workers)

        groups: dict[str, dict[str, Callable[[], Callable[[], int]]]] = {
            f"{len(some)} windows at random, nothing kept": {
                "goaltrace": lambda: run(ours(cold, some), some),
                "raw decode": lambda: raw,
                "lerobot-style": lambda: map_style,
                "datasets": lambda: streamed(some),
            },
            f"an epoch of {len(every)} windows": {
                "goaltrace": lambda: run(ours(warm, every), every),
                "goaltrace, an eighth in memory": lambda: run(ours(small, every, order), every),
                "goaltrace, from the cache": lambda: run(warmed, every),
                "raw decode": lambda: raw_epoch,
                "datasets": lambda: streamed(every),
            },
        }
        rounds = [
            {group: {name: timed(work) for name, work in works.items()} for group, works in groups.items()}
            for _ in range(args.rounds)
        ]
    report = {group: table(group, [each[group] for each in rounds]) for group in groups}
    if args.json:
        print(json.dumps({"workers": args.workers, "memory_mb": memory, **report}))
        return
    data = cold.data
    print(
        f"Windows of {data.window} frames at {data.fps:g} frames/s, {data.width}x{data.height}, {args.workers} workers"
    )
    for group, rows in report.items():
        print(f"\n{group:<42}{'windows/s':>10}{'/CPU-s':>8}   goaltrace is x as fast: {'time':>6}{'CPU':>7}{'goal':>6}")
        for name, row in rows.items():
            goal = "" if row["goal"] is None else f"{row['goal']:.2f}"
            print(f"  {name:<40}{row['s']:10.1f}{row['cpu_s']:8.1f}{row['time']:33.2f}{row['cpu']:7.2f}{goal:>6}")
    print(
        f"\nPeak memory of goaltrace over an epoch: {memory[0]:.0f} MB; {memory[1]:.0f} MB with an eighth in memory "
        f"(a cache of {megabytes} MB).\n"
        "`datasets` and raw decode make no actions and no pointer maps; the order of `datasets` is mixed over "
        f"{SHUFFLED} windows a worker, that of goaltrace over all, or an eighth."
    )


def table(group: str, rounds: list[dict[str, tuple[float, float]]]) -> dict[str, dict[str, Any]]:
    """For each loader: windows a second and a CPU-second, goaltrace's as a multiple of each, and the goal for it."""
    goals = {"raw decode": None if "epoch" in group else 0.85, "lerobot-style": 1.5, "datasets": 1.5}
    rows = {}
    for name in rounds[0]:
        rates = np.array([each[name] for each in rounds])
        ratios = np.array([each["goaltrace"] for each in rounds]) / rates
        (wall, cpu), (time_ratio, cpu_ratio) = np.median(rates, axis=0), np.median(ratios, axis=0)
        rows[name] = {"s": wall, "cpu_s": cpu, "time": time_ratio, "cpu": cpu_ratio, "goal": goals.get(name)}
    return rows


if __name__ == "__main__":
    main()
