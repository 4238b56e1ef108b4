"""A terminal recorded by us in a container, full of planted secrets: scanned, masked, and only then to be published."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from manifests.clip_io import ClipReader
from tests.curation.scan.test_scan import columns, left
from tests.manifests.secrets.planted import planted

pytestmark = [pytest.mark.e2e, pytest.mark.needs("docker", "terminal", "ffmpeg")]

SHOWN = 29
HIDDEN = "Vormun#quil804"
"""Typed where the terminal does not echo."""


def goaltrace(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "goaltrace", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=400)


def test_thirty_secrets_typed_in_a_terminal_of_ours_are_in_nothing_that_is_published(tmp_path: Path) -> None:
    chosen = [one for one in planted(seed=31, rounds=2) if len(one.secret) >= 8 and not set(one.line) & set("'`\"\\!")]
    chosen = chosen[:: max(1, len(chosen) // SHOWN)][:SHOWN]
    lines = ["Set TypingSpeed 15ms", "Set Width 900", "Set Height 400"]
    for one in chosen:
        lines += [f"Type `: '{one.line}'`", "Enter", "Sleep 60ms"]
    lines += ["Type `read -s -p 'Password: ' answer`", "Enter", "Wait /Password:/", f"Type '{HIDDEN}'", "Enter",
              "Sleep 500ms", "Type 'ls /'", "Enter", "Sleep 500ms"]  # fmt: skip
    tape, sessions, dataset, clean = (tmp_path / name for name in ("all.tape", "sessions", "clips", "clean"))
    tape.write_text("\n".join(lines) + "\n")
    for arguments in (("import", "tape", tape, "--out", sessions), ("pack", sessions, "--out", dataset)):
        done = goaltrace(*arguments)
        assert done.returncode == 0, done.stderr + done.stdout
    before = "\n".join(text for _, text in columns(dataset))
    assert sum(left(one, before) for one in chosen) == len(chosen) == SHOWN

    refused = goaltrace("publish", dataset, "me/terminals", "--dry-run", "--license", "mit")
    assert refused.returncode == 2 and "goaltrace scan" in refused.stderr
    done = goaltrace("scan", dataset, "--mask", "--out", clean, "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["masked"]["clips"] == len(ClipReader(dataset)) and not said["masked"]["left_out"]
    after = "\n".join(text for _, text in columns(clean))
    still = [f"{one.kind}: {one.line}" for one in chosen if left(one, after)]
    assert not still, "\n".join(still)
    assert HIDDEN not in after and not any(HIDDEN[at : at + 7] in after for at in range(len(HIDDEN) - 6))
    published = goaltrace("publish", clean, "me/terminals", "--dry-run", "--license", "mit")
    assert published.returncode == 0, published.stderr
    assert not any(left(one, published.stdout) for one in chosen)
