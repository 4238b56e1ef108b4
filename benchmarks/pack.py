"""How fast packing is, beside ffmpeg cutting the same sessions in the same run: by copy, and by encoding again.

    python benchmarks/pack.py demo/sessions [--json]

Figures are recorded seconds per CPU-second (user and system, children included); compare the ratios. The fixed cost of
a run (imports, first use) is measured by packing one session beforehand, and shown beside.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from collector.packing.pack import pack
from collector.packing.recorded_session import why_left_out
from manifests.session import SessionFolder, find_sessions


def cpu_s() -> float:
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in usage)


def measure(work: Callable[[], object]) -> dict[str, float]:
    wall, cpu = time.monotonic(), cpu_s()
    work()
    return {"wall_s": time.monotonic() - wall, "cpu_s": cpu_s() - cpu}


def cut_with_ffmpeg(sessions: list[SessionFolder], out: Path, codec: list[str]) -> None:
    for number, session in enumerate(sessions):
        command = ["ffmpeg", "-v", "error", "-i", str(session.screen), *codec, "-f", "segment", "-segment_time", "5"]
        subprocess.run([*command, str(out / f"{number}-%03d.mp4")], check=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sessions", type=Path, nargs="+")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    sessions = [session for session in find_sessions(args.sessions) if why_left_out(session) is None]
    recorded = sum(session.read_manifest().duration_ns for session in sessions) / 1e9
    encode = ["-c:v", "libx264", "-preset", "veryfast", "-crf", "18", "-pix_fmt", "yuv444p"]
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        for name in ("copy", "encode"):
            (root / name).mkdir()
        first = measure(lambda: pack(sessions[:1], out=root / "first"))
        again = measure(lambda: pack(sessions[:1], out=root / "again"))
        start_up = first["cpu_s"] - again["cpu_s"]
        results = {
            "goaltrace pack": measure(lambda: pack(sessions, out=root / "set")),
            "ffmpeg -c copy": measure(lambda: cut_with_ffmpeg(sessions, root / "copy", ["-c", "copy"])),
            "ffmpeg libx264": measure(lambda: cut_with_ffmpeg(sessions, root / "encode", encode)),
        }
    for result in results.values():
        result["recorded_s_per_cpu_s"] = recorded / result["cpu_s"]
    if args.json:
        figures = {"sessions": len(sessions), "recorded_s": recorded, "start_up_cpu_s": start_up, "results": results}
        print(json.dumps(figures, indent=2))
        return
    print(f"{len(sessions)} sessions, {recorded:.0f} s recorded; pack's start-up {start_up:.2f} CPU-s, once a run")
    own = results["goaltrace pack"]["recorded_s_per_cpu_s"]
    for name, result in results.items():
        rate = result["recorded_s_per_cpu_s"]
        print(f"{name:<16} {rate:8.0f} x real time a core   (pack is {own / rate:.2f} x this)")


if __name__ == "__main__":
    main()
