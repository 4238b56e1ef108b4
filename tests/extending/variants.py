"""A tiny run with a variant of the page."""

from __future__ import annotations

import json
from pathlib import Path

from tests.extending.checkout import Checkout


def trained(section: str, dataset: Path, tmp_path: Path, *settings: str) -> list[float]:
    """The losses of two steps with settings that the section's example makes possible."""
    from tests.trainer.runs import SETTINGS, losses  # they need PyTorch

    project = Checkout(tmp_path / "project", section)
    assert (len(project.files), project.entries) == (1, ["trainer/settings/variants.py"])
    words = [
        *SETTINGS,
        "--set",
        "actions.key_width=0",
        "--set",
        "actions.head_width=0",
        *(word for setting in settings for word in ("--set", setting)),
    ]
    project.goaltrace("train", dataset, "--out", tmp_path / "run", "--logger", "none", *words, "--steps", 2)
    config = json.loads((tmp_path / "run" / "config.json").read_text())["config"]
    group, _, key = settings[0].partition("=")[0].partition(".")
    assert config[group][key] == settings[0].partition("=")[2]
    return losses(tmp_path / "run")
