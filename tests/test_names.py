"""No two public classes of one name: whoever reads `Plan` knows which it is, wherever it stands."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("manifests", "collector", "curation", "trainer")
SHARED = {"TypedLine"}
"""Names that still stand for more than one thing; none is to be added."""


def test_a_public_class_has_its_name_for_itself() -> None:
    places = defaultdict(list)
    for path in sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(f"{path.relative_to(ROOT)}:{node.lineno}")
    shared = {name: found for name, found in places.items() if len(found) > 1}
    assert {name: found for name, found in shared.items() if name not in SHARED} == {}, "give one of them another name"
    assert shared.keys() >= SHARED, "one class each now: take these names out of SHARED"
