"""Seeded ways to spoil a file: as careless tools do, as broken disks do, and as somebody does who means harm."""

from __future__ import annotations

import copy
import json
import random
from typing import Any

NASTY: list[Any] = [
    None, True, 0, -1, 3, 0.5, 1e-300, 1e300, float("nan"), float("inf"), -float("inf"), 2**31, -(2**31) - 1,
    2**53 + 1, 2**63, 2**70, -(2**80), 10**300, 1e12, "", " ", "x", "\ud800", "\udfff\ud800", "../../out/of/here",
    "/tmp/strangers", ".", "..", "\x1b[2J\x1b]0;owned\x07", "a\nb", "\0", "%s%n", "x" * 5000, "\u202e", "\x9b31m",
    "é" * 300, "80x24", "0x0", "99999x99999", "1e999", "NaN", "file:///etc/passwd", [], {}, [[]], [None], {"": None},
    [1, 2], [9, 2], ["x"] * 50, {"a": {"b": {}}},
]  # fmt: skip
NUMBERS = [value for value in NASTY if isinstance(value, int | float)] + [1e-9, 1e9, 2**62, 2**32, -0.0, 7.5, 100, 8192]
TEXTS = [value for value in NASTY if isinstance(value, str)]
WORDS = [
    "Type", "Sleep", "Set", "Enter", "Output", "Source", "Hide", "Show", "Require", "Ctrl+", "Screenshot", "Env",
    "Wait", "@9999999s", "99999999999999999999", "1e308", "-1", '"', "'", "`", "/", "\\", "\x1b[65535b",
    "\x1b[?1049h", "&a", "*a", "!!python/object:os.system", "!!timestamp 2024-99-99", "!!int x", "!!float y",
    "!!binary ***", "<<: *a", "? ", "- ", ": ", "{", "}", "[", "]", "|", ">", "%", "@", "\t", "\ufeff", "\u2028",
    "é", "漢", "🙂", "\x00", "999:99:99", "0x", "1_0", ".inf", "~", "yes", "---", "...", "#",
]  # fmt: skip


class Spoiler:
    """One seed's run of damage; the same seed always does the same."""

    def __init__(self, seed: str) -> None:
        self.rng = random.Random(seed)

    def value(self, before: Any = None) -> Any:
        """Something else; mostly of the same type, which is what gets furthest."""
        if self.rng.random() < 0.75:
            if isinstance(before, int | float):
                return self.rng.choice(NUMBERS)
            if isinstance(before, str):
                return self.rng.choice(TEXTS)
        return copy.deepcopy(self.rng.choice(NASTY))

    def document(self, document: Any) -> Any:
        """A document with one to three of its parts changed, taken away or doubled."""
        made = copy.deepcopy(document)
        for _ in range(self.rng.choice([1, 1, 1, 2, 3])):
            made = self._once(made)
        return made

    def _once(self, document: Any) -> Any:
        places = list(_places(document))
        if not places:
            return self.value()
        holder, key = self.rng.choice(places)
        match self.rng.randrange(8):
            case 0:
                del holder[key]
            case 1 if isinstance(holder, list):
                holder.insert(key, copy.deepcopy(holder[key]))
            case 2 if isinstance(holder[key], int | float) and not isinstance(holder[key], bool):
                holder[key] = holder[key] * self.rng.choice([-1, 0, 10, 1e9, 2**40])
            case 3 if isinstance(holder[key], str):
                holder[key] += self.rng.choice(["\x1b[31m", "/..", "\ud800", "\n", "\0"])
            case _:
                holder[key] = self.value(holder[key])
        return document

    def json(self, text: str) -> bytes:
        """A JSON document spoiled in its meaning, or in its bytes."""
        if self.rng.random() < 0.8:
            return json.dumps(self.document(json.loads(text))).encode()
        return self.bytes(text.encode())

    def lines(self, text: str) -> bytes:
        """A file of JSON lines with some spoiled, lost, doubled or in another order."""
        lines = text.splitlines()
        for _ in range(self.rng.choice([1, 1, 1, 2, 3])):
            place = self.rng.randrange(len(lines))
            match self.rng.randrange(10):
                case 0:
                    lines.insert(place, lines[place])
                case 1 if len(lines) > 2:
                    del lines[place]
                case 2:
                    other = self.rng.randrange(len(lines))
                    lines[place], lines[other] = lines[other], lines[place]
                case _:
                    try:
                        lines[place] = json.dumps(self.document(json.loads(lines[place])))
                    except ValueError:
                        lines[place] = "{"
        made = ("\n".join(lines) + "\n").encode("utf-8", "surrogatepass")
        return self.bytes(made) if self.rng.random() < 0.1 else made

    def text(self, text: str) -> bytes:
        """A text with words put in, lines lost, doubled or swapped."""
        lines = text.splitlines()
        for _ in range(self.rng.randint(1, 4)):
            place = self.rng.randrange(len(lines))
            line = lines[place]
            match self.rng.randrange(5):
                case 0:
                    lines.insert(place, line)
                case 1 if len(lines) > 2:
                    del lines[place]
                case 2:
                    lines[place] = line[: self.rng.randrange(len(line) + 1)]
                case _:
                    at = self.rng.randrange(len(line) + 1)
                    lines[place] = line[:at] + self.rng.choice(WORDS) + line[at:]
        made = ("\n".join(lines) + "\n").encode("utf-8", "surrogatepass")
        return self.bytes(made) if self.rng.random() < 0.2 else made

    def bytes(self, data: bytes) -> bytes:
        """Bytes flipped, lost, put in, doubled or cut off."""
        made = bytearray(data)
        for _ in range(self.rng.randint(1, 4)):
            if not made:
                break
            place = self.rng.randrange(len(made))
            size = self.rng.choice([1, 1, 2, 4, 8, 64])
            match self.rng.randrange(6):
                case 0:
                    del made[place : place + size]
                case 1:
                    made[place:place] = self.rng.randbytes(size)
                case 2:
                    made[place:place] = made[place : place + size]
                case 3:
                    made[place : place + size] = bytes([self.rng.choice([0, 0xFF, 0x7F, 0x80])]) * size
                case 4 if self.rng.random() < 0.3:
                    del made[place:]
                case _:
                    made[place] ^= 1 << self.rng.randrange(8)
        return bytes(made)


def _places(value: Any) -> Any:
    """Every place in a document that holds something: its container and its key there."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield value, key
            yield from _places(inner)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield value, number
            yield from _places(inner)
