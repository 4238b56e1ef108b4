"""The exceptions that an agent raises when it cannot go on."""

from __future__ import annotations


class EpisodeOver(Exception):
    """The episode cannot go on: its time is up or its shell is gone."""


class StepFailed(Exception):
    """A step could not be done, or did not see what it waited for; the script ends and the check decides."""
