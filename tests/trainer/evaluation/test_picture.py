"""What was done is said in words, whichever way the model is told."""

from __future__ import annotations

import pytest

from tests.factories import make_clip
from trainer.actions import encode_actions
from trainer.evaluation.picture import describe
from trainer.settings.config import ActionsConfig


@pytest.mark.parametrize("encoding", ["raw", "meta"])
def test_actions_are_said_in_words(encoding: str) -> None:
    row = make_clip("scripted", 0, 30)
    base = {**row["actions"][0], "x": 5, "y": 5, "dx": None, "dy": None, "button": None, "key": None, "char": None}
    row["actions"] = [
        {**base, "kind": "button_down", "button": "left", "slot": 1},
        {**base, "kind": "button_up", "button": "left", "slot": 1},
        {**base, "kind": "key_down", "key": "a", "char": "a", "slot": 4},
        {**base, "kind": "key_down", "key": "Return", "char": "\r", "slot": 7},
        {**base, "kind": "scroll", "dx": 0, "dy": -2, "slot": 10},
    ]
    actions = encode_actions(row, [0, 3, 6, 9, 12, 15], ActionsConfig(encoding=encoding))
    said = [describe(frame) for frame in actions]
    assert said[0] == said[5] == ""
    assert "left click" in said[1] and "a" in said[2] and "Return" in said[3] and "scroll down" in said[4]
