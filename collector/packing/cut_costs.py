"""What it costs to cut a session into clips at a frame: least where nothing is going on.

In a terminal a cut at an empty prompt costs less than any other, and a cut in a long silence less than in a short
one. On a desktop a cut while a key or button is down costs something, any other nothing.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Sequence

from collector.packing.held_inputs import HeldInputs
from collector.packing.recorded_session import RecordedSession
from manifests.session import Action, Frame


def held_costs(starts: Sequence[int], frames: Sequence[Frame], actions: Sequence[Action]) -> list[float]:
    """For each of `starts`: 1 where something is held down when the frame is taken, else 0."""
    held, costs = HeldInputs(), []
    pressed = [action for action in actions if action.kind in _PRESSES]
    seen = 0
    for frame in starts:
        while seen < len(pressed) and pressed[seen].t_ns <= frames[frame].t1_ns:
            held.see(pressed[seen])
            seen += 1
        costs.append(1.0 if held.keys or held.buttons else 0.0)
    return costs


_PRESSES = ("key_down", "key_up", "button_down", "button_up")


class TerminalCutCosts:
    """When something was typed or printed in a terminal session, and when its shell stood at an empty prompt."""

    def __init__(self, session: RecordedSession) -> None:
        from collector.terminal.cast import open_cast, parse_size
        from collector.terminal.transcript import Transcript

        self._frames = session.frames
        self._times, self._prompt = array("q"), bytearray()  # of each event: when, and whether a prompt stood then
        keys = iter(session.actions)
        key = next(keys, None)
        cast = open_cast(session.folder.cast)
        transcript = Transcript(cast.columns, cast.rows)
        for event in cast.events():
            while key is not None and key.t_ns <= event.t_ns:
                self._see(key.t_ns, False)
                key = next(keys, None)
            if event.code == "o":
                transcript.output(event.t_ns, event.data)
                self._see(event.t_ns, transcript.at_prompt)
            elif event.code == "r":
                transcript.resize(*parse_size(event.data, str(cast.path)))
        while key is not None:
            self._see(key.t_ns, False)
            key = next(keys, None)

    def costs(self, starts: Sequence[int]) -> list[float]:
        """For each of `starts`: 0 to 1 at an empty prompt, 1 to 2 elsewhere, less in a longer silence."""
        return [self._cost(self._frames[frame].t1_ns) for frame in starts]

    def _cost(self, t_ns: int) -> float:
        after = bisect_right(self._times, t_ns)
        begin = self._times[after - 1] if after else 0
        silent_s = (self._times[after] - begin) / 1e9 if after < len(self._times) else 3600.0
        prompt = after and self._prompt[after - 1]
        return (0.0 if prompt else 1.0) + 1 / (1 + silent_s)

    def _see(self, t_ns: int, prompt: bool) -> None:
        self._times.append(t_ns)
        self._prompt.append(prompt)
