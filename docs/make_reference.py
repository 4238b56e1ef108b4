"""Writes docs/reference/ from the code: the commands from their parsers, the settings from trainer's configuration.

`python docs/make_reference.py` (or `make docs`) writes the pages; tests/docs/test_reference.py fails while they differ
from the code. The pages are made from the parsers' actions and not from `format_help()`, whose layout depends on the
width of the terminal and on Python's version.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import inspect
import re
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

DOCS = Path(__file__).resolve().parent
sys.path.insert(0, str(DOCS.parent))  # run as a script, this checkout's packages come before installed ones

from goaltrace.cli import COMMANDS  # noqa: E402

MADE = "<!-- Made by `python docs/make_reference.py`. Do not edit: change the code and run it again. -->"


def pages() -> dict[Path, str]:
    """Every generated page: its path and its text."""
    return {
        DOCS / "reference" / "commands.md": commands_page(),
        DOCS / "reference" / "settings.md": settings_page(),
    }


def parsers() -> dict[str, argparse.ArgumentParser]:
    """Every command that can be typed after `goaltrace`, subcommands as `import cast`, with its parser."""
    found: dict[str, argparse.ArgumentParser] = {}
    for name, (module, text) in COMMANDS.items():
        parser = argparse.ArgumentParser(prog=f"goaltrace {name}", description=sentence(text))
        importlib.import_module(module).configure(parser)
        found[name] = parser
        for word, below in subcommands(parser).items():
            found[f"{name} {word}"] = below
    return found


def subcommands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """The parsers below a command such as `import`, each described at least by its line in the list."""
    found: dict[str, argparse.ArgumentParser] = {}
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            lines = {choice.dest: choice.help for choice in action._choices_actions}
            for word, below in action.choices.items():
                below.description = below.description or sentence(lines.get(word) or "")
                found[word] = below
    return found


def flags(parser: argparse.ArgumentParser) -> set[str]:
    """Every flag that a command knows; `--debug` and `--help` belong to all commands."""
    return {"--debug"} | {flag for action in parser._actions for flag in action.option_strings}


# --- commands ---------------------------------------------------------------------------------------------------------


def commands_page() -> str:
    every = parsers()
    index = [f"| [`{name}`](#goaltrace-{name}) | {sentence(COMMANDS[name][1])} |" for name in COMMANDS]
    head = [
        "# Commands", MADE,
        "Every command of `goaltrace` with its arguments and options. `goaltrace COMMAND --help` prints the same.",
        "Every command also takes `--debug`, which shows the stack trace of an unexpected error. "
        "The exit status is 0 where everything went well, 1 where a part of the work failed or something was found, "
        "2 where the command was refused, and 130 after Ctrl-C.",
        "\n".join(["| command | what it does |", "|---|---|", *index]),
    ]  # fmt: skip
    return "\n\n".join([*head, *(part for name, parser in every.items() for part in section(name, parser))]) + "\n"


def section(name: str, parser: argparse.ArgumentParser) -> Iterator[str]:
    yield f"{'###' if ' ' in name else '##'} goaltrace {name}"
    yield linked(parser.description or "")
    below = subcommands(parser)
    if below:
        yield "Followed by one of: " + ", ".join(f"[`{word}`](#goaltrace-{name}-{word})" for word in below) + "."
        return
    positionals = [action for action in parser._actions if not action.option_strings]
    needed = [action for action in parser._actions if action.option_strings and action.required]
    usage = [f"goaltrace {name}", *map(positional, positionals), *(option(action) for action in needed), "[options]"]
    yield "```\n" + " ".join(usage) + "\n```"
    for group in parser._action_groups:
        rows = [row(action) for action in group._group_actions if action.dest != "help"]
        if rows:
            title = group.title if group.title not in ("options", "positional arguments") else None
            if title:
                yield f"{sentence(title)[:-1]}:"
            first = "argument" if group.title == "positional arguments" else "option"
            yield "\n".join([f"| {first} | |", "|---|---|", *rows])
    for paragraph in (parser.epilog or "").strip().split("\n\n"):
        if re.search(r"^ ", paragraph, re.MULTILINE):
            yield "```\n" + paragraph + "\n```"
        elif paragraph:
            yield linked(sentence(paragraph))


def row(action: argparse.Action) -> str:
    name = option(action) if action.option_strings else positional(action)
    text = (action.help or "") % vars(action)
    if action.default not in (None, False, [], 0) and "default" not in text:
        text = f"{text} (default: {action.default})".strip()
    if action.required and action.option_strings:
        text = f"required: {text}" if text else "required"
    return f"| `{cell(name)}` | {cell(text)} |"


def option(action: argparse.Action) -> str:
    return " / ".join(action.option_strings) + (f" {value(action)}" if action.nargs != 0 else "")


def positional(action: argparse.Action) -> str:
    name = value(action)
    return {"?": f"[{name}]", "*": f"[{name} ...]", "+": f"{name} ..."}.get(str(action.nargs), name)


def value(action: argparse.Action) -> str:
    if action.metavar:
        return str(action.metavar)
    if action.choices:
        return "|".join(map(str, action.choices))
    return action.dest.upper()


# --- settings ---------------------------------------------------------------------------------------------------------


def settings_page() -> str:
    """A table a section: name, values, the default, what presets have instead, and the setting's own docstring."""
    from trainer.settings.config import Config
    from trainer.settings.presets import PRESETS

    parts = [
        "# Settings of a run", MADE,
        "`goaltrace train DATASET --preset NAME --set SECTION.NAME=VALUE` changes a setting; give `--set` again for "
        "more. A setting that does not exist, or a value outside its range, is refused in one line. The default is "
        "that of `tiny`; where another preset differs, it is named. "
        "[Training](../training.md) explains what the settings do together.",
    ]  # fmt: skip
    default = PRESETS["tiny"]
    for name in names(Config):
        group = getattr(default, name)
        docs, hints = docstrings(type(group)), get_type_hints(type(group), include_extras=True)
        rows = []
        for key in names(type(group)):
            others = {preset: getattr(getattr(config, name), key) for preset, config in PRESETS.items()}
            usual = others.pop("tiny")
            differ = ", ".join(f"{preset} {shown(other)}" for preset, other in others.items() if other != usual)
            about = cell(docs.get(key, ""))
            rows.append(f"| `{name}.{key}` | {cell(values(hints[key]))} | {shown(usual)} | {differ} | {about} |")
        parts.append(f"## {name}")
        parts.append(inspect.cleandoc(type(group).__doc__ or ""))
        parts.append("\n".join(["| setting | values | default | other presets | |", "|---|---|---|---|---|", *rows]))
    return "\n\n".join(parts) + "\n"


def names(section: type[Any]) -> list[str]:
    """The settings of a section, which is a dataclass or a pydantic model, in the order of the source."""
    if is_dataclass(section):
        return [field.name for field in fields(section)]
    return list(section.model_fields)


def values(hint: Any) -> str:
    """What a setting may be: its type, the words of a Literal, the bounds of an annotated type."""
    if get_origin(hint) is Literal:
        return ", ".join(f"`{word}`" for word in get_args(hint))
    extra = getattr(hint, "__metadata__", ())
    if not extra:
        return str(getattr(hint, "__name__", hint))
    marks = [one for group in extra for one in bounded(group)]
    limits = " ".join(
        f"{sign} {getattr(one, name):g}" for one in marks for name, sign in LIMITS.items() if hasattr(one, name)
    )
    return f"{values(get_args(hint)[0])} {limits}".strip()


LIMITS = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}


def bounded(annotation: Any) -> list[Any]:
    """An annotation, or the annotations inside pydantic's FieldInfo."""
    return list(getattr(annotation, "metadata", ())) or [annotation]


def docstrings(section: type[Any]) -> dict[str, str]:
    """The text below each attribute of a class, in one line."""
    body = ast.parse(textwrap.dedent(inspect.getsource(section))).body[0]
    assert isinstance(body, ast.ClassDef)
    found: dict[str, str] = {}
    for before, after in zip(body.body, body.body[1:], strict=False):
        text = after.value.value if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant) else None
        if isinstance(before, ast.AnnAssign) and isinstance(before.target, ast.Name) and isinstance(text, str):
            found[before.target.id] = " ".join(text.split())
    return found


def shown(value: Any) -> str:
    return "" if value == "" else f"`{str(value).lower() if isinstance(value, bool) else value}`"


# --- words ------------------------------------------------------------------------------------------------------------


def sentence(text: str) -> str:
    """A phrase as a sentence."""
    text = text.strip()
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", ":", "?")) or not text else ".")


def cell(text: str) -> str:
    """A text that a Markdown table can hold."""
    return " ".join(text.split()).replace("|", "\\|")


def linked(text: str) -> str:
    """Names of pages in a text as links, seen from docs/reference/."""
    return re.sub(r"docs/([\w/]+\.md)", r"[docs/\1](../\1)", " ".join(text.split()))


def main() -> None:
    for path, text in pages().items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(path.relative_to(DOCS.parent))


if __name__ == "__main__":
    main()
