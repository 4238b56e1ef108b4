"""The command line over collector, curation and trainer. A command's module loads only when it runs."""

from __future__ import annotations

import argparse
import importlib
import os
import signal
import sys

COMMANDS: dict[str, tuple[str, str]] = {
    "images": ("collector.commands.images", "build, list and check the desktop and terminal images"),
    "tasks": ("collector.commands.tasks", "list the tasks that come with GoalTrace, or check a task file"),
    "record": ("collector.commands.record", "record episodes of a task: frames and actions on one clock"),
    "sessions": ("collector.commands.sessions", "check sessions, make killed ones whole, forget a person's"),
    "import": ("collector.commands.import_", "import what other tools recorded"),
    "export": ("collector.commands.export", "give a session back in a format that other tools read"),
    "view": ("collector.commands.view", "look at a session before it is packed; trim or discard it"),
    "render": ("collector.commands.render", "draw terminal sessions again: another rate, size, theme or font"),
    "probe": ("collector.commands.probe", "measure the recorder's own error: frames against the log"),
    "pack": ("collector.commands.pack", "pack sessions into Parquet clips"),
    "score": ("curation.commands.score", "score each clip's intent: efficacy and contingency"),
    "scan": ("curation.commands.scan", "look for secrets in a data set, and write one without them"),
    "select": ("curation.commands.select", "keep the clips that meet a SQL condition"),
    "merge": ("curation.commands.merge", "make one data set of several"),
    "report": ("curation.commands.report", "write one HTML page about a data set"),
    "publish": ("curation.commands.publish", "publish a data set to the Hugging Face Hub"),
    "encode": ("trainer.commands.encode", "encode a data set's frames once, for training on a GPU"),
    "train": ("trainer.commands.train", "train the action-conditioned DiT on a data set"),
    "evaluate": ("trainer.commands.evaluate", "measure a trained model: true against shuffled actions"),
    "compare": ("trainer.commands.compare", "set evaluated runs side by side, on the same clips"),
    "rollout": ("trainer.commands.rollout", "roll a model out on a clip, beside the true frames"),
    "play": ("trainer.commands.play", "play a model: move the mouse and type, it answers frame by frame"),
}
EXTRAS = {"collector": "collect", "curation": "curate", "trainer": "train"}


def main(argv: list[str] | None = None) -> int:
    """Run one command; the exit status. Errors that a user can fix are one line on stderr and status 2.

    Without `argv` this is the program itself: SIGINT ends it even where its parent had it ignored, as a shell does
    with what it starts in the background. Processes that a command starts inherit that.
    """
    if argv is None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    from manifests.permissions import OTHERS_CANNOT_WRITE, umask_at_least
    from manifests.plain_text import plain_output

    try:
        with plain_output(), umask_at_least(OTHERS_CANNOT_WRITE):
            status = _main(sys.argv[1:] if argv is None else argv)
        sys.stdout.flush()
    except BrokenPipeError:  # `goaltrace ... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    return status


def _main(arguments: list[str]) -> int:
    if not arguments or arguments[0] in ("-h", "--help"):
        print(_overview())
        return 0
    if arguments[0] == "--version":
        from manifests import __version__

        print(f"goaltrace {__version__}")
        return 0
    name, rest = arguments[0], arguments[1:]
    if name not in COMMANDS:
        print(f"goaltrace: unknown command {name!r}; one of: {', '.join(COMMANDS)}", file=sys.stderr)
        return 2
    return _run(name, rest)


def _overview() -> str:
    width = max(map(len, COMMANDS)) + 2
    lines = [f"  {name:<{width}}{text}" for name, (_, text) in COMMANDS.items()]
    return (
        "usage: goaltrace COMMAND [options]\n\n"
        "Record desktops and terminals with their actions, keep what was done on purpose, train on it.\n\n"
        + "\n".join(lines)
        + "\n\ngoaltrace COMMAND --help explains a command; goaltrace --version prints the version."
    )


def _run(name: str, arguments: list[str]) -> int:
    from manifests.errors import GoaltraceError
    from manifests.item_errors import DEBUG, show_trace, unexpected
    from manifests.plain_text import one_line

    module_name, text = COMMANDS[name]
    module = importlib.import_module(module_name)
    parser = argparse.ArgumentParser(prog=f"goaltrace {name}", description=text[0].upper() + text[1:] + ".")
    module.configure(parser)
    if "" in arguments:  # an empty path would mean the working directory
        print(f"goaltrace {name}: an argument is empty; is a variable of your shell not set?", file=sys.stderr)
        return 2
    parser.add_argument("--debug", action="store_true", help="show where an unexpected fault came from")
    if "--debug" in arguments:  # wherever it stands: behind a subcommand too
        os.environ[DEBUG] = "1"
        arguments = [argument for argument in arguments if argument != "--debug"]
    parsed = parser.parse_args(arguments)
    try:
        return int(module.run(parsed) or 0)
    except GoaltraceError as error:
        print(f"goaltrace {name}: {one_line(str(error))}", file=sys.stderr)
        return 2
    except ModuleNotFoundError as error:
        extra = EXTRAS[module_name.split(".")[0]]
        print(
            f"goaltrace {name}: the Python package {error.name!r} is missing; pip install 'goaltrace[{extra}]'",
            file=sys.stderr,
        )
        return 2
    except KeyboardInterrupt:
        print(f"goaltrace {name}: stopped", file=sys.stderr)
        return 130
    except BrokenPipeError:
        raise
    except MemoryError:
        print(
            f"goaltrace {name}: out of memory; free some, or raise the limit (ulimit -v, the container's)",
            file=sys.stderr,
        )
        return 2
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        print(f"goaltrace {name}: {one_line(f'{where}{error.strerror or error}')}", file=sys.stderr)
        return 2
    except Exception as error:  # the last resort: no input may end in a stack trace
        show_trace()
        print(f"goaltrace {name}: {unexpected(error)}", file=sys.stderr)
        return 2
