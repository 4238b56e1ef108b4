"""How fast terminals are drawn: against real time, and against pyte + Pillow over the same casts in the same run.

    python benchmarks/terminal.py [CAST...] [--repeat 3] [--json]

Without CASTs: those of ../shared/data/casts and three made here (typing, a long build's output, a full-screen
program). CPU seconds, median of the repeats; imports and fonts are loaded before.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from collector.terminal.cast import open_cast
from collector.terminal.render import extent_of, render_cast, render_session
from manifests.session import Clock, SessionFolder, SessionManifest

FPS = 15
SHARED = Path(__file__).resolve().parents[2] / "shared" / "data" / "casts"
SLOW_S = 5.0
BIG_BYTES = 100 * 2**20


def cpu_s(work: Callable[[], object]) -> float:
    """CPU seconds that `work` takes in this process and in those it started and waited for."""

    def now() -> float:
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        return time.process_time() + children.ru_utime + children.ru_stime

    before = now()
    work()
    return now() - before


def ours(path: Path) -> int:
    """Draw every frame; how many there are."""
    cast = open_cast(path)
    return sum(1 for _ in render_cast(cast, extent_of(cast), FPS))


def encoded(path: Path) -> None:
    """Draw and encode as `goaltrace record` does."""
    cast = open_cast(path)
    with tempfile.TemporaryDirectory() as scratch:
        folder = SessionFolder(Path(scratch))
        folder.cast.write_bytes(path.read_bytes())
        folder.write_manifest(
            SessionManifest(
                recorder_version="0", session_id="s", episode_id="e", kind="terminal", task_id="t", family="f",
                goal="g", actor="a", arm="a", seed=0, width=2, height=2, fps=1, environment="local",
                duration_ns=extent_of(cast).end_ns, state="complete",
                clock=Clock(source="pty", origin_monotonic_ns=0, wall_unix_ns=0),
            )
        )  # fmt: skip
        render_session(folder, FPS)


def pyte_and_pillow(path: Path) -> None:
    """The simple alternative: pyte's screen, drawn whole with Pillow whenever there was output."""
    import io

    import numpy as np
    import pymupdf_fonts
    import pyte
    from PIL import Image, ImageColor, ImageDraw, ImageFont

    cast = open_cast(path)
    extent = extent_of(cast)
    fonts = {
        bold: ImageFont.truetype(io.BytesIO(pymupdf_fonts.myfont(name)), 13.65)
        for bold, name in ((False, "cascadia"), (True, "cascadiab"))
    }
    screen = pyte.Screen(cast.columns, cast.rows)
    stream = pyte.Stream(screen)
    events = cast.events()
    event = next(events, None)
    before = None
    image = Image.new("RGB", (extent.columns * 8, extent.rows * 16))

    def rgb(color: str, default: str) -> tuple[int, ...]:
        name = {"default": default, "brown": "#cdcd00"}.get(color, color)
        try:
            return ImageColor.getrgb(name if name.startswith("#") or not _is_hex(name) else f"#{name}")
        except ValueError:
            return ImageColor.getrgb(default)

    for number in range(int(extent.end_ns * FPS // 10**9) + 1):
        changed = number == 0
        while event is not None and event.t_ns <= number * 10**9 / FPS:
            if event.code == "o":
                stream.feed(event.data)
                changed = True
            elif event.code == "r":
                columns, rows = map(int, event.data.split("x"))
                screen.resize(rows, columns)
                changed = True
            event = next(events, None)
        if not changed:
            continue
        draw = ImageDraw.Draw(image)
        for y in range(screen.lines):
            for x in range(screen.columns):
                cell = screen.buffer[y][x]
                fg, bg = rgb(cell.fg, "#d8dbe2"), rgb(cell.bg, "#16181d")
                if cell.reverse != ((x, y) == (screen.cursor.x, screen.cursor.y) and not screen.cursor.hidden):
                    fg, bg = bg, fg
                draw.rectangle((x * 8, y * 16, x * 8 + 7, y * 16 + 15), fill=bg)
                if cell.data.strip():
                    draw.text((x * 8, y * 16 + 12), cell.data, fill=fg, font=fonts[cell.bold], anchor="ls")
        pixels = np.asarray(image)
        if before is not None:
            (before != pixels).any(axis=2).mean()  # the changed share that a frame's record has
        before = pixels.copy()


def _is_hex(name: str) -> bool:
    return len(name) == 6 and all(char in "0123456789abcdef" for char in name)


def write_cast(path: Path, events: list[tuple[float, str]], columns: int = 80, rows: int = 24) -> Path:
    header = {"version": 2, "width": columns, "height": rows}
    path.write_text(
        "\n".join([json.dumps(header), *(json.dumps([at, "o", data]) for at, data in events)]) + "\n", encoding="utf-8"
    )
    return path


def typing(path: Path, rng: random.Random) -> Path:
    """Two minutes at a prompt: keys, pauses, short outputs."""
    events, at = [(0.0, "\x1b[32muser@host\x1b[0m:\x1b[34m~/project\x1b[0m$ ")], 1.0
    while at < 120:
        for char in rng.choice(["git status", "ls -la src", "make test", "grep -rn TODO .", "vim notes.txt"]):
            events.append((at, char))
            at += rng.lognormvariate(-1.8, 0.5)
        lines = [
            f"\x1b[{rng.choice([0, 31, 36])}m{rng.randbytes(20).hex()}\x1b[0m\r\n" for _ in range(rng.randint(1, 15))
        ]
        events.append((at, "\r\n" + "".join(lines) + "\x1b[32muser@host\x1b[0m:\x1b[34m~/project\x1b[0m$ "))
        at += rng.uniform(1, 5)
    return write_cast(path, events)


def build(path: Path, rng: random.Random) -> Path:
    """A minute of a build's output: 20 coloured lines a second, scrolling all the time."""
    words = ["compile", "link", "src/main.c", "lib/util.c", "-O2", "warning:", "unused variable", "ok"]

    def line() -> str:
        return " ".join(f"\x1b[{rng.choice([0, 1, 32, 33, 35])}m{word}" for word in rng.choices(words, k=9))

    return write_cast(path, [(number / 20, f"{line()}\x1b[0m\r\n") for number in range(1200)])


def full_screen(path: Path, rng: random.Random) -> Path:
    """A minute of a full-screen program that draws its whole 100 x 30 screen anew twice a second."""
    events = []
    for number in range(120):
        lines = [
            f"\x1b[{y + 1};1H\x1b[{'7' if y == 0 else '0'}m{rng.randint(1, 99999):>7} user {rng.random() * 100:5.1f} "
            f"\x1b[32m{'|' * rng.randint(1, 40):<40}\x1b[0m /usr/bin/program --number {y}\x1b[K"
            for y in range(30)
        ]
        events.append((number / 2, "".join(lines)))
    return write_cast(path, events, 100, 30)


def big(path: Path) -> Path:
    """100 MB of coloured lines that scroll by, at 10 MB a second."""
    line = "".join(f"\x1b[3{number % 8}m word {number}" for number in range(40)) + "\x1b[0m\r\n"
    event, at, size = line * 60, 0.0, 0
    with path.open("w", encoding="utf-8") as out:
        out.write('{"version": 2, "width": 80, "height": 24}\n')
        while size < BIG_BYTES:
            size += out.write(json.dumps([round(at, 6), "o", event]) + "\n")
            at += len(event) / 10e6
    return path


def streams_big() -> dict[str, float]:
    """Draw the big cast in a process of its own: its CPU seconds and peak memory."""
    with tempfile.TemporaryDirectory() as scratch:
        path = big(Path(scratch) / "big.cast")
        code = (
            "import sys, resource; sys.path[:0] = sys.argv[2:]; from pathlib import Path\n"
            "from benchmarks.terminal import ours\n"
            "ours(Path(sys.argv[1])); use = resource.getrusage(resource.RUSAGE_SELF)\n"
            "peak = Path('/proc/self/status').read_text().split('VmHWM:')[1].split()[0]\n"
            "print(use.ru_utime + use.ru_stime, int(peak) / 1024)"
        )
        root = str(Path(__file__).resolve().parents[1])
        run = subprocess.run([sys.executable, "-c", code, str(path), root], capture_output=True, text=True, check=True)
        cpu, peak = map(float, run.stdout.split())
        return {"file_mb": path.stat().st_size / 1e6, "cpu_s": cpu, "peak_mb": peak}


def measure(name: str, casts: list[Path], repeat: int) -> dict[str, Any]:
    """Frames a second and ratios over `casts`, taken together."""
    seconds = sum(extent_of(open_cast(path)).end_ns / 1e9 for path in casts)
    frames = sum(ours(path) for path in casts)

    def median(work: Callable[[Path], object]) -> float:
        """The median of the repeats; slow work is timed once."""
        times = [cpu_s(lambda: [work(path) for path in casts])]
        times += [cpu_s(lambda: [work(path) for path in casts]) for _ in range(repeat - 1) if times[0] < SLOW_S]
        return statistics.median(times)

    drawn, peer, whole = median(ours), median(pyte_and_pillow), median(encoded)
    return {
        "casts": name, "recorded_s": seconds, "frames": frames, "frames_per_cpu_s": frames / drawn,
        "times_real_time": seconds / drawn, "times_pyte_pillow": peer / drawn,
        "encoded_times_real_time": seconds / whole,
        "cpu_s": {"drawn": drawn, "pyte_pillow": peer, "encoded": whole},
    }  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("casts", nargs="*", type=Path, metavar="CAST")
    parser.add_argument("--repeat", type=int, default=3, metavar="N")
    parser.add_argument("--no-big", action="store_true", help="leave out the cast of 100 MB")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    results = []
    with tempfile.TemporaryDirectory() as scratch:
        rng = random.Random(1)
        sets = {path.name: [path] for path in args.casts}
        if not sets:
            if SHARED.is_dir():
                sets["shared (21)"] = sorted(SHARED.glob("*.cast"))
            for make in (typing, build, full_screen):
                sets[make.__name__] = [make(Path(scratch) / f"{make.__name__}.cast", rng)]
        for name, casts in sets.items():
            results.append(measure(name, casts, args.repeat))
            if not args.json:
                print(_line(results[-1]), flush=True)
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    report = {"fps": FPS, "results": results, "peak_mb": used}
    if not args.no_big:
        report["big"] = streams_big()
    if args.json:
        print(json.dumps(report, indent=2))
        return 0
    print(f"peak memory: {used:.0f} MB, pyte and Pillow included")
    if not args.no_big:
        print("a cast of {file_mb:.0f} MB: {cpu_s:.1f} CPU s, peak {peak_mb:.0f} MB".format(**report["big"]))
    return 0


def _line(result: dict[str, Any]) -> str:
    return (
        f"{result['casts']:<14} {result['recorded_s']:6.1f} s, {result['frames']:5} frames: "
        f"{result['frames_per_cpu_s']:9,.0f} frames/s, {result['times_real_time']:7,.0f}x real time, "
        f"{result['times_pyte_pillow']:6,.0f}x pyte + Pillow; "
        f"encoded {result['encoded_times_real_time']:5,.0f}x real time"
    )


if __name__ == "__main__":
    sys.exit(main())
