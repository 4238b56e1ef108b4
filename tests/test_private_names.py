"""What other packages keep to themselves and we use all the same: each behind one seam, tried with the version here.

A test that fails here after an upgrade names the seam to look at: see whether it still does what its docstring says,
then write the new version down.
"""

from __future__ import annotations

import ast
import platform
import socket
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import pytest

from manifests.futures import workers_of
from tests.conftest import require

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("goaltrace", "manifests", "collector", "curation", "trainer")
PUBLIC = {"_exit", "_ActionsContainer"}
"""Documented in spite of their names: of `os`, and the type that typeshed gives parsers and their groups."""


class Tried(NamedTuple):
    """A private name: whose it is, the versions it was tried with, and where it stands (None: a test of its own)."""

    package: str
    versions: tuple[str, ...]
    module: str | None


TRIED = {
    "_processes": Tried("python", ("3.11", "3.12", "3.13"), None),
    "_util.xorg_keysyms": Tried("pynput", ("1.8",), None),
    "screen_allowed_depths": Tried("mss", ("10.2",), "mss.linux.xcb"),
    "_ffi": Tried("pyghostty", ("0.1",), "pyghostty"),
    "_sock": Tried("docker", ("7.1", "7.2"), None),
    "_response": Tried("docker", ("7.1", "7.2"), None),
    "_should_ignore": Tried("huggingface_hub", ("2.4",), None),
    "_dynamo": Tried("torch", ("2.13",), None),
    "_foreach_lerp_": Tried("torch", ("2.13",), None),
    "_foreach_mul_": Tried("torch", ("2.13",), None),
}


@cache
def _trees() -> dict[Path, ast.Module]:
    paths = (path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py")))
    return {path: ast.parse(path.read_text(encoding="utf-8")) for path in paths}


def _is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def _own_names() -> set[str]:
    """Every name that is given in our own code."""
    names = set()
    for node in (node for tree in _trees().values() for node in ast.walk(tree)):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                names.add(name)
            case ast.Attribute(attr=name, ctx=ast.Store()) | ast.Name(id=name, ctx=ast.Store()):
                names.add(name)
    return names - set(TRIED)


def _used(tree: ast.Module) -> Iterator[str]:
    """Names of a module that may be another's private ones, however they are reached."""
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(attr=name) if _is_private(name) or name in TRIED:
                yield name
            case ast.Call(func=ast.Name(id="getattr" | "hasattr"), args=[_, ast.Constant(value=str(name)), *_]):
                yield name
            case ast.ImportFrom(module=str(module), names=names) if module.partition(".")[0] not in ROOMS:
                yield module[module.index("._") + 1 :] if "._" in module else ""
                yield from (alias.name for alias in names)
            case ast.Import(names=names):
                yield from (part for alias in names for part in alias.name.split("."))


def test_each_private_name_of_another_package_is_used_in_one_module() -> None:
    own, seams = _own_names(), dict[str, set[str]]()
    for path, tree in _trees().items():
        for name in set(_used(tree)) - own - PUBLIC:
            if _is_private(name) or name in TRIED:
                seams.setdefault(name, set()).add(str(path.relative_to(ROOT)))
    assert {name: places for name, places in seams.items() if len(places) > 1} == {}, "one seam each"
    assert set(seams) == set(TRIED), "a private name that is not in the table, or one that is used no more"


@pytest.mark.parametrize("name", TRIED)
def test_it_is_tried_with_the_version_that_is_installed(name: str) -> None:
    package, versions, module = TRIED[name]
    if package == "torch":
        require("torch")
    here = platform.python_version() if package == "python" else version(package)
    assert here.startswith(tuple(f"{v}." for v in versions)), f"{name}: not tried with {package} {here}"
    if module is not None and (module != "mss.linux.xcb" or sys.platform.startswith("linux")):
        assert hasattr(import_module(module), name), f"{package} {here} has no {module}.{name} any more"


def test_a_pool_shows_its_workers() -> None:
    with ProcessPoolExecutor(1) as pool:
        assert workers_of(pool) == []
        pool.submit(int).result()
        assert [worker.is_alive() for worker in workers_of(pool)] == [True]


@pytest.mark.needs("xvfb")
def test_pynput_names_the_characters_of_older_keysyms(xserver: str) -> None:
    from collector.x11.xkbcommon import _older_chars

    _older_chars.cache_clear()  # filled where there was no display yet
    chars = _older_chars()
    assert [chars[keysym] for keysym in (0x20AC, 0x7E1, 0x6C1)] == ["€", "α", "а"]


def test_docker_gives_a_socket_that_can_be_read_and_closed() -> None:
    from docker import APIClient

    from collector.containers.program import close_stream, connection_of

    head = b"HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\nConnection: Upgrade\r\n\r\n"
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            with server.accept()[0] as connection:
                while b"}" not in connection.recv(65536):
                    pass
                connection.sendall(head)
                connection.recv(1)
                connection.sendall(b"said")

        engine = threading.Thread(target=answer)
        engine.start()
        client = APIClient(f"tcp://127.0.0.1:{server.getsockname()[1]}", version="1.44", timeout=60)
        stream = client.exec_start("program", socket=True)
        connection = connection_of(stream)
        assert isinstance(connection, socket.socket)
        connection.sendall(b"!")
        assert connection.recv(4) == b"said"
        assert stream._response.raw is not None, "what it was taken out of"
        close_stream(stream)
        assert connection.fileno() == -1
        engine.join()


def test_the_hub_says_what_a_gitignore_leaves_out() -> None:
    from huggingface_hub import CommitOperationAdd

    assert CommitOperationAdd("a.parquet", b"")._should_ignore is None
