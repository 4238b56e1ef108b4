"""The error for everything that a user can fix; the command line prints it as one line, without a stack trace."""

from __future__ import annotations


class GoaltraceError(Exception):
    """Bad input, or something that the machine lacks.

    The message is one line for a person: what (file, field), what is wrong, and how to fix it.
    """
