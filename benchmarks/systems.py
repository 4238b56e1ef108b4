"""Everything that depends on the operating system, on each release that is supported: a table of release x part.

`make systems`, or `python benchmarks/systems.py [--releases bookworm,trixie] [--parts desktop,people] [--docs]`.
About a quarter of an hour a release on two cores. Both images of each are built on a base made by debootstrap.
--docs writes the table into docs/images.md. Exit status 1: a part failed on a release.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from manifests.task import builtin_tasks

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "images.md"
BEGIN, END = "<!-- make systems -->", "<!-- end of make systems -->"
HUMAN = "tests/e2e/test_human_e2e.py"
PROBE_S = 20
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
"""The Python of Debian 12, Ubuntu 24.04, Debian 13 and Ubuntu 26.04."""


@dataclass(frozen=True)
class Base:
    """One release with its images: what a part works on."""

    release: str
    tag: str
    system: str
    ca: str | None


@dataclass(frozen=True)
class Cell:
    """The result of a part on a release."""

    ok: bool
    text: str


def goaltrace(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "goaltrace", *map(str, arguments)], cwd=ROOT, capture_output=True, text=True, check=False
    )


def last_line(done: subprocess.CompletedProcess[str]) -> str:
    return ((done.stderr.strip() or done.stdout.strip()).splitlines() or ["it said nothing"])[-1][:200]


def check(base: Base, scratch: Path) -> Cell:
    """`images check`: every launcher and every tool."""
    done = goaltrace("images", "check", "--system", base.system, "--out", scratch / "check", "--json")
    if not done.stdout:
        return Cell(False, last_line(done))
    rows = [row for rows in json.loads(done.stdout).values() for row in rows]
    bad = [f"{row['name']}: {row['detail']}" for row in rows if not row["ok"]]
    return Cell(not bad, bad[0] if bad else f"{len(rows)} of {len(rows)}")


def episodes(base: Base, scratch: Path, tasks: list[str]) -> Cell:
    done = goaltrace("record", *tasks, "--system", base.system, "--workers", 2, "--out", scratch, "--json")
    if not done.stdout:
        return Cell(False, last_line(done))
    found = json.loads(done.stdout)["episodes"]
    bad = [f"{one['episode_id']}: {one['detail']}" for one in found if one["outcome"] != "success"]
    return Cell(not bad, bad[0][:200] if bad else f"{len(found)} of {len(tasks)}")


def desktop(base: Base, scratch: Path) -> Cell:
    """Every desktop task reaches its goal."""
    return episodes(base, scratch / "desktop", [name for name in builtin_tasks() if name.startswith("desktop-")])


def terminal(base: Base, scratch: Path) -> Cell:
    """A third of the terminal tasks; which one changes from day to day."""
    names = [name for name in builtin_tasks() if name.startswith("terminal-")]
    return episodes(base, scratch / "terminal", names[int(time.time() // 86400) % 3 :: 3])


def probe(base: Base, scratch: Path) -> Cell:
    """The recorder's own error: no frame contradicts the log."""
    done = goaltrace("probe", "--system", base.system, "--seconds", PROBE_S, "--json")
    if not done.stdout:
        return Cell(False, last_line(done))
    found = json.loads(done.stdout)
    frames, wrong = (sum(one[key] for one in found.values()) for key in ("frames", "contradictions"))
    bracket = max(one["bracket_ms"]["p95"] for one in found.values())
    return Cell(done.returncode == 0, f"{wrong} of {frames} frames, bracket p95 {bracket:.1f} ms")


def people(base: Base, scratch: Path) -> Cell:
    """A person recorded in the browser page, with a real Chromium on this host as their browser."""
    environment = {**os.environ, "GOALTRACE_SYSTEM": base.system, "CI": "true"}
    command = [sys.executable, "-m", "pytest", "-q", HUMAN]
    return pytest_cell(subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False))


def python(base: Base, scratch: Path) -> Cell:
    """The unit tests of what needs no PyTorch, with the release's own Python and packages, as on such a host."""
    clone = scratch / "clone"
    subprocess.run(["git", "clone", "-q", str(ROOT), str(clone)], check=True)
    diff = subprocess.run(["git", "diff", "HEAD"], cwd=ROOT, capture_output=True, check=True).stdout
    subprocess.run(["git", "apply", "--allow-empty"], cwd=clone, input=diff, check=True)
    script = (
        "set -e; useradd -m user; .ci/setup.sh packages; chown -R user . ; "
        "runuser -u user -- env EXTRAS=collect,curate,fonts .ci/setup.sh python; "
        "runuser -u user -- .venv/bin/python -m pytest -q -n 3 --dist loadfile tests --ignore=tests/e2e"
    )
    mounts = ["--volume", f"{clone}:/src", "--volume", f"{ROOT.parent / 'shared'}:/shared:ro"]
    settings = [f"--env={name}={os.environ[name]}" for name in ("PIP_INDEX_URL",) if name in os.environ]
    if base.ca:
        mounts += ["--volume", f"{base.ca}:/ca.pem:ro"]
        settings += ["--env=PIP_CERT=/ca.pem"]
    command = ["docker", "run", "--rm", "--init", "--shm-size=1g", *mounts, *settings, "--workdir=/src"]
    done = subprocess.run([*command, base.tag, "bash", "-c", script], capture_output=True, text=True, check=False)
    return pytest_cell(done)


def pytest_cell(done: subprocess.CompletedProcess[str]) -> Cell:
    found = re.search(r"^\W*(\d+ (?:passed|failed|skipped).*?) in [\d.]+s", done.stdout, re.M)
    failed = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    text = found[1] if found else last_line(done)
    return Cell(done.returncode == 0, f"{text}; {failed[0][:160]}" if failed else text)


def wheels() -> Cell:
    """Whether each package that the images pin has a wheel for the Python of every system, tried or not."""
    missing = []
    for python_version in PYTHONS:
        for kind in ("desktop", "terminal"):
            with tempfile.TemporaryDirectory(prefix="goaltrace-wheels-") as scratch:
                command = [
                    sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "--dest",
                    scratch, "--python-version", python_version, "--platform=manylinux_2_28_x86_64",
                    "--platform=manylinux2014_x86_64", "-r", f"docker/requirements-{kind}.txt",
                ]  # fmt: skip
                done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
            if done.returncode:
                missing.append(f"Python {python_version}: {last_line(done)}")
    return Cell(not missing, "; ".join(missing) or f"all, for Python {', '.join(PYTHONS)} on x86-64")


PARTS: dict[str, tuple[str, Callable[[Base, Path], Cell]]] = {
    "check": ("`images check`", check),
    "desktop": ("desktop tasks", desktop),
    "terminal": ("terminal tasks (a third)", terminal),
    "probe": ("`probe`: contradictions", probe),
    "people": ("a person in the browser (tests)", people),
    "python": ("unit tests, its own Python, no PyTorch", python),
}


def build(release: str, ca: str | None) -> tuple[Base, str]:
    """Both images on a base of `release`; the base and the versions that it holds."""
    command = ["images", "build", "--base", "bootstrap", "--release", release, "--json"]
    done = goaltrace(*command, *(["--ca-cert", ca] if ca else []))
    if done.returncode:
        raise SystemExit(f"{release}: {last_line(done)}")
    made = json.loads(done.stdout)[0]
    rows = goaltrace("images", "list", "--json")
    size = {entry["tag"]: entry["size_bytes"] for entry in json.loads(rows.stdout)}
    megabytes = f"{size[made['tags'][-1]] / 1e6:,.0f} MB"
    return Base(release, made["base"], made["system"], ca), megabytes


def versions(system: str) -> str:
    from collector.containers.engine import connect
    from collector.containers.system import system_of

    found = system_of(connect(), "desktop", f"goaltrace/desktop:{system}").versions
    found |= system_of(connect(), "terminal", f"goaltrace/terminal:{system}").versions
    return ", ".join(f"{name} {version}" for name, version in found.items())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--releases", default="bookworm,trixie", metavar="A,B")
    parser.add_argument("--parts", default=",".join(PARTS), metavar="A,B", help="of: " + ", ".join(PARTS))
    parser.add_argument("--docs", action="store_true", help="write the table into docs/images.md")
    args = parser.parse_args()
    ca = next((os.environ[name] for name in ("PIP_CERT", "SSL_CERT_FILE") if os.environ.get(name)), None)
    table: dict[str, dict[str, Cell]] = {}
    notes = []
    for release in args.releases.split(","):
        base, size = build(release, ca)
        cells = table[base.system] = {"both images built": Cell(True, f"desktop {size}")}
        notes.append(f"- {base.system}: {versions(base.system)}")
        for name in args.parts.split(","):
            title, part = PARTS[name]
            began = time.monotonic()
            with tempfile.TemporaryDirectory(prefix="goaltrace-systems-", dir="/var/tmp") as scratch:
                cell = cells[title] = part(base, Path(scratch))
            verdict = "ok" if cell.ok else "FAILED"
            print(f"{base.system:<14}{title:<40}{verdict:<8}{time.monotonic() - began:6.0f} s  {cell.text}", flush=True)
    lines = ["| | " + " | ".join(table) + " |", "|---" * (len(table) + 1) + "|"]
    for title in next(iter(table.values())):
        row = (cells[title] for cells in table.values())
        lines.append(f"| {title} | " + " | ".join(f"{'✓' if cell.ok else '✗'} {cell.text}" for cell in row) + " |")
    pinned = wheels()
    lines += ["", f"{'✓' if pinned.ok else '✗'} Wheels of what the images pin: {pinned.text}."]
    text = "\n".join([*lines, "", f"Versions seen on {time.strftime('%Y-%m-%d')}:", "", *notes])
    print(f"\n{text}")
    if args.docs:
        page = PAGE.read_text(encoding="utf-8")
        before, rest = page.split(BEGIN)
        PAGE.write_text(f"{before}{BEGIN}\n{text}\n{END}{rest.split(END)[1]}", encoding="utf-8")
    return 0 if pinned.ok and all(cell.ok for cells in table.values() for cell in cells.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
