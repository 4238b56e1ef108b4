"""Damage of every kind to a session's files, for tests that must bear it."""

from __future__ import annotations

from pathlib import Path

from hypothesis import strategies as st

FILES = ["session.json", "frames.jsonl", "actions.jsonl", "intents.jsonl", "events.jsonl", "screen.mkv", "consent.json"]


def spoil(path: Path, data: st.DataObject) -> None:
    """Cut, flip, overwrite or replace a file's bytes."""
    content = bytearray(path.read_bytes() if path.is_file() else b"{}\n")
    place = data.draw(st.integers(0, max(len(content) - 1, 0)))
    match data.draw(st.sampled_from(["cut", "flip", "insert", "number", "remove"])):
        case "cut":
            del content[place:]
        case "flip" if content:
            content[place] ^= 1 << data.draw(st.integers(0, 7))
        case "insert":
            content[place:place] = data.draw(st.binary(max_size=40))
        case "number":
            big = data.draw(st.sampled_from([b"9" * 400, b"-1", b"1e400", b"NaN", b'"\\ud800"', b"[" * 5000]))
            digits = next((i for i in range(place, len(content)) if chr(content[i]).isdigit()), None)
            if digits is not None:
                content[digits : digits + 1] = big
        case "remove":
            path.unlink(missing_ok=True)
            return
    path.write_bytes(content)
