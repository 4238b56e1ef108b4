"""One bad item never ends a run: an unexpected exception over one item becomes the reason why it is left out.

Every command that goes through sessions, casts, clips or shards handles each inside `one_item`; an item that fails is
named and counted, and the command goes on with the next. `--debug` prints the stack trace of the exception.
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
"""Set by `--debug`; an environment variable, so that worker processes inherit it."""
_MACHINE_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE, errno.EROFS, errno.EPIPE)


class UnexpectedError(GoaltraceError):
    """An exception that nobody foresaw was raised over one item, which is therefore left out."""


@contextmanager
def one_item(what: object) -> Iterator[None]:
    """Turn any exception inside into a `GoaltraceError`, except for Ctrl-C, a full disk, no memory.

    `what` names the item in the message.
    """
    try:
        yield
    except (GoaltraceError, MemoryError):
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _MACHINE_ERRORS:
            raise
        show_trace()
        raise UnexpectedError(f"{what}: {unexpected(error)}") from error


def unexpected(error: BaseException) -> str:
    """An unexpected exception as one line."""
    message = one_line(str(error))[:160]
    reason = f"{type(error).__name__}: {message}" if message else type(error).__name__
    return f"cannot be used, and not for a reason that was foreseen ({reason}); run it again with --debug to see where"


def show_trace() -> None:
    """Print the stack trace of the exception that is being handled, if --debug was given."""
    if os.environ.get(DEBUG):
        print(traceback.format_exc().rstrip(), file=sys.stderr)
