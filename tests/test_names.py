"""Names that stand for one thing: public classes, and scripts beside the standard library."""

from __future__ import annotations

import ast
import sys
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("manifests", "collector", "curation", "trainer")


def test_a_public_class_has_its_name_for_itself() -> None:
    places = defaultdict(list)
    for path in sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(f"{path.relative_to(ROOT)}:{node.lineno}")
    shared = {name: found for name, found in places.items() if len(found) > 1}
    assert shared == {}, "give one of them another name"


def test_no_script_hides_a_module_of_the_standard_library() -> None:
    """A script's folder comes first on the path: a benchmarks/secrets.py once kept PyTorch from loading."""
    scripts = [path for folder in ("benchmarks", "docs", ".ci") for path in (ROOT / folder).rglob("*.py")]
    assert scripts
    assert [path.name for path in scripts if path.stem in sys.stdlib_module_names] == []
