"""Forget is whole: all that the commands make of a person's sessions is built, forgotten, and looked through."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import goaltrace
from collector.sessions.forget import forget, plan_forget, remove
from collector.sessions.recover import recover_session
from curation.publish.card import make_card
from manifests.clip_io import ClipReader
from manifests.consent import Consent
from manifests.dataset import DatasetFolder
from manifests.files import write_json
from manifests.provenance import NAME, read_provenance
from manifests.session import SessionFolder
from tests.collector.session_folders import make_session
from tests.places import everything_in
from tests.short_task import write_short_task
from tests.trainer.runs import SETTINGS
from trainer.checkpoint import RunInfo
from trainer.data.source import open_dataset
from trainer.play.film import PlayFilm, png, save_film

pytestmark = pytest.mark.needs("ffmpeg", "bash")
ANNA, BERT = "p-11111111", "p-22222222"
SPLIT = [*SETTINGS, "--set", "data.held_out=0.4"]
"""Two of hers are trained on, one is held out."""
TINTS = {"anna": 230, "bert": 20}
"""So that their videos differ."""
SAID = "zq7-a-goal-of-hers"


def goal(*words: object) -> None:
    assert goaltrace.main([str(word) for word in words]) == 0, words


def give_to(folder: SessionFolder, consent_id: str) -> None:
    """A session as if this person had been recorded."""
    consent = Consent(consent_id=consent_id, text_version="1", text_sha256="0", given_at="2026-01-01T00:00:00Z",
                      given_in="page")  # fmt: skip
    changes: dict[str, Any] = {"actor": f"human:{consent_id}", "consent_id": consent_id, "arm": "human"}
    if consent_id == ANNA:
        changes["goal"] = SAID
    folder.write_manifest(folder.read_manifest().model_copy(update=changes))
    write_json(folder.consent_path, consent)


def record(root: Path) -> list[str]:
    for number in range(3):
        for person, name in ((ANNA, "anna"), (BERT, "bert")):
            folder = make_session(root / "sessions" / f"{name}-the-person-session-{number}", 60, tint=TINTS[name])
            folder.intents_path.unlink()
            give_to(folder, person)
    goal("record", write_short_task(root), "--env", "local", "--out", root / "terminals", "--min-free", 0)
    (terminal,) = (root / "terminals").iterdir()
    give_to(SessionFolder(terminal), ANNA)
    return ["sessions/anna-the-person-session-0", f"terminals/{terminal.name}"]


def import_(root: Path) -> list[str]:
    lines = [
        json.dumps({"version": 2, "width": 40, "height": 8}),
        *(f'[{n / 4}, "o", "zq {n}\\r\\n"]' for n in range(40)),
    ]
    (root / "theirs.cast").write_text("\n".join(lines) + "\n")
    goal("import", "cast", root / "theirs.cast", "--out", root / "imported")
    (root / "theirs.cast").unlink()
    (session,) = (path for path in (root / "imported").iterdir() if path.is_dir() and path.name != "quarantine")
    give_to(SessionFolder(session), ANNA)
    return [f"imported/{session.name}"]


def sessions(root: Path) -> list[str]:
    """`recover` puts what was broken aside, in the session."""
    folder = SessionFolder(Path(shutil.copytree(root / "sessions/anna-the-person-session-0", root / "broken")))
    folder.write_manifest(
        folder.read_manifest().model_copy(update={"state": "recording", "session_id": "anna-broken-session"})
    )
    with folder.frames_path.open("a") as out:
        out.write('{"index": 60, "t0_')
    for path in folder.path.iterdir():
        os.utime(path, (1, 1))
    recover_session(folder, keep=True)
    return ["broken"]


def export(root: Path) -> list[str]:
    (terminal,) = (root / "terminals").iterdir()
    for version in ("v2", "v3"):
        goal("export", "cast", terminal, "--out", root / f"{version}.cast", "--format", version)
    return ["v2.cast", "v3.cast"]


def view(root: Path) -> list[str]:
    goal("view", root / "sessions/anna-the-person-session-0", "--out", root / "looked.html")
    return ["looked.html"]


def render(root: Path) -> list[str]:
    goal("render", root / "terminals", "--theme", "nord")
    return []


def pack(root: Path) -> list[str]:
    goal("pack", root / "sessions", "--out", root / "set", "--clip-seconds", 2)
    goal("pack", root / "terminals", root / "imported", root / "broken", "--out", root / "hers")
    return []


def score(root: Path) -> list[str]:
    goal("score", root / "set", "--workers", 1)
    return []


def scan(root: Path) -> list[str]:
    """A table; with --mask a data set that is made as select makes one."""
    assert goaltrace.main(["scan", str(root / "set"), "--workers", "1"]) in (0, 1)
    return []


def select(root: Path) -> list[str]:
    goal("select", root / "set", "--where", "width > 0", "--out", root / "selected")
    return []


def merge(root: Path) -> list[str]:
    goal("merge", root / "set", root / "selected", root / "hers", "--out", root / "merged")
    return []


def report(root: Path) -> list[str]:
    goal("report", root / "set")
    goal("report", root / "set", "--out", root / "pages.html")
    return ["set/report.html", "pages.html"]


def publish(root: Path) -> list[str]:
    """Publishing writes the card beside the data set; what was sent is beyond this machine."""
    (root / "set" / "README.md").write_text(make_card(root / "set", "team/clips", None))
    return ["set/README.md"]


def train(root: Path) -> list[str]:
    goal("train", root / "set", "--out", root / "run", "--logger", "none", *SPLIT)
    goal("train", root / "set", "--out", root / "run2", "--logger", "none", *SPLIT, "--seed", 1)
    goal("train", root / "set", "--out", root / "run2", "--logger", "none", "--resume", "--steps", 6)
    return []


def encode(root: Path) -> list[str]:
    goal("encode", root / "set", "--out", root / "latents", "--run", root / "run")
    return []


def evaluate(root: Path) -> list[str]:
    for run in ("run", "run2"):
        goal("evaluate", root / run, "--clips", 6, "--frames", 3)
    return ["run/evaluation.json", "run/evaluation.html"]


def compare(root: Path) -> list[str]:
    goal("compare", root / "run", root / "run2", "--out", root / "compared.html")
    return ["compared.html"]


def rollout(root: Path) -> list[str]:
    (clip, *_) = [
        row["clip_id"] for row in ClipReader(root / "set").iter_clips() if row["session_id"].startswith("anna")
    ]
    goal("rollout", root / "run", "--clip", clip, "--frames", 3)
    goal("rollout", root / "run", "--clip", clip, "--frames", 3, "--out", root / "shown.gif")
    ends = (".gif", ".mp4", ".png", f".{NAME}")
    return [*(f"run/rollout-{clip}{end}" for end in ends), *(f"shown{end}" for end in ends)]


def play(root: Path) -> list[str]:
    """As the page's Save does."""
    film = PlayFilm()
    film.add(png(np.full((48, 64, 3), 77, np.uint8)), [{"frame": 0, "kind": "key"}])
    about = {"clip": "anna-the-person-session-0-0000", "goal": SAID}
    save_film(film, root / "run" / "played" / "at-once", 5.0, about, "anna-the-person-session-0")
    return ["run/played/at-once"]


def nothing(root: Path) -> list[str]:
    return []


MAKES: dict[str, Callable[[Path], list[str]]] = {
    "images": nothing,  # images of containers, with nothing of a session
    "tasks": nothing,  # prints
    "probe": nothing,  # an agent's own sessions, as record makes them
    "record": record, "import": import_, "sessions": sessions, "render": render, "export": export, "view": view,
    "pack": pack, "score": score, "scan": scan, "select": select, "merge": merge, "report": report, "publish": publish,
    "train": train, "encode": encode, "evaluate": evaluate, "compare": compare, "rollout": rollout, "play": play,
}  # fmt: skip
"""What each command makes of a person's sessions; it returns what must be gone afterwards. In the order of making."""


def test_every_command_is_here() -> None:
    assert set(MAKES) == set(goaltrace.COMMANDS), "what does the new command make of a session? add it to MAKES"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str], list[bytes]]:
    """All of it; what must be gone, and what must be in no file any more."""
    root = tmp_path_factory.mktemp("whole")
    gone = [name for make in MAKES.values() for name in make(root)]
    words = [ANNA.encode(), SAID.encode(), b"anna-"]
    hers = [root / "sessions" / f"anna-the-person-session-{n}" for n in range(3)]
    words += [SessionFolder(path).read_manifest().session_id.encode() for path in [*hers, root / "broken"]]
    words += [SessionFolder(root / name).read_manifest().session_id.encode() for name in gone if name[0] in "ti"]
    for dataset in ("set", "hers"):
        for row in ClipReader(root / dataset).iter_clips():
            if row["actor"] == f"human:{ANNA}":
                video = row["video"]["bytes"]
                words.append(video[len(video) // 2 :][:48])
    return root, gone, words


@pytest.fixture
def root(made: tuple[Path, list[str], list[bytes]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy, to be changed, and a cache of this user's that holds a fetched copy as well."""
    copy = Path(shutil.copytree(made[0], tmp_path / "whole"))
    monkeypatch.setenv("GOALTRACE_CACHE", str(tmp_path / "cache"))
    reader = open_dataset((copy / "set").as_uri())
    assert sum(1 for _ in reader.iter_clips())
    return copy


def require_gone(root: Path, made: tuple[Path, list[str], list[bytes]]) -> None:
    _, gone, words = made
    for name in gone:
        assert not (root / name).exists(), name
    for place in (root, root.parent / "cache"):
        for name, content in everything_in(place).items():
            for word in words:
                assert word not in content, (name, word)


def test_nothing_of_the_person_is_in_any_file(root: Path, made: tuple[Path, list[str], list[bytes]]) -> None:
    everything = b"".join(everything_in(root).values())
    assert all(word in everything for word in made[2]) and all((root / name).exists() for name in made[1])
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    plan = forget(ANNA, [root], dry_run=True)
    assert {path: path.read_bytes() for path in root.rglob("*") if path.is_file()} == before
    plan = forget(ANNA, [root])
    assert not plan.unread
    require_gone(root, made)
    left = {row["session_id"] for row in ClipReader(root / "set").iter_clips()}
    assert left == {f"bert-the-person-session-{n}" for n in range(3)}, "nothing of anyone else goes"
    reported = "\n".join(plan.lines("removed"))
    for run in ("run", "run2"):
        assert f"not reached: {root / run}: was trained on them" in reported
    assert f"not reached: team/clips on the Hub, where {root / 'set'} was published" in reported
    assert f"not reached: {root / 'latents' / 'codec.pt'}" in reported
    assert (root / "run" / "codec.pt").is_file() and read_provenance(root / "run" / NAME).forgotten


def test_a_second_run_removes_nothing_and_still_names_the_models(root: Path) -> None:
    forget(ANNA, [root])
    after = everything_in(root)
    plan = forget(ANNA, [root])
    assert not plan and everything_in(root) == after
    assert any(str(root / "run") in line for line in plan.remaining())
    plan = forget(ANNA, [root], models=True)
    assert plan and not (root / "run").exists() and not (root / "run2").exists() and not (root / "latents").exists()
    assert not forget(ANNA, [root], models=True).remaining()


def test_with_models_the_runs_go_as_well(root: Path, made: tuple[Path, list[str], list[bytes]]) -> None:
    forget(ANNA, [root], models=True)
    require_gone(root, made)
    assert not [name for name in ("run", "run2", "latents") if (root / name).exists()]


def test_latents_that_are_left_can_still_be_trained_on(root: Path) -> None:
    forget(ANNA, [root])
    settings = [*SETTINGS, "--set", f"data.latents={root / 'latents'}", "--set", "data.crop_width=0",
                "--set", "data.crop_height=0"]  # fmt: skip
    goal("train", root / "set", "--out", root / "again", "--logger", "none", *settings)
    assert RunInfo.read(root / "again").held_out
    assert not any(name.startswith("anna") for name in read_provenance(root / "again" / NAME).sessions)


@pytest.mark.parametrize("step", [0, 1, 4, 9, 16, 25, 40])
def test_stopped_half_way_the_next_run_does_the_rest(
    root: Path, made: tuple[Path, list[str], list[bytes]], monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    left, unlink, replace = step, Path.unlink, Path.replace

    def count() -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", lambda self, missing_ok=False: (count(), unlink(self, missing_ok))[1])
        patched.setattr(Path, "replace", lambda self, target: (count(), replace(self, target))[1])
        with pytest.raises(KeyboardInterrupt):
            remove(plan_forget(ANNA, [root]))
    forget(ANNA, [root])
    require_gone(root, made)


def test_what_cannot_be_read_is_named_and_hides_nothing_else(
    root: Path, made: tuple[Path, list[str], list[bytes]], capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("odd/made_from.json", "odd2/evaluation.html", "odd3/config.json"):
        (root / name).parent.mkdir()
        (root / name).write_bytes(b"\xff{")
    (root / "odd3" / "codec.pt").touch()
    (root / "odd4").mkdir()
    (root / "odd4" / NAME).symlink_to("/dev/zero")
    assert goaltrace.main(["sessions", "forget", "--consent", ANNA, str(root), "--yes", "--json"]) == 1
    reported = json.loads(capsys.readouterr().out)
    assert [line.split(":")[0] for line in reported["unread"]] == [
        str(root / "odd" / NAME), str(root / "odd3" / "config.json"),
    ]  # fmt: skip
    require_gone(root, made)
    assert DatasetFolder(root / "set").read_manifest().counts.clips
