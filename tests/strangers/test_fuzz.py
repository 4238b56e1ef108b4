"""Hundreds of spoiled files (`make whole`: a thousand), each through the commands that read its kind: none ends in a
stack trace, none hangs, and nothing is written but where it was asked for. Seeded anew each day; it prints its figures
and its seed, so that what fails once can be made to fail again."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import pyarrow as pa
import pytest

from curation.scan.clips import clips_of
from curation.scan.mask import mask
from curation.scan.session import ScanOptions
from curation.scan.stage import sessions_of, stage
from curation.scores.shard import measure_rows, score_table
from curation.stage import clips_shards
from manifests.dataset import DatasetFolder
from manifests.errors import GoaltraceError
from tests.collector.session_folders import make_session
from tests.depth import TURN, WHOLE
from tests.factories import named_anew
from tests.strangers.files import changed_json, make_clips, make_run, make_terminal, run, with_clip
from tests.strangers.mutate import Spoiler
from tests.waiting import PATIENCE_S

SEED = os.environ.get("GOALTRACE_FUZZ_SEED", f"strangers {TURN}")
EACH = int(os.environ.get("GOALTRACE_FUZZ_EACH", "120" if WHOLE else "40"))
"""Spoiled files of each kind."""
BATCH = 10
LIMIT_S = PATIENCE_S
"""Of one command over one batch; more is a hang."""
UNFORESEEN = "not for a reason that was foreseen"
NUMERIC = ("fps", "width", "height", "t0_ns", "t1_ns", "pts", "picture", "duration_ns", "cursor_x", "changed", "seed")
KINDS = ("cast", "tape", "session", "manifest", "clip", "dataset", "run", "yaml", "video")


class Hang(BaseException):
    """A command took too long."""


@contextlib.contextmanager
def limit(seconds: int) -> Iterator[None]:
    def late(*_: object) -> None:
        raise Hang

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


class Fuzz:
    """Runs commands and keeps count of what went wrong."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.files: Counter[str] = Counter()
        self.wrong: list[str] = []
        self.kept = root / "inputs"
        self.out = root / "out"

    def command(self, *arguments: object) -> None:
        """One command; a trace, a hang or something unforeseen is wrong."""
        said = io.StringIO()
        name = " ".join(map(str, arguments))[:160]
        try:
            with limit(LIMIT_S), contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
                run(*arguments)
        except Hang:
            self.wrong.append(f"hang: {name}")
        except SystemExit as error:
            self.wrong.append(f"exit {error.code}: {name}: {said.getvalue()[-300:]}")
        except BaseException as error:
            self.wrong.append(f"trace: {name}: {type(error).__name__}: {error}")
        text = said.getvalue()
        if "Traceback" in text or UNFORESEEN in text:
            lines = [line for line in text.splitlines() if "Traceback" in line or UNFORESEEN in line]
            self.wrong.append(f"unforeseen: {name}: {lines[0][:600]}")
        if any((c < " " and c not in "\n\t\r") or "\x7f" <= c < "\xa0" for c in text):
            self.wrong.append(f"control characters: {name}")

    def fresh(self, folder: Path) -> Path:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder


def state(root: Path) -> dict[str, tuple[int, int]]:
    """Everything below a folder, by name: sizes and times."""
    found = {}
    for path in sorted(root.rglob("*")):
        status = path.lstat()
        found[str(path.relative_to(root))] = (0, 0) if path.is_dir() else (status.st_size, status.st_mtime_ns)
    return found


def casts(fuzz: Fuzz, base: Path, spoiler: Spoiler, batch: Path, count: int) -> None:
    for number in range(count):
        (batch / f"{number}.cast").write_bytes(spoiler.lines((base / "cast").read_text()))
    fuzz.command("import", "cast", batch, "--out", fuzz.out / "casts", "--workers", 1)


def tapes(fuzz: Fuzz, base: Path, spoiler: Spoiler, batch: Path, count: int) -> None:
    for number in range(count):
        (batch / f"{number}.tape").write_bytes(spoiler.text((base / "tape").read_text()))
    fuzz.command("import", "tape", batch, "--out", fuzz.out / "tapes", "--dry-run")


def _sessions(fuzz: Fuzz, batch: Path) -> None:
    before = state(batch)
    fuzz.command("pack", batch, "--out", fuzz.out / f"set-{fuzz.files.total()}")
    fuzz.command("sessions", "check", batch)
    if state(batch) != before:
        fuzz.wrong.append(f"changed: {batch}")
    fuzz.command("sessions", "recover", batch, "--dry-run")
    fuzz.command("view", next(batch.iterdir()), "--out", fuzz.out / f"view-{fuzz.files.total()}.html")


def _copy(session: Path, to: Path) -> None:
    """A session with an id of its own."""
    shutil.copytree(session, to)
    changed_json(to / "session.json", lambda document: document.update(session_id=f"s{to.name}"))


def sessions(fuzz: Fuzz, base: Path, spoiler: Spoiler, batch: Path, count: int) -> None:
    """Logs of desktop and terminal sessions."""
    for number in range(count):
        kind = spoiler.rng.choice(["desktop", "terminal"])
        _copy(base / kind, batch / str(number))
        logs = [path for path in sorted((batch / str(number)).iterdir()) if path.suffix in (".jsonl", ".cast")]
        log = spoiler.rng.choice([path for path in logs if path.stat().st_size])
        log.write_bytes(spoiler.lines(log.read_text()))
    _sessions(fuzz, batch)


def manifests(fuzz: Fuzz, base: Path, spoiler: Spoiler, batch: Path, count: int) -> None:
    """Their session.json; terminals are drawn again too."""
    for number in range(count):
        _copy(base / spoiler.rng.choice(["desktop", "terminal"]), batch / str(number))
        document = batch / str(number) / "session.json"
        document.write_bytes(spoiler.json(document.read_text()))
    _sessions(fuzz, batch)
    fuzz.command("render", batch)


def videos(fuzz: Fuzz, base: Path, spoiler: Spoiler, batch: Path, count: int) -> None:
    for number in range(count):
        _copy(base / "desktop", batch / str(number))
        screen = batch / str(number) / "screen.mkv"
        screen.write_bytes(spoiler.bytes(screen.read_bytes()))
    _sessions(fuzz, batch)
    fuzz.command("sessions", "check", "--decode", batch)


def _dataset(fuzz: Fuzz, dataset: Path, page: bool) -> None:
    fuzz.command("select", dataset, "--where", "fps > 0", "--dry-run")
    fuzz.command("report", dataset, *(["--out", fuzz.out / "page.html"] if page else ["--table"]))
    fuzz.command("select", dataset, "--where", "true", "--out", fuzz.out / f"kept-{fuzz.files.total()}")


def _scored(dataset: Path) -> None:
    score_table(measure_rows(dataset / "clips" / "clips-00000.parquet", 0))


def _scanned(dataset: Path) -> None:
    """Without the pool of processes that `goaltrace scan` starts."""
    scan = stage(ScanOptions())
    for source in clips_shards(DatasetFolder(dataset).read_manifest()):
        scan.table([seen for piece in scan.split(dataset, source) for seen in scan.measure(dataset, source, piece)])
    for clip_ids in sessions_of(dataset).values():
        mask(clips_of(dataset, clip_ids), ScanOptions())


def clips(fuzz: Fuzz, base: Path, spoiler: Spoiler, batch: Path, count: int) -> None:
    """One clip of a data set changed beyond every rule, or the shard's bytes; what names it agrees with it."""
    for number in range(count):
        dataset = batch / str(number)
        shutil.copytree(base / "set", dataset)
        shard = dataset / spoiler.rng.choice(["clips/clips-00000.parquet", "events/events-00000.parquet"])
        if spoiler.rng.random() < 0.3:
            shard.write_bytes(spoiler.bytes(shard.read_bytes()))
            with contextlib.suppress(pa.ArrowException, OSError, ValueError, MemoryError):
                named_anew(dataset)
        else:
            _changed_clip(spoiler, dataset)
        _dataset(fuzz, dataset, page=number % 2 == 0)
        for look in (_scored, _scanned):
            try:
                with limit(LIMIT_S):
                    look(dataset)
            except GoaltraceError as error:
                if UNFORESEEN in str(error):
                    fuzz.wrong.append(f"unforeseen: {look.__name__}: {error}")
            except BaseException as error:
                fuzz.wrong.append(f"trace: {look.__name__}: {type(error).__name__}: {error}")
        shutil.rmtree(dataset)


def _changed_clip(spoiler: Spoiler, dataset: Path) -> None:
    """Change one or two columns of a clip to what Arrow still can hold."""
    names = spoiler.rng.sample(
        ["fps", "width", "height", "t0_ns", "t1_ns", "pts", "picture", "actions", "goal", "arm", "kind", "clip_id",
         "session_id", "duration_ns", "video", "cursor_x", "changed", "frame_redacted", "seed", "outcome", "family"], 2,
    )  # fmt: skip
    values = {name: spoiler.value(1 if name in NUMERIC else "") for name in names}

    def change(row: dict[str, object]) -> None:
        for name in names:
            old = row.get(name)
            if name == "actions" and old:
                action = spoiler.rng.choice(old)  # type: ignore[call-overload]
                action.update(spoiler.document(dict(action)))
            elif name == "video" and "video" in row:
                row[name] = {"bytes": spoiler.bytes(row[name]["bytes"]), "path": None}  # type: ignore[index]
            elif isinstance(old, list) and old:
                place = spoiler.rng.randrange(len(old))
                row[name] = [*old[:place], *([values[name]] if spoiler.rng.random() < 0.5 else []), *old[place + 1 :]]
            elif name in row:
                row[name] = values[name]

    try:
        with_clip(dataset, spoiler.rng.randrange(2), change)
    except (pa.ArrowException, OverflowError, TypeError, ValueError):  # Arrow itself does not take it
        document = dataset / "dataset.json"
        document.write_bytes(spoiler.json(document.read_text()))


def datasets(fuzz: Fuzz, base: Path, spoiler: Spoiler, batch: Path, count: int) -> None:
    for number in range(count):
        dataset = batch / str(number)
        shutil.copytree(base / "set", dataset)
        document = dataset / "dataset.json"
        document.write_bytes(spoiler.json(document.read_text()))
        _dataset(fuzz, dataset, page=False)
        shutil.rmtree(dataset)


def runs(fuzz: Fuzz, base: Path, spoiler: Spoiler, batch: Path, count: int) -> None:
    """A run's settings and its evaluation."""
    for number in range(count):
        one = batch / str(number)
        shutil.copytree(base / "run", one)
        document = one / spoiler.rng.choice(["config.json", "evaluation.json"])
        document.write_bytes(spoiler.json(document.read_text()))
        fuzz.command("compare", base / "run", one, "--out", fuzz.out / f"compare-{fuzz.files.total()}-{number}.html")
        if find_spec("torch"):
            out = fuzz.out / f"rollout-{fuzz.files.total()}-{number}"
            fuzz.command("rollout", one, "--device", "cpu", "--out", out)


def yamls(fuzz: Fuzz, base: Path, spoiler: Spoiler, batch: Path, count: int) -> None:
    for number in range(count):
        task = batch / f"{number}.yaml"
        task.write_bytes(spoiler.text((base / "task").read_text()))
        fuzz.command("tasks", task)


READERS: dict[str, Callable[[Fuzz, Path, Spoiler, Path, int], None]] = dict(
    zip(KINDS, (casts, tapes, sessions, manifests, clips, datasets, runs, yamls, videos), strict=True)
)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One whole file of each kind."""
    root = tmp_path_factory.mktemp("base")
    make_session(root / "desktop", frames=20)
    make_terminal(
        root / "terminal", [[0.1, "o", "$ ls\r\n"], [0.2, "i", "l"], [0.1, "r", "22x6"], [0.3, "o", "a b\x1b[1mc"]]
    )
    make_clips(root / "set", 2)
    make_run(root / "run", root / "set")
    header = {"version": 2, "width": 20, "height": 5, "title": "x", "env": {"TERM": "xterm"}, "idle_time_limit": 1.5}
    events = [
        [0.1, "o", "$ "],
        [0.4, "i", "l"],
        [0.5, "o", "l\r\n\x1b[1mä\x1b[0m"],
        [0.9, "r", "30x6"],
        [1.0, "m", "x"],
        [1.2, "x", "0"],
    ]
    (root / "cast").write_text("\n".join(map(json.dumps, [header, *events])) + "\n")
    (root / "tape").write_text(
        'Output demo.gif\nSet FontSize 20\nSet Width 800\nSet TypingSpeed 50ms\nType "echo hi"\nEnter\nSleep 500ms\n'
        'Ctrl+C\nType@10ms `ls`\nWait /\\$/\nScreenshot a.png\nHide\nEnv A "b"\nShow\nUp 2\n'
    )
    tasks = Path(__file__).parents[2] / "manifests" / "tasks"
    (root / "task").write_text(next(iter(sorted(tasks.glob("desktop/*.yaml")))).read_text())
    return root


@pytest.mark.needs("torch")
def test_spoiled_files_end_in_no_trace_no_hang_and_nothing_outside(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, variable in (("home", "HOME"), ("cwd", ""), ("cache", "GOALTRACE_CACHE"), ("tmp", "TMPDIR")):
        (tmp_path / name).mkdir()
        if variable:
            monkeypatch.setenv(variable, str(tmp_path / name))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    monkeypatch.chdir(tmp_path / "cwd")
    monkeypatch.delenv("GOALTRACE_DEBUG", raising=False)
    (tmp_path / "out").mkdir()
    fuzz, before, began, times = Fuzz(tmp_path), state(base), time.monotonic(), Counter[str]()
    for kind, reader in READERS.items():
        spoiler, start = Spoiler(f"{SEED} {kind}"), time.monotonic()
        for _ in range(0, EACH, BATCH):
            batch = fuzz.fresh(fuzz.kept / kind)
            reader(fuzz, base, spoiler, batch, BATCH)
            fuzz.files[kind] += BATCH
            shutil.rmtree(batch)
        times[kind] = time.monotonic() - start
    seconds = time.monotonic() - began
    outside = [name for name in ("home", "cwd", "tmp") if state(tmp_path / name)]
    strays = sorted(path.name for path in tmp_path.iterdir() if path.name not in
                    ("home", "cwd", "cache", "tmp", "out", "inputs"))  # fmt: skip
    each = ", ".join(f"{fuzz.files[kind]} {kind} {times[kind]:.1f} s" for kind in KINDS)
    with capsys.disabled():
        print(f"\nfuzz, seed {SEED!r}: {fuzz.files.total()} spoiled files in {seconds:.0f} s ({each}); "
              f"{len(fuzz.wrong)} wrong, outside: {outside + strays or 'nothing'}")  # fmt: skip
    assert not fuzz.wrong, "\n".join(fuzz.wrong)
    assert not outside and not strays and state(base) == before
    assert fuzz.files.total() >= len(KINDS) * EACH
