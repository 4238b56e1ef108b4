"""What recording costs, beside `ffmpeg -f x11grab` on the same screen in the same run: idle, typing, full-screen video.

    python benchmarks/capture.py [--seconds 20] [--rounds 3] [--json]

Starts an X server of its own (Xvfb). Both sides record the same geometry and rate with the same H.264 settings; ours
also logs input, reads the pointer and writes frame records. The figures are CPU-seconds (user and system, ffmpeg
included) a recorded minute, the X server's own beside them; compare the ratios, not the absolutes.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from collector.recording.spread import spread
from collector.video.encoder import X264

WIDTH, HEIGHT, FPS = 1024, 768, 15
GOALS = {"idle": 0.5, "typing": 0.9, "video": 1.1}


def record_ours(folder: Path, seconds: float) -> None:
    """The recorder as an episode runs it, in this process."""
    from collector.desktop.capture import Capture
    from collector.desktop.input_log import InputLog
    from collector.episodes.spec import EpisodeSpec
    from collector.recording.session import Recording
    from manifests.task import TaskManifest
    from manifests.versions import SCHEMA_VERSION

    task = TaskManifest.model_validate(
        {"schema_version": SCHEMA_VERSION, "id": "benchmark", "kind": "desktop", "family": "benchmark",
         "goal": "Measure", "script": [], "check": []}
    )  # fmt: skip
    spec = EpisodeSpec(session_id=uuid.uuid4().hex, episode_id="benchmark", task=task, parameters={}, agent="scripted",
                       arm="benchmark", seed=0, fps=FPS, max_duration_s=3600, environment="display")  # fmt: skip
    display = os.environ["DISPLAY"]
    recording = Recording(folder, spec, clock="xserver", width=WIDTH, height=HEIGHT, cursor_in_pixels=True, versions={})
    capture, inputs = Capture(recording, display, FPS), InputLog(recording, display)
    capture.start()
    inputs.start()
    capture.started.wait(10)
    time.sleep(seconds)
    capture.stop()
    inputs.stop()
    if capture.error is not None:
        raise capture.error
    recording.end("unverified", "", capture.dropped, inputs.problems, inputs.lags)


def x11grab(path: Path, seconds: float) -> list[str]:
    import ffmpeg

    source = ffmpeg.input(os.environ["DISPLAY"], format="x11grab", framerate=FPS, video_size=(WIDTH, HEIGHT),
                          draw_mouse=1, t=seconds)  # fmt: skip
    out = source.output(str(path), format="matroska", g=FPS, keyint_min=FPS, threads=1, flush_packets=1, **X264)
    return list(out.global_args("-hide_banner", "-loglevel", "error", "-nostdin").overwrite_output().compile())


def cpu_of_children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def cpu_of(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(command: list[str], server: int) -> tuple[float, float]:
    """(CPU-seconds of the command and its children, of the X server)."""
    mine, theirs = cpu_of_children(), cpu_of(server)
    subprocess.run(command, check=True)
    return cpu_of_children() - mine, cpu_of(server) - theirs


def start_up_costs(root: Path, server: int) -> tuple[float, float]:
    """CPU-seconds that ours and x11grab take to start and stop, to be subtracted from the cost of recording."""
    pairs = [
        (
            measure([sys.executable, __file__, "--child", "0"], server)[0],
            measure(x11grab(root / "start.mkv", 0.1), server)[0],
        )
        for _ in range(3)
    ]
    return statistics.median(ours for ours, _ in pairs), statistics.median(theirs for _, theirs in pairs)


def lateness_of_x11grab(path: Path) -> dict[str, float] | None:
    """How far each picture's time is behind an even schedule from the first one on."""
    import av

    with av.open(str(path)) as video:
        times = [float(p.pts * p.time_base) for p in video.demux(video=0) if p.size and p.pts is not None]
    late = [int((t - times[0] - round((t - times[0]) * FPS) / FPS) * 1e9) for t in times]
    found = spread([max(0, value) for value in late])
    return found.model_dump() if found else None


@contextlib.contextmanager
def x_server() -> Iterator[int]:
    reading, writing = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writing), "-screen", "0", f"{WIDTH}x{HEIGHT}x24", "-nolisten", "tcp"],
        pass_fds=[writing], stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(writing)
    with os.fdopen(reading) as number:
        os.environ["DISPLAY"] = f":{number.readline().strip()}"
    try:
        yield server.pid
    finally:
        server.terminate()
        server.wait()


@contextlib.contextmanager
def scene(name: str) -> Iterator[None]:
    """Something on the screen: nothing that moves, a person who types, or a film that fills it."""
    if name == "video":
        source = f"mandelbrot=size={WIDTH}x{HEIGHT}:rate=25"
        command = ["ffmpeg", "-v", "error", "-re", "-f", "lavfi", "-i", source, "-pix_fmt", "yuv420p",
                   "-window_borderless", "1", "-window_x", "0", "-window_y", "0", "-f", "sdl", "film"]  # fmt: skip
    else:
        command = [sys.executable, __file__, "--type", "1" if name == "typing" else "0"]
    actor = subprocess.Popen(command, env=dict(os.environ) | {"SDL_RENDER_DRIVER": "software"})
    try:
        time.sleep(2)
        if name == "video":
            wait_until_it_moves()
        if actor.poll() is not None:
            raise SystemExit(f"the scene {name!r} could not be shown")
        yield
    finally:
        actor.terminate()
        actor.wait()


def wait_until_it_moves() -> None:
    """Wait until the film's window is shown; before that there is nothing to compare."""
    from collector.desktop.grab_mss import MssGrabber

    grabber = MssGrabber(os.environ["DISPLAY"])
    moved = 0
    for _ in range(300):
        before = grabber.grab().pixels.copy()
        time.sleep(0.1)
        moved = moved + 1 if (before != grabber.grab().pixels).mean() > 0.3 else 0
        if moved == 3:
            return grabber.close()
    raise SystemExit("the film does not play")


def type_text(active: bool) -> None:
    """A page of text; if `active`, six characters a second come, a caret blinks, the pointer moves now and then."""
    from Xlib import X
    from Xlib import display as xdisplay
    from Xlib.ext import xtest

    display = xdisplay.Display()
    screen = display.screen()
    window = screen.root.create_window(0, 0, WIDTH, HEIGHT, 0, screen.root_depth, background_pixel=screen.white_pixel)
    window.map()
    font = display.open_font("fixed")
    black = window.create_gc(foreground=screen.black_pixel, background=screen.white_pixel, font=font)
    white = window.create_gc(foreground=screen.white_pixel)
    rng = random.Random(0)
    column, row, shown = 0, 0, False
    words = b"record what was done on purpose and train a model on it "
    time.sleep(0.3)
    for line in range(20):
        window.draw_text(black, 20, 400 + line * 16, words * 2)
    display.sync()
    while True:
        if not active:
            time.sleep(1)
            continue
        window.image_text(black, 20 + column * 6, 30 + row * 16, bytes([rng.choice(words)]))
        column, row = ((column + 1) % 120, row + (column == 119))
        row %= 20
        shown = not shown
        window.fill_rectangle(black if shown else white, 26 + column * 6, 20 + row * 16, 2, 12)
        if rng.random() < 0.1:
            xtest.fake_input(display, X.MotionNotify, x=rng.randrange(WIDTH), y=rng.randrange(HEIGHT))
        display.sync()
        time.sleep(rng.uniform(0.08, 0.25))


def run(seconds: float, rounds: int) -> dict[str, Any]:
    results: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as scratch, x_server() as server:
        root = Path(scratch)
        our_start, their_start = start_up_costs(root, server)
        for name, goal in GOALS.items():
            ours: list[tuple[float, float]] = []
            theirs: list[tuple[float, float]] = []
            for number in range(rounds):
                film, folder = root / f"{name}-{number}.mkv", root / f"{name}-{number}"
                with scene(name):  # from its beginning for each side, so that both record the same
                    cpu, x_cpu = measure(x11grab(film, seconds), server)
                    theirs.append((cpu - their_start, x_cpu))
                with scene(name):
                    child = [sys.executable, __file__, "--child", str(seconds), "--folder", str(folder)]
                    cpu, x_cpu = measure(child, server)
                    ours.append((cpu - our_start, x_cpu))
            manifest = json.loads((folder / "session.json").read_text())
            minute = 60 / seconds
            results[name] = {
                "ours_cpu_s": statistics.median(cpu for cpu, _ in ours) * minute,
                "x11grab_cpu_s": statistics.median(cpu for cpu, _ in theirs) * minute,
                "ratio": statistics.median(a[0] / b[0] for a, b in zip(ours, theirs, strict=True)),
                "goal": goal,
                "ours_x_server_cpu_s": statistics.median(cpu for _, cpu in ours) * minute,
                "x11grab_x_server_cpu_s": statistics.median(cpu for _, cpu in theirs) * minute,
                "ours_mb": (folder / "screen.mkv").stat().st_size / 1e6 * minute,
                "x11grab_mb": film.stat().st_size / 1e6 * minute,
                "ours_lateness_ms": manifest["lateness_ms"],
                "x11grab_lateness_ms": lateness_of_x11grab(film),
                "ours_dropped": manifest["dropped"],
                "capture": manifest["capture"],
            }
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--child", type=float, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--type", choices=["0", "1"], help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.type is not None:
        type_text(args.type == "1")
    if args.child is not None:
        with tempfile.TemporaryDirectory() as scratch:
            record_ours(args.folder or Path(scratch) / "session", args.child)
        return
    results = run(args.seconds, args.rounds)
    if args.json:
        print(json.dumps(results, indent=2))
        return
    print("CPU-seconds a recorded minute (the X server's in brackets), MB a minute, lateness p50 / p99 ms")
    print("(x11grab's lateness is what its own time stamps say)")
    for name, found in results.items():
        print(f"{name:<7} ratio {found['ratio']:.2f} (goal {found['goal']})")
        for side in ("ours", "x11grab"):
            late = found[f"{side}_lateness_ms"]
            print(
                f"  {side:<8} {found[f'{side}_cpu_s']:6.2f} ({found[f'{side}_x_server_cpu_s']:5.2f})  "
                f"{found[f'{side}_mb']:7.2f} MB  {late['p50']:6.2f} / {late['p99']:6.2f}"
            )


if __name__ == "__main__":
    main()
