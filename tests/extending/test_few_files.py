"""Each kind of addition takes at most two source files beside its registration."""

from __future__ import annotations

import re

import pytest

from tests.extending.checkout import ENTRY, NEW, PAGE, ROOT, sections

KINDS = sections()


def test_every_kind_has_a_section() -> None:
    words = (
        "task", "program", "agent", "control arm", "importer", "stage", "score", "codec", "injection", "objective",
        "page",
    )  # fmt: skip
    assert [word for word in words if not any(re.search(rf"\b{word}\b", title) for title in KINDS)] == []
    assert all(KINDS.values()), "each with an example"


@pytest.mark.parametrize("section", KINDS)
def test_two_files_beside_the_registration_are_enough(section: str) -> None:
    new = [block for block in KINDS[section] if NEW.match(block)]
    entries = [block for block in KINDS[section] if ENTRY.match(block)]
    package = "Dockerfile" in PAGE.read_text(encoding="utf-8").split(f"\n## {section}\n")[1].split("\n## ")[0]
    assert len(new) + package <= 2 and len(entries) <= 2 and len(new) + len(entries) == len(KINDS[section])


def test_every_test_here_is_named_on_the_page() -> None:
    text = PAGE.read_text(encoding="utf-8")
    here = (ROOT / "tests" / "extending").glob("test_*.py")
    assert [path.name for path in here if f"`tests/extending/{path.name}`" not in text] == ["test_few_files.py"]
