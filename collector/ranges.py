"""Refuses options that are out of range or not among the choices, with the same messages everywhere."""

from __future__ import annotations

from collections.abc import Iterable

from manifests.errors import GoaltraceError


def require_between(flag: str, value: float, low: float, high: float) -> None:
    """Raise `GoaltraceError` unless `low <= value <= high`; `flag` names the option as the command has it."""
    if not low <= value <= high:
        raise GoaltraceError(f"{flag}: {value} is not between {low} and {high}")


def require_one_of(flag: str, value: str, choices: Iterable[str]) -> None:
    """Raise `GoaltraceError` unless `value` is one of `choices`."""
    choices = tuple(choices)
    if value not in choices:
        raise GoaltraceError(f"{flag}: {value!r} is none of: {', '.join(choices)}")
