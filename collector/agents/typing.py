"""How a person types: uneven intervals, pauses at word ends, slips that are noticed and corrected.

Shared by the terminal and the desktop agent. Everything is drawn from the generator given, so an episode's seed
decides every keystroke.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

BACKSPACE = "BackSpace"

_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_LEFT_HAND = frozenset("qwertasdfgzxcvb12345")
_RIGHT_HAND = frozenset("yuiophjklnm67890")


class Keystroke(NamedTuple):
    """One key: a single character, or `BACKSPACE`, `delay_s` seconds after the key before."""

    delay_s: float
    key: str


@dataclass(frozen=True)
class TypingModel:
    """One typist.

    Inter-key intervals are log-normal around `mean_s`. For scale: Dhakal et al., "Observations on Typing from 136
    Million Keystrokes", CHI 2018, report a mean interval of 239 ms (52 words a minute) over 168,000 volunteers and
    about 120 ms for the fast ones; the default is a practised typist between the two. Keys of alternate hands
    follow each other 30-60 ms faster than keys of one hand (Salthouse, Psychological Bulletin 99, 1986).
    The other figures are our choices, not measurements.
    """

    mean_s: float = 0.15
    """Mean interval between two keys of one hand, seconds."""
    spread: float = 0.35
    """Standard deviation of the interval's logarithm."""
    alternate_s: float = 0.035
    """How much sooner a key of the other hand comes, seconds."""
    word_pause_s: float = 0.09
    """Mean extra time before the first key of a word, seconds."""
    slip_rate: float = 0.012
    """Chance that a letter comes out as its neighbour on the keyboard."""
    notice_s: float = 0.45
    """Mean time between the last wrong key and the first BackSpace, seconds."""
    floor_s: float = 0.03
    """No interval is shorter, seconds."""

    @classmethod
    def drawn(cls, rng: random.Random) -> TypingModel:
        """A typist of an ordinary office: someone a little faster or slower, neater or sloppier."""
        return cls(mean_s=rng.uniform(0.12, 0.19), slip_rate=rng.uniform(0.004, 0.02))


def type_text(text: str, rng: random.Random, model: TypingModel | None = None) -> Iterator[Keystroke]:
    """The keystrokes of a person typing `text`; applying the BackSpaces always leaves exactly `text`.

    A slip puts a neighbouring letter (QWERTY) in place of one, goes on for up to two more letters of the word,
    is noticed, taken back and typed again. A slip is always inside a word, so no wrong command is ever sent.
    """
    model = model or TypingModel()
    before = ""
    position = 0
    while position < len(text):
        wrong = _slip(text, position, rng, model)
        for char in wrong:
            yield Keystroke(_interval(before, char, rng, model), char)
            before = char
        for number in range(len(wrong)):
            wait = _log_normal(model.notice_s, rng) if number == 0 else _log_normal(model.mean_s * 0.8, rng)
            yield Keystroke(max(model.floor_s, wait), BACKSPACE)
        char = text[position]
        yield Keystroke(_interval(before, char, rng, model), char)
        before = char
        position += 1


def _slip(text: str, position: int, rng: random.Random, model: TypingModel) -> str:
    """The wrong letters typed at `position`, most often none."""
    near = _neighbours(text[position])
    if not near or rng.random() >= model.slip_rate:
        return ""
    wrong = rng.choice(near)
    for following in text[position + 1 : position + 1 + rng.choice((0, 0, 1, 1, 2))]:
        if not following.isalpha():
            break
        wrong += following
    return wrong


def _neighbours(char: str) -> list[str]:
    """Letters beside `char` in its row of a QWERTY keyboard, in the same case."""
    for row in _ROWS:
        at = row.find(char.lower()) if char.isascii() and char.isalpha() else -1
        if at >= 0:
            beside = [row[i] for i in (at - 1, at + 1) if 0 <= i < len(row)]
            return [c.upper() for c in beside] if char.isupper() else beside
    return []


def _interval(before: str, char: str, rng: random.Random, model: TypingModel) -> float:
    mean = model.mean_s
    a, b = before.lower(), char.lower()
    if (a in _LEFT_HAND and b in _RIGHT_HAND) or (a in _RIGHT_HAND and b in _LEFT_HAND):
        mean -= model.alternate_s
    interval = _log_normal(mean, rng, model.spread)
    if before in (" ", "\n") and char.strip():
        interval += rng.expovariate(1 / model.word_pause_s) if model.word_pause_s else 0.0
    return max(model.floor_s, interval)


def _log_normal(mean: float, rng: random.Random, spread: float = 0.35) -> float:
    """A log-normal draw whose mean (not median) is `mean`."""
    return rng.lognormvariate(math.log(mean) - spread**2 / 2, spread)
