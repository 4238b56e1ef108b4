"""One bad item never ends a run: the seam at which a command turns what nobody thought of into a reason.

Every command that goes through sessions, casts, clips or shards does each inside `one_item`, and only there; what it
cannot use is named, counted, and the next one is taken. `--debug` shows where such a fault came from.
"""

from __future__ import annotations

import errno
import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from manifests.errors import GoaltraceError
from manifests.plain_text import one_line

DEBUG = "GOALTRACE_DEBUG"
"""Set by `--debug`; in the environment, so that worker processes know as well."""
_NOT_THE_ITEMS = (errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE, errno.EROFS, errno.EPIPE)


class UnexpectedError(GoaltraceError):
    """Something unexpected happened over one item: it is left out, and the line says how to learn more."""


@contextmanager
def one_item(what: object) -> Iterator[None]:
    """Whatever goes wrong inside is a `GoaltraceError`; what is wrong with the machine or the user's own stop passes.

    `what` names the item in the line of a fault that names nothing itself.
    """
    try:
        yield
    except (GoaltraceError, MemoryError):
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _NOT_THE_ITEMS:
            raise
        show_trace()
        raise UnexpectedError(f"{what}: {unexpected(error)}") from error


def unexpected(error: BaseException) -> str:
    """A fault as one line."""
    said = one_line(str(error))[:160]
    reason = f"{type(error).__name__}: {said}" if said else type(error).__name__
    return f"cannot be used, and not for a reason that was foreseen ({reason}); run it again with --debug to see where"


def show_trace() -> None:
    """Print where the fault in hand came from, if that was asked for."""
    if os.environ.get(DEBUG):
        print(traceback.format_exc().rstrip(), file=sys.stderr)
