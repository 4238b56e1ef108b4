"""What detecting secrets costs: CPU seconds per MB of casts, as `goaltrace import cast` does it before it draws.

    python benchmarks/secret_detector.py [CAST...] [--megabytes 5] [--json]

Without CASTs: those of ../shared/data/casts, and three of --megabytes made here: a build's log; a screen rearranged all
the time; the same with secrets on it, whose places are then searched for. Imports are not counted.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from collector.importers.cast.mask import mask
from collector.terminal.cast import CastEvent, open_cast, write_cast
from manifests.errors import GoaltraceError

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data" / "casts"
COLUMNS, ROWS = 100, 30
WORDS = (
    "alpha beta build test source main error warning compile link done path file line value result index module".split()
)


def words(chance: random.Random, count: int) -> str:
    return " ".join(chance.choices(WORDS, k=count))


def log(chance: random.Random) -> Iterator[str]:
    """A build's output, a few lines an event."""
    while True:
        lines = range(chance.randint(1, 8))
        yield "".join(f"[{chance.randrange(9999):5d}] {words(chance, 8)} {chance.randrange(10**6)}\r\n" for _ in lines)


def rearranged(chance: random.Random) -> Iterator[str]:
    """A full-screen program that draws words here and there, and at times everything."""
    yield "\x1b[?1049h\x1b[2J"
    while True:
        if chance.random() < 0.1:
            rows = range(1, ROWS + 1)
            yield "\x1b[H" + "".join(f"\x1b[{y};1H\x1b[3{y % 8}m{words(chance, 8)}\x1b[K" for y in rows)
        else:
            yield "".join(
                f"\x1b[{chance.randint(1, ROWS)};{chance.randint(1, 60)}H\x1b[1m{words(chance, 2)}\x1b[0m\x1b[K"
                for _ in range(chance.randint(1, 3))
            )


def with_secrets(chance: random.Random) -> Iterator[str]:
    """The same, with a token that is drawn in two parts and a prompt of somebody on a machine."""
    token = "ghp_" + "".join(chance.choices("abcXYZ0189", k=36))
    for number, data in enumerate(rearranged(chance)):
        if number % 50 == 7:
            data += f"\x1b[5;1H\x1b[Ktoken: \x1b[5;30H{token[20:]} \x1b[5;10H{token[:20]}"
        if number % 50 == 30:
            data = f"\x1b]7;file://nine-7/home/quilzan/w\x07{data}\x1b[{ROWS};1H\x1b[Kquilzan@nine-7:~/w$ "
        yield data


def made(folder: Path, size: int) -> list[Path]:
    paths = []
    for make in (log, rearranged, with_secrets):
        path = folder / f"{make.__name__}.cast"
        events, total = list[CastEvent](), 0
        for data in make(random.Random(3)):
            events.append(CastEvent(len(events) * 10**7, "o", data))
            total += len(json.dumps(data))
            if total >= size:
                break
        write_cast(path, {"version": 3, "term": {"cols": COLUMNS, "rows": ROWS}}, events)
        paths.append(path)
    return paths


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("casts", nargs="*", type=Path)
    parser.add_argument("--megabytes", type=float, default=5.0)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        paths = args.casts or [*sorted(SHARED.glob("*.cast")), *made(folder, int(args.megabytes * 10**6))]
        copy = folder / "copy"
        write_cast(
            copy, {"version": 3, "term": {"cols": 9, "rows": 2}}, [CastEvent(0, "o", "\x1b[Hghp_A1b2C3d4E5f6G7h8")]
        )
        mask(copy)  # everything is loaded
        for path in paths:
            shutil.copyfile(path, copy)
            try:
                cast = open_cast(path)
                write_cast(copy, {"version": 3, "term": {"cols": cast.columns, "rows": cast.rows}}, cast.events())
                began = time.process_time()
                found = sum(mask(copy).values())
            except GoaltraceError as error:
                print(f"{path.name}: {error}", file=sys.stderr)
                continue
            seconds, size = time.process_time() - began, path.stat().st_size / 10**6
            rows.append({"cast": path.name, "mb": size, "cpu_s": seconds, "cpu_s_a_mb": seconds / size, "found": found})
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    if args.json:
        print(json.dumps({"casts": rows, "peak_mib": peak}, indent=2))
        return
    small = [row for row in rows if row["mb"] < 0.1]
    for row in [row for row in rows if row not in small]:
        cost = f"{row['cpu_s']:7.2f} s {row['cpu_s_a_mb']:6.2f} CPU-s a MB"
        print(f"{row['cast']:24} {row['mb']:6.2f} MB {cost}, {row['found']} found")
    if small:
        each = 1000 * sum(row["cpu_s"] for row in small) / len(small)
        print(f"{len(small)} casts under 0.1 MB: {each:.1f} ms each")
    print(f"peak {peak:.0f} MiB")


if __name__ == "__main__":
    main()
