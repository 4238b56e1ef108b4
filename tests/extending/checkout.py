"""A copy of the project into which an example of docs/extending.md is written, file by file, as its reader would."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("goaltrace", "manifests", "collector", "curation", "trainer", "docker")
PAGE = ROOT / "docs" / "extending.md"
NEW = re.compile(r"# new: (\S+)(?: in (\S+))?\n")
ENTRY = re.compile(r"# entry: (\w+) in (\S+)\n")


def sections() -> dict[str, list[str]]:
    """The page's headings, each with its examples."""
    parts = re.split(r"^## (.+)$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    blocks = re.compile(r"^```(?:python|yaml)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
    return {title: blocks.findall(text) for title, text in zip(parts[1::2], parts[2::2], strict=True)}


class Checkout:
    """The copy, with the example of one section in it."""

    def __init__(self, path: Path, section: str) -> None:
        self.path = path
        self.files: list[str] = []
        """New ones."""
        self.entries: list[str] = []
        """The files that have another entry."""
        for name in PACKAGES:
            # with what is compiled of it, but for what another test's process is compiling
            shutil.copytree(ROOT / name, path / name, ignore=shutil.ignore_patterns("*.pyc.*"))
        for block in sections()[section]:
            self._write(block)

    def _write(self, block: str) -> None:
        if new := NEW.match(block):
            name = f"{new[2]}/{new[1]}" if new[2] else new[1]
            assert not (self.path / name).exists()
            (self.path / name).write_text(block[new.end() :] if name.endswith(".py") else block, encoding="utf-8")
            self.files.append(name)
            return
        entry = ENTRY.match(block)
        assert entry, f"{PAGE}: an example begins with neither 'new:' nor 'entry:': {block[:80]!r}"
        self._enter(self.path / entry[2], entry[1], block[entry.end() :])
        self.entries.append(entry[2])

    def _enter(self, file: Path, table: str, added: str) -> None:
        """Add lines to a table, and the imports among them where imports are."""
        text = file.read_text(encoding="utf-8")
        imports = "".join(line for line in added.splitlines(keepends=True) if line.startswith("from "))
        begins = re.search(rf"^{table}\b[^\n]*[({{]\n", text, re.MULTILINE)
        assert begins, f"{file}: no table {table}"
        text = text[: begins.end()] + added.removeprefix(imports).lstrip("\n") + text[begins.end() :]
        first = text.find("\nfrom ", text.index("from __future__")) + 1 if imports else 0
        file.write_text(text[:first] + imports + text[first:], encoding="utf-8")

    def python(self, *words: object, status: int = 0) -> str:
        """Run Python in the copy; what it prints."""
        done = subprocess.run(
            [sys.executable, *map(str, words)], cwd=self.path, env=self.environment, capture_output=True,
            text=True, check=False, timeout=300,
        )  # fmt: skip
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout

    def goaltrace(self, *words: object, status: int = 0) -> str:
        """Run a command of the copy; what it prints."""
        return self.python("-m", "goaltrace", *words, status=status)

    @property
    def environment(self) -> dict[str, str]:
        return os.environ | {"PYTHONPATH": f"{self.path}"}
