"""Nothing is published under terms that nobody gave, or that the Hub does not know."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from curation.publish.licence import KNOWN, of_card, require_known
from goaltrace import main
from manifests.errors import GoaltraceError
from tests.factories import make_dataset
from tests.waiting import PATIENCE_S


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_dataset(tmp_path_factory.mktemp("licence") / "data", per_arm=1, frames=20)


@pytest.mark.parametrize(
    "given, hint",
    [("cc-by-4", "did you mean cc-by-4.0"), ("CC BY 4.0", "did you mean cc-by-4.0?"), ("qqq", "such as cc-by-4.0")],
)
def test_an_unknown_licence_is_one_line_with_the_nearest(
    dataset: Path, given: str, hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["publish", str(dataset), "team/x", "--license", given, "--dry-run"]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert hint in line


def test_the_hubs_own_identifiers_are_taken() -> None:
    assert len(KNOWN) == len(set(KNOWN)) > 80
    assert [require_known(name) for name in ("other", "unknown", "CC0-1.0")] == ["other", "unknown", "cc0-1.0"]


def test_without_a_terminal_a_missing_licence_is_one_line(
    dataset: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_" + "x" * 34)
    assert main(["publish", str(dataset), "team/x"]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert "no licence was given; add --license ID, such as cc-by-4.0" in line


def test_a_dry_run_says_that_it_is_missing(dataset: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["publish", str(dataset), "team/x", "--dry-run", "--unscanned"]) == 0
    said = capsys.readouterr()
    assert "missing: no licence was given" in said.err
    assert "nobody may use it until" in said.out


def test_a_terminal_is_asked_until_the_answer_is_known(dataset: Path) -> None:
    ours, theirs = pty.openpty()
    env = os.environ | {"HF_TOKEN": "hf_" + "x" * 34, "HF_ENDPOINT": "http://127.0.0.1:9", "HF_HUB_DISABLE_XET": "1"}
    command = [sys.executable, "-m", "goaltrace", "publish", str(dataset), "team/x", "--unscanned"]
    run = subprocess.Popen(command, env=env, stdin=theirs, stderr=theirs, stdout=subprocess.PIPE)
    os.close(theirs)
    os.write(ours, b"cc-by-5\ncc-by-4.0\n")
    said = b""
    while run.poll() is None or not said.strip().endswith(b"sent twice"):
        try:
            said += os.read(ours, 4096)
        except OSError:
            break
    os.close(ours)
    assert run.wait(timeout=PATIENCE_S) == 2
    assert said.count(b"licence: ") == 3  # asked twice; the answer between is named once
    assert b"'cc-by-5' is no licence that the Hub knows" in said
    assert b"the connection to http://127.0.0.1:9 failed" in said


@pytest.mark.parametrize(
    "card, said",
    [
        ("# Mine\n", "names no licence"),
        ("---\npretty_name: x\n---\n", "names no licence"),
        ("---\nlicense: cc-by-4\n---\n", "did you mean cc-by-4.0"),
        ("---\nlicense: [\n---\n", "not YAML"),
    ],
)
def test_a_card_written_by_hand_must_name_a_licence(card: str, said: str) -> None:
    with pytest.raises(GoaltraceError, match=said):
        of_card(card, "README.md")


def test_a_card_written_by_hand_decides(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dataset = make_dataset(tmp_path / "data", per_arm=1, frames=20)
    (dataset / "README.md").write_text("---\nlicense: mit\n---\n# Mine\n")
    assert main(["publish", str(dataset), "team/x", "--license", "cc-by-4.0", "--dry-run"]) == 2
    assert "names the licence mit, --license cc-by-4.0; make them agree" in capsys.readouterr().err
    assert main(["publish", str(dataset), "team/x", "--dry-run", "--unscanned"]) == 0
