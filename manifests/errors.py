"""One kind of error for everything a user can mend, so that the front door can print it as one line."""

from __future__ import annotations


class GoaltraceError(Exception):
    """Bad input or a missing part of the world.

    The message is one line for a person: what (file, field), what is wrong, and how to mend it.
    """
