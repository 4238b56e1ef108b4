"""Masking a session's clips: the new column values, and the cells of the pictures to paint over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import TypedDict

from curation.scan.clips import cell_of
from curation.scan.findings import ClipFindings, OnScreen, by_row
from curation.scan.painting import CellBox
from curation.scan.screens import width_of
from curation.scan.session import ScanOptions, scan_session
from manifests.clip import ClipAction, EventRow
from manifests.secrets import MASK, WIDE_MASK, covered

UNSEEN = "something sensitive was found in its keys or texts, and its pixels cannot be read: they may show it"
LATER = "it may still show what an earlier clip of its session has"
LEFT = "something in it cannot be masked for certain"
_ROUNDS = 4
_BLANK = " \0" + MASK + WIDE_MASK


class MaskedColumns(TypedDict, total=False):
    """The columns of a clip that differ once it is masked."""

    goal: str
    caption_short: str
    caption: str
    caption_detailed: str
    changed: list[float]
    screen_text: list[str]
    actions: list[ClipAction]
    start_keys: list[str]


@dataclass
class Masked:
    """A clip, masked: the columns that differ and the cells to paint over; or why it is to be left out."""

    columns: MaskedColumns = field(default_factory=MaskedColumns)
    boxes: dict[int, set[CellBox]] = field(default_factory=dict)
    """By picture."""
    left_out: str = ""


def mask(rows: Sequence[EventRow], options: ScanOptions) -> dict[str, Masked]:
    """Clip id -> what becomes of it, for the clips of a session in order.

    The masked session is scanned again, since masking changes what its texts say, until nothing is found; a clip in
    which something still is found is left out.
    """
    cell = cell_of(rows)
    made = {row["clip_id"]: Masked() for row in rows}
    for number in range(_ROUNDS):
        found = scan_session(rows, options)
        if not any(one.columns for one in found):
            break
        _leave_out(found, made, last=number == _ROUNDS - 1)
        held: set[str] = set()
        for row, one in zip(rows, found, strict=True):
            _mask(made[one.clip_id], row, one, cell, held)
        rows = [{**row, **made[row["clip_id"]].columns} for row in rows]
    if cell is not None:
        _forget_ink(rows, made, cell)
    return made


def _forget_ink(rows: Sequence[EventRow], made: dict[str, Masked], cell: tuple[int, int]) -> None:
    """Make `changed` count cells instead of pixels where masked cells change: a key's ink could reveal which it was."""
    before, painted_before = "", False
    for row in rows:
        masked = made[row["clip_id"]]
        changed = list(row["changed"])
        last = -1
        for frame, picture in enumerate(row["picture"]):
            if picture == last or picture >= len(row["screen_text"]):
                continue
            last, text, painted = picture, row["screen_text"][picture], picture in masked.boxes
            if painted or painted_before:
                share = _differing(before, text) * cell[0] * cell[1] / (row["width"] * row["height"])
                changed[frame] = min(1.0, share)
            before, painted_before = text, painted
        if changed != row["changed"]:
            masked.columns["changed"] = changed


def _differing(one: str, other: str) -> int:
    """In how many cells two screens differ."""
    pairs = zip_longest(one.split("\n"), other.split("\n"), fillvalue="")
    return sum(a != b for rows in pairs for a, b in zip_longest(*rows, fillvalue=" "))


def _leave_out(found: Sequence[ClipFindings], made: dict[str, Masked], last: bool) -> None:
    shown_before = False
    for one in found:
        reason = UNSEEN if one.unseen else LATER if shown_before else ""
        shown_before = shown_before or one.unseen
        if not reason and one.unmaskable:
            reason = f"its {one.unmaskable[0]} holds something sensitive, and says which clip it is"
        if not reason and last and one.columns:
            reason = LEFT
        made[one.clip_id].left_out = made[one.clip_id].left_out or reason


def _mask(masked: Masked, row: EventRow, one: ClipFindings, cell: tuple[int, int] | None, held: set[str]) -> None:
    for column, spans in one.texts.items():
        masked.columns[column] = covered(row[column], spans)
    if one.keys or held:
        masked.columns["start_keys"] = [key for key in row["start_keys"] if key not in held]
        masked.columns["actions"] = _keys(row["actions"], one.keys, held)
    if one.screen:
        masked.columns["screen_text"] = _texts(row["screen_text"], one.screen)
        if cell is None:
            masked.left_out = UNSEEN
        else:
            for picture, boxes in _boxes(row, one.screen, cell).items():
                masked.boxes.setdefault(picture, set()).update(boxes)


def _keys(actions: list[ClipAction], keys: dict[int, set[int]], held: set[str]) -> list[ClipAction]:
    """The actions with those keys left blank, and their releases; `held` are the masked keys that are still down."""
    made = []
    for number, action in enumerate(actions):
        char = action["char"] or ""
        if number in keys:
            if action["kind"] == "key_down" and action["key"]:
                held.add(action["key"])
            rest = "".join(MASK if at in keys[number] else c for at, c in enumerate(char))
            action = {**action, "key": None, "char": rest if rest.strip(MASK) else None, "redacted": True}
        elif action["kind"] == "key_up" and action["key"] in held:
            held.discard(action["key"])
            action = {**action, "key": None, "char": None, "redacted": True}
        made.append(action)
    return made


def _texts(texts: list[str], places: set[OnScreen]) -> list[str]:
    rows = [text.split("\n") for text in texts]
    for (picture, y), runs in by_row(places).items():
        row = rows[picture][y]
        for start, end in runs:
            over = "".join(WIDE_MASK if width_of(c) > 1 else MASK if c.strip() else c for c in row[start:end])
            row = row[:start] + over + row[end:]
        rows[picture][y] = row
    return ["\n".join(lines) for lines in rows]


def _boxes(row: EventRow, places: set[OnScreen], cell: tuple[int, int]) -> dict[int, list[CellBox]]:
    """The cells to paint over.

    Beyond ASCII terminals differ in how wide a character is: there everything is painted over from the first column
    where a place may be, to the end of the row.
    """
    wide, high = cell
    boxes: dict[int, list[CellBox]] = {}
    for (picture, y), runs in by_row(places).items():
        text = row["screen_text"][picture].split("\n")[y]
        here = boxes.setdefault(picture, [])
        for start, end in runs:
            if text[:end].isascii():
                here.append(
                    CellBox(start * wide, y * high, wide, high, tuple(c not in _BLANK for c in text[start:end]))
                )
                continue
            first = sum(c.isascii() for c in text[:start])
            here.append(CellBox(first * wide, y * high, wide, high, (False,) * (row["width"] // wide - first)))
            break
    return boxes
