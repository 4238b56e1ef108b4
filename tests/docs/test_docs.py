"""What the documentation names exists: commands, flags, arms, settings, files, links and pictures."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "docs"))

import make_reference  # noqa: E402

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
HAND_WRITTEN = [page for page in PAGES if page.parent.name != "reference"]
ROOMS = "manifests|collector|curation|trainer"
PACKAGES = f"goaltrace|{ROOMS}"
PARSERS = make_reference.parsers()
CHROMIUM = {"--no-sandbox", "--test-type"}
each_page = pytest.mark.parametrize("page", HAND_WRITTEN, ids=lambda page: str(page.relative_to(ROOT)))


def code(page: Path) -> Iterator[str]:
    """The lines of a page's code blocks (continued lines put together), and its inline code."""
    text = page.read_text(encoding="utf-8").replace("\\\n", " ")
    fenced = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
    for block in fenced.finditer(text):
        if block[1] != "python":
            yield from block[2].splitlines()
    rest = fenced.sub("", text)
    yield from (line.strip() for line in rest.splitlines() if line.startswith("    "))
    for spans in re.finditer(r"`([^`]+)`", rest):
        yield " ".join(spans[1].split())


def calls(page: Path) -> Iterator[tuple[str, list[str]]]:
    """What follows `goaltrace` in a page's code, up to the end of that shell command: the text and its words."""
    for line in code(page):
        for found in re.finditer(r"(?<![\w/.@-])goaltrace ((?:(?!goaltrace )[^#;&>])*)", line):
            text = found[1].replace("\\|", "|").split(" | ")[0]
            if text[:1].islower():
                yield text, text.split()


def commands(words: list[str]) -> list[str]:
    """The commands that words name: `import cast|tape` names two, a bare `import` all of its subcommands."""
    first = words[0].strip("`,.:)")
    below = [name for name in PARSERS if name.startswith(f"{first} ")]
    if not below:
        return [first]
    second = words[1].strip("`,.:)") if len(words) > 1 else ""
    return [f"{first} {word}" for word in second.split("|")] if second[:1].islower() else below


@each_page
def test_every_command_named_exists(page: Path) -> None:
    named = {name for _, words in calls(page) for name in commands(words)}
    assert sorted(named - set(PARSERS)) == []


@each_page
def test_every_flag_after_a_command_is_one_of_that_command(page: Path) -> None:
    wrong = []
    for text, words in calls(page):
        known = {flag for name in commands(words) for flag in make_reference.flags(PARSERS[name])}
        wrong += [
            f"goaltrace {text}: {flag}" for flag in re.findall(r"(?<!\S)--[a-z][a-z-]*", text) if flag not in known
        ]
    assert not wrong


@each_page
def test_every_flag_that_stands_alone_is_one_of_some_command(page: Path) -> None:
    known = {flag for parser in PARSERS.values() for flag in make_reference.flags(parser)}
    known |= {
        flag for path in (ROOT / "benchmarks").glob("*.py") for flag in re.findall(r"--[a-z-]+", path.read_text())
    }
    named = {match[0] for line in code(page) if (match := re.match(r"--[a-z][a-z-]+", line))}
    assert sorted(named - known - CHROMIUM) == []


def test_every_command_stands_in_a_hand_written_page() -> None:
    named = {name for page in HAND_WRITTEN for _, words in calls(page) for name in commands(words)}
    assert {
        name for name in PARSERS if name not in make_reference.COMMANDS or not make_reference.subcommands(PARSERS[name])
    } <= named


def test_the_agents_of_the_table_are_those_of_the_command() -> None:
    text = (ROOT / "docs" / "recording.md").read_text(encoding="utf-8")
    table = text[text.index("| `--agent`") : text.index("\n\n", text.index("| `--agent`"))]
    rows = re.findall(r"^\| `(\w[\w-]+)` \|.*\| `([\w-]+)`[^|]*\|$", table, re.MULTILINE)
    assert [agent for agent, _ in rows] == agents()
    assert {arm for _, arm in rows} <= arms()


@each_page
def test_every_arm_named_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    named = re.findall(r"\barm (?:=|<>|==) '([\w-]+)'|\barm:([\w-]+)=|`arm: ([\w-]+)`", text)
    assert sorted({arm for found in named for arm in found if arm} - arms()) == []


def agents() -> list[str]:
    (choices,) = [action.choices for action in PARSERS["record"]._actions if action.dest == "agent"]
    assert choices is not None
    return list(choices)


def arms() -> set[str]:
    """The agents' arms, and those that importers and the probe write, wherever collector has them as words."""
    written = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "collector").rglob("*.py"))
    others = {"tape", "cast", "agent", "probe"}
    assert all(f'"{arm}"' in written for arm in others)
    return {*agents(), *others}


@each_page
def test_every_setting_named_exists(page: Path) -> None:
    from trainer.settings.config import Config

    default = Config()
    sections = make_reference.names(Config)
    known = {f"{name}.{key}" for name in sections for key in make_reference.names(type(getattr(default, name)))}
    found = {name for line in code(page) for name in re.findall(rf"(?<![\w/.])(?:{'|'.join(sections)})\.\w+", line)}
    files = {name for name in found if name.rsplit(".")[-1] in ("py", "pt", "jsonl", "json", "parquet")}
    assert sorted(found - files - known) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        path = (page.parent / name).resolve() if name else page
        if not path.exists() or (anchor and anchor not in anchors(path)):
            broken.append(target)
    assert not broken


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives a page's headings."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in headings}


def test_every_page_stands_in_the_index() -> None:
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    pages = [path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")]
    assert not [page for page in pages if page != "README.md" and f"]({page}" not in index]


@each_page
def test_every_file_of_the_project_that_is_named_exists(page: Path) -> None:
    named = {
        name for line in code(page)
        for name in re.findall(rf"(?<![\w/.])(?:(?:{PACKAGES}|tests|benchmarks|docs|docker|\.ci)/[\w./-]+\.\w+)", line)
    }  # fmt: skip
    assert sorted({name for name in named if not (ROOT / name).exists()}) == []


@each_page
def test_every_module_and_name_of_the_project_that_is_named_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    named = {name for line in code(page) for name in re.findall(rf"(?<![\w/.-])(?:{ROOMS})(?:\.\w+)+(?![\w/.])", line)}
    for module, names in re.findall(rf"^\s*from ((?:{PACKAGES})[\w.]*) import ([\w, ]+)$", text, re.MULTILINE):
        named |= {f"{module}.{name.split()[0]}" for name in names.split(",")}
    made = {f"{folder}/{module}".replace("/", ".") for module, folder in re.findall(r"# new: (\w+)\.py in (\S+)", text)}
    assert sorted(name for name in named if not is_there(name) and name.rpartition(".")[0] not in made) == []


def is_there(dotted: str) -> bool:
    """Whether a dotted name is a module of the project, or a word of the file of the module before it."""
    path, parts = ROOT, dotted.split(".")
    while parts and (path / parts[0]).is_dir():
        path = path / parts.pop(0)
    file = path / "__init__.py"
    if parts and (path / f"{parts[0]}.py").is_file():
        file = path / f"{parts.pop(0)}.py"
    return file.is_file() and all(re.search(rf"\b{part}\b", file.read_text(encoding="utf-8")) for part in parts)


def test_every_page_that_the_code_names_exists() -> None:
    folders = (*PACKAGES.split("|"), "benchmarks", ".ci", "docker", "docs")
    files = [
        path
        for folder in folders
        for path in (ROOT / folder).rglob("*")
        if path.suffix in (".py", ".j2", ".sh", ".toml")
    ]
    named = {
        name for path in files for name in re.findall(r"(?<![\w/])docs/[\w/-]+\.md", path.read_text(encoding="utf-8"))
    }
    assert sorted({name for name in named if not (ROOT / name).exists()}) == []


def test_every_picture_is_shown_somewhere() -> None:
    shown = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    assert not [path for path in (ROOT / "docs" / "pictures").iterdir() if f"pictures/{path.name})" not in shown]


def test_the_tour_is_a_dozen_files_that_exist() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    tour = text[text.index("<!-- tour -->") : text.index("<!-- end of tour -->")]
    files = re.findall(r"^\| \[([\w/.]+)\]\(([\w/.]+)\) \|", tour, re.MULTILINE)
    assert len(files) == 12
    assert [name for name, target in files if name != target or not (ROOT / target).is_file()] == []


def test_the_readme_shows_a_picture_and_a_command_within_its_first_screen() -> None:
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    assert lines[2].startswith("![")
    assert "```sh" in lines[:20]


def test_the_numbers_of_tasks_are_those_that_come_with_it() -> None:
    desktop, terminal = (
        len(list((ROOT / "manifests" / "tasks" / kind).glob("*.yaml"))) for kind in ("desktop", "terminal")
    )
    assert f"{desktop} desktop and {terminal} terminal tasks" in (ROOT / "README.md").read_text(encoding="utf-8")
