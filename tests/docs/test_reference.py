"""The pages under docs/reference/ are those that the code makes."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "docs"))

import make_reference  # noqa: E402


@pytest.mark.parametrize("path", make_reference.pages(), ids=lambda path: str(path.relative_to(ROOT)))
def test_the_generated_page_is_up_to_date(path: Path) -> None:
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    assert text == make_reference.pages()[path], "the code has changed: run `python docs/make_reference.py`"


def test_the_page_does_not_depend_on_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    before = make_reference.commands_page()
    monkeypatch.setenv("COLUMNS", "40")
    assert make_reference.commands_page() == before


def test_every_reference_page_stands_in_the_folder_because_it_is_generated() -> None:
    assert set((ROOT / "docs" / "reference").glob("*.md")) == set(make_reference.pages())
