"""Small data sets with real encoded video, for tests of the rooms that read them.

The scene: grey desktop, boxes that light up when clicked, an arrow that follows the pointer, text that
appears when typed. The goal arm clicks on boxes; the random arm clicks anywhere.
"""

from __future__ import annotations

import io
import random
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from manifests import __version__
from manifests.clip import PTS_PER_SECOND, ClipAction, ClipRow
from manifests.clip_io import ClipWriter
from manifests.dataset import ClipCounter, DatasetFolder, DatasetManifest, LineageStep
from manifests.files import new_folder, sha256_of
from manifests.slots import assign_slots
from manifests.versions import SCHEMA_VERSION

FPS = 15
WIDTH, HEIGHT = 256, 192


def encode(frames: NDArray[np.uint8], pts: list[int]) -> bytes:
    """uint8 [n, h, w, 3] -> H.264 yuv444p in MP4, closed GOP of 1 s."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=FPS)
        stream.width, stream.height = frames.shape[2], frames.shape[1]
        stream.pix_fmt = "yuv444p"
        stream.options = {"crf": "18", "g": str(FPS), "bf": "0", "preset": "veryfast"}
        stream.time_base = stream.codec_context.time_base = Fraction(1, PTS_PER_SECOND)
        for image, stamp in zip(frames, pts, strict=True):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts = stamp
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return buffer.getvalue()


def make_clip(
    arm: str, seed: int, frames: int = 75, session: str | None = None, pause: int = 0, once: bool = False
) -> ClipRow:
    """One clip row of the scene; `pause` frames of stillness follow each click.

    With `once` the video holds a picture that several frames in a row show only once, as recorded clips do.
    """
    rng = random.Random(f"{arm}:{seed}")
    boxes = [(30 + 70 * i, 40 + 60 * j, 36, 24) for i in range(3) for j in range(2)]
    lit: set[int] = set()
    typed = 0
    x, y = WIDTH // 2, HEIGHT // 2
    target = (x, y)
    still = 0
    images, actions, cursor = [], [], []
    t0 = [int(i * 1e9 / FPS) for i in range(frames)]
    t1 = [t + 2_000_000 for t in t0]
    for i in range(frames):
        images.append(_draw(boxes, lit, typed, x, y))
        cursor.append((x, y))
        now = t1[i] + 20_000_000
        if still:
            still -= 1
            continue
        if (x, y) == target:
            if i:
                still = pause
                for step, kind in enumerate(("button_down", "button_up")):
                    actions.append(_action(now + step * 9_000_000, kind, x=x, y=y, button="left"))
                for n, (bx, by, bw, bh) in enumerate(boxes):
                    if bx <= x < bx + bw and by <= y < by + bh:
                        lit ^= {n}
                        typed = (typed + 1) % 20
            if arm == "scripted":
                bx, by, bw, bh = rng.choice(boxes)
                target = (bx + bw // 2 + rng.randint(-5, 5), by + bh // 2 + rng.randint(-4, 4))
            else:
                target = (rng.randrange(WIDTH), rng.randrange(HEIGHT))
        else:
            x += max(-14, min(14, target[0] - x))
            y += max(-14, min(14, target[1] - y))
            actions.append(_action(now, "move", x=x, y=y))
    for action, slot in zip(actions, assign_slots(t0, t1, [a["t_ns"] for a in actions]), strict=True):
        action["slot"], action["ambiguous"] = slot
    pts = [round((t - t1[0]) * PTS_PER_SECOND / 1e9) for t in t1]
    session_id = session or f"{arm}-{seed}"
    new = [i == 0 or not once or bool(np.any(images[i] != images[i - 1])) for i in range(frames)]
    picture = [sum(new[: i + 1]) - 1 for i in range(frames)]
    video = encode(np.stack([images[i] for i in range(frames) if new[i]]), [pts[i] for i in range(frames) if new[i]])
    return {
        "clip_id": f"{session_id}-0000", "session_id": session_id, "episode_id": session_id,
        "schema_version": SCHEMA_VERSION, "recorder_version": __version__, "kind": "desktop",
        "task_id": "test-boxes", "family": "boxes", "goal": "Light every box", "caption": "Light every box",
        "caption_short": "Light every box", "caption_detailed": "Clicks on the boxes.", "screen_text": [],
        "actor": arm, "arm": arm, "control": arm == "random-fast",
        "outcome": "success" if arm == "scripted" else "unverified",
        "environment": "local", "clock_source": "xserver", "clip_index": 0, "seed": seed,
        "width": WIDTH, "height": HEIGHT, "fps": float(FPS), "duration_ns": t1[-1] - t1[0],
        "cursor_in_pixels": True, "t0_ns": t0, "t1_ns": t1, "pts": pts,
        "picture": picture, "frame_redacted": [False] * frames,
        "changed": [0.0] + [float(np.mean(np.any(a != b, axis=2))) for a, b in zip(images, images[1:], strict=False)],
        "cursor_x": [c[0] for c in cursor], "cursor_y": [c[1] for c in cursor], "actions": actions,
        "start_keys": [], "start_buttons": [], "start_x": cursor[0][0], "start_y": cursor[0][1],
        "bracket_p50_ms": 2.0, "bracket_p95_ms": 2.0, "bracket_max_ms": 2.0, "gap_max_ms": 67.0,
        "dropped": 0, "changed_ratio": 0.9, "invalid_reasons": [],
        "video": {"bytes": video, "path": f"{session_id}-0000.mp4"},
    }  # fmt: skip


def make_dataset(
    path: Path, per_arm: int = 3, frames: int = 75, shard_bytes: int = 500 * 10**6, pause: int = 0
) -> Path:
    """A data set of `per_arm` clips of each arm ("scripted" and "random-fast")."""
    clips = (
        make_clip(arm, seed, frames, pause=pause) for arm in ("scripted", "random-fast") for seed in range(per_arm)
    )
    return write_dataset(path, clips, shard_bytes)


def write_dataset(path: Path, rows: Iterable[ClipRow], shard_bytes: int = 500 * 10**6) -> Path:
    """A data set of these clips."""
    counter = ClipCounter()
    with new_folder(path) as root:
        with ClipWriter(root, shard_bytes) as writer:
            for row in rows:
                writer.write(row)
                counter.add(row)
        lineage = [LineageStep(command="tests.factories.write_dataset")]
        manifest = DatasetManifest(name=path.name, counts=counter.result(), shards=writer.shards, lineage=lineage)
        DatasetFolder(root).write_manifest(manifest)
    return path


def named_anew(dataset: Path) -> Path:
    """The data set with dataset.json brought up to date after its shards were changed, as a stranger would."""
    folder = DatasetFolder(dataset)
    manifest = folder.read_manifest()
    for shard in manifest.shards:
        path = dataset / shard.path
        shard.rows = pq.ParquetFile(path).metadata.num_rows
        shard.bytes, shard.sha256 = path.stat().st_size, sha256_of(path)
    folder.write_manifest(manifest)
    return dataset


def _action(t_ns: int, kind: str, x: int, y: int, button: str | None = None) -> ClipAction:
    return {
        "t_ns": t_ns, "slot": 0, "ambiguous": False, "kind": kind, "x": x, "y": y, "dx": None, "dy": None,
        "button": button, "key": None, "char": None, "redacted": False, "repeat": False,
    }  # fmt: skip


def _draw(boxes: list[tuple[int, ...]], lit: set[int], typed: int, x: int, y: int) -> NDArray[np.uint8]:
    image = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    for n, (bx, by, bw, bh) in enumerate(boxes):
        image[by : by + bh, bx : bx + bw] = (230, 180, 40) if n in lit else (40, 60, 120)
        image[by : by + bh : bh - 1, bx : bx + bw] = 220
    for n in range(typed):
        image[172:182, 20 + 10 * n : 26 + 10 * n] = 250
    for row in range(10):
        image[min(y + row, HEIGHT - 1), x : x + row // 2 + 1] = 255
    return image
