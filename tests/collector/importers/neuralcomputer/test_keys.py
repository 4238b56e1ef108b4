"""Keys of a NeuralComputer log: one that goes down while it is held is repeated by the system, not pressed again."""

from __future__ import annotations

from collector.importers.neuralcomputer.actions import actions_of
from collector.importers.neuralcomputer.keys import KeyChange
from collector.importers.neuralcomputer.log import LogRow


def test_a_key_that_goes_down_while_it_is_held_is_a_repetition() -> None:
    presses = [True, True, True, False, True, False]
    rows = [
        LogRow(
            seconds=number * 0.1, x=1, y=1, left=False, right=False, keys=[KeyChange(down, "a", "a" if down else None)]
        )
        for number, down in enumerate(presses)
    ]
    keys = [action for action in actions_of(rows, None) if action.kind.startswith("key")]
    assert [action.kind == "key_down" for action in keys] == presses
    assert [bool(action.repeat) for action in keys] == [False, True, True, False, False, False]
