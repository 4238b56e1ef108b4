"""The Python face: what `import goaltrace` offers is there, typed, documented, and costs nothing before it is used."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import goaltrace

ROOT = Path(__file__).resolve().parents[1]
FUNCTIONS = sorted(name for name in goaltrace.FACE if name[0].islower())


def test_the_types_that_a_checker_sees_are_those_that_a_program_gets() -> None:
    tree = ast.parse((ROOT / "goaltrace" / "__init__.py").read_text(encoding="utf-8"))
    (checked,) = (node for node in tree.body if isinstance(node, ast.If))
    seen = {node.names[0].name: node.module for node in checked.body if isinstance(node, ast.ImportFrom)}
    assert seen == goaltrace.FACE


@pytest.mark.parametrize("name", sorted(goaltrace.FACE))
def test_every_name_is_there_and_stands_in_the_guide(name: str) -> None:
    thing = getattr(goaltrace, name)
    assert thing.__doc__ or not (inspect.isclass(thing) or inspect.isfunction(thing)), name
    assert name in dir(goaltrace)
    assert name in (ROOT / "docs" / "python.md").read_text(encoding="utf-8"), "docs/python.md does not name it"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_options_are_named_typed_and_explained_and_results_are_frozen(name: str) -> None:
    function = getattr(goaltrace, name)
    signature = inspect.signature(function)
    assert signature.return_annotation is not inspect.Signature.empty
    for option in signature.parameters.values():
        assert option.annotation is not inspect.Parameter.empty, option.name
        assert option.default is inspect.Parameter.empty or option.kind is option.KEYWORD_ONLY, option.name
    if dataclasses.is_dataclass(result := getattr(goaltrace, str(signature.return_annotation), None)):
        assert result.__dataclass_params__.frozen  # type: ignore[attr-defined]


def test_what_is_asked_for_and_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'recrod'"):
        goaltrace.recrod  # noqa: B018


def test_importing_it_loads_nothing_heavy() -> None:
    heavy = ("torch", "pyarrow", "numpy", "docker", "datasets", "av", "pydantic", "huggingface_hub")
    script = f"import sys, goaltrace; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("room", ["goaltrace", "manifests", "collector", "curation", "trainer"])
def test_every_package_says_that_it_is_typed(room: str) -> None:
    assert (ROOT / room / "py.typed").is_file()
