"""The X server's keyboard as the server itself holds it: XKB's GetMap, which python-xlib lacks.

The core protocol's table of keysyms knows two columns and no groups; this is the table that every text entry on the
screen looks its keys up in. Layouts of the requests: "The X Keyboard Extension: Protocol Specification", appendix D.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

from Xlib.protocol import rq

from manifests.errors import GoaltraceError

EXTENSION = "XKEYBOARD"
_CORE_KEYBOARD = 0x100
_TYPES, _SYMS, _MODIFIERS = 1, 2, 4  # bits of the parts that GetMap gives
_NEW_KEYBOARD, _NEW_MAP = 1, 2  # bits of the events NewKeyboardNotify and MapNotify
_CLAMP, _REDIRECT = 1, 2


@dataclass(frozen=True)
class KeyType:
    """How modifiers choose a level of a key."""

    mask: int
    """Modifiers (core bits) that this type looks at: they are used up by choosing the level."""
    levels: dict[int, int]
    """Modifiers -> level; those not named here choose level 0."""
    kept: dict[int, int]
    """Modifiers -> those of them that choose a level and yet still count, as for a chord."""


@dataclass(frozen=True)
class KeySyms:
    """What one key means."""

    types: tuple[KeyType, ...]
    """The type of each group; as many as the key has groups."""
    rows: tuple[tuple[int, ...], ...]
    """Keysyms [group][level]; 0: none."""
    beyond: int
    """What a group that the key lacks means: 0 counts round, 1 the last one, 2 `instead`."""
    instead: int

    def group(self, group: int) -> int | None:
        """Which of the key's groups the keyboard's group `group` means; None for a key without meanings."""
        count = len(self.rows)
        if group < count or not count:
            return group if count else None
        if self.beyond == _CLAMP:
            return count - 1
        if self.beyond == _REDIRECT:
            return self.instead if self.instead < count else 0
        return group % count

    def level(self, group: int, modifiers: int) -> int:
        """The level that core modifier bits choose in one of the key's own groups."""
        kind = self.types[group]
        return kind.levels.get(modifiers & kind.mask, 0)


@dataclass(frozen=True)
class Keymap:
    """A keyboard: what its keys mean, and which modifier each of them is."""

    keys: dict[int, KeySyms]
    """Keycode -> its meanings."""
    modifiers: dict[int, int]
    """Keycode -> the core modifier bits that it sets while it is held."""

    def look_up(self, keycode: int, modifiers: int, group: int) -> tuple[int, int]:
        """(keysym, the modifiers that choosing it used up) of a key pressed in this state; keysym 0: none."""
        key = self.keys.get(keycode)
        own = key.group(group) if key else None
        if key is None or own is None:
            return 0, 0
        kind, level = key.types[own], key.level(own, modifiers)
        used = kind.mask & ~kind.kept.get(modifiers & kind.mask, 0)
        row = key.rows[own]
        return (row[level] if level < len(row) else 0), used


class UseExtension(rq.ReplyRequest):  # type: ignore[misc]
    """XkbUseExtension, minor opcode 0: must come before any other request."""

    _request = rq.Struct(
        rq.Card8("opcode"), rq.Opcode(0), rq.RequestLength(), rq.Card16("major"), rq.Card16("minor"),
    )  # fmt: skip
    _reply = rq.Struct(
        rq.ReplyCode(), rq.Card8("supported"), rq.Card16("sequence_number"), rq.ReplyLength(),
        rq.Card16("major"), rq.Card16("minor"), rq.Pad(20),
    )  # fmt: skip


class SelectEvents(rq.Request):  # type: ignore[misc]
    """XkbSelectEvents, minor opcode 1, for events that are wanted whole."""

    _request = rq.Struct(
        rq.Card8("opcode"), rq.Opcode(1), rq.RequestLength(), rq.Card16("device"), rq.Card16("affect_which"),
        rq.Card16("clear"), rq.Card16("select_all"), rq.Card16("affect_map"), rq.Card16("map"),
    )  # fmt: skip


class GetState(rq.ReplyRequest):  # type: ignore[misc]
    """XkbGetState, minor opcode 4: modifiers and group of now."""

    _request = rq.Struct(
        rq.Card8("opcode"), rq.Opcode(4), rq.RequestLength(), rq.Card16("device"), rq.Pad(2),
    )  # fmt: skip
    _reply = rq.Struct(
        rq.ReplyCode(), rq.Card8("device"), rq.Card16("sequence_number"), rq.ReplyLength(),
        rq.Card8("mods"), rq.Card8("base_mods"), rq.Card8("latched_mods"), rq.Card8("locked_mods"),
        rq.Card8("group"), rq.Card8("locked_group"), rq.Int16("base_group"), rq.Int16("latched_group"),
        rq.Card8("compat_state"), rq.Card8("grab_mods"), rq.Card8("compat_grab_mods"), rq.Card8("lookup_mods"),
        rq.Card8("compat_lookup_mods"), rq.Pad(1), rq.Card16("pointer"), rq.Pad(6),
    )  # fmt: skip


class LatchLockState(rq.Request):  # type: ignore[misc]
    """XkbLatchLockState, minor opcode 5: used to switch the locked group, as a layout indicator does."""

    _request = rq.Struct(
        rq.Card8("opcode"), rq.Opcode(5), rq.RequestLength(), rq.Card16("device"),
        rq.Card8("affect_mod_locks"), rq.Card8("mod_locks"), rq.Bool("lock_group"), rq.Card8("group_lock"),
        rq.Card8("affect_mod_latches"), rq.Pad(2), rq.Bool("latch_group"), rq.Card16("group_latch"),
    )  # fmt: skip


class GetMap(rq.ReplyRequest):  # type: ignore[misc]
    """XkbGetMap, minor opcode 8, for whole parts of the keyboard; what comes back is left to `_parse`."""

    _request = rq.Struct(
        rq.Card8("opcode"), rq.Opcode(8), rq.RequestLength(), rq.Card16("device"), rq.Card16("full"), rq.Pad(20),
    )  # fmt: skip
    _reply = rq.Struct(
        rq.ReplyCode(), rq.Card8("device"), rq.Card16("sequence_number"), rq.ReplyLength(), rq.Binary("rest"),
    )  # fmt: skip


class Xkb:
    """The XKB requests of one connection. Raises `GoaltraceError` where the X server has no XKB."""

    def __init__(self, display: Any) -> None:
        self._connection, self._display = display, display.display
        found = display.query_extension(EXTENSION)
        if found is None or not found.present:
            raise GoaltraceError("the X server has no XKEYBOARD extension; use Xvfb, Xtigervnc or Xorg")
        self._opcode, self._event = int(found.major_opcode), int(found.first_event)
        UseExtension(display=self._display, opcode=self._opcode, major=1, minor=0)

    def listen(self) -> None:
        """Ask for events at changes: a client that uses XKB no longer gets MappingNotify."""
        SelectEvents(
            display=self._display, opcode=self._opcode, device=_CORE_KEYBOARD,
            affect_which=_NEW_KEYBOARD | _NEW_MAP, clear=0, select_all=_NEW_KEYBOARD, affect_map=0xFF, map=0xFF,
        )  # fmt: skip

    def changed(self) -> bool:
        """Whether the keyboard has become another since this was asked last."""
        self._connection.sync()
        changed = False
        while self._connection.pending_events():
            changed |= int(self._connection.next_event().type) == self._event
        return changed

    def keymap(self) -> Keymap:
        """The keyboard as it is now."""
        parts = _TYPES | _SYMS | _MODIFIERS
        reply = GetMap(display=self._display, opcode=self._opcode, device=_CORE_KEYBOARD, full=parts)
        return _parse(bytes(reply.rest))

    def state(self) -> tuple[int, int]:
        """(modifiers that are locked, group in effect) now."""
        reply = GetState(display=self._display, opcode=self._opcode, device=_CORE_KEYBOARD)
        return int(reply.locked_mods), int(reply.group)

    def lock_group(self, group: int) -> None:
        """Switch to another layout of several, numbered from 0."""
        LatchLockState(
            display=self._display, opcode=self._opcode, device=_CORE_KEYBOARD, affect_mod_locks=0, mod_locks=0,
            lock_group=1, group_lock=group, affect_mod_latches=0, latch_group=0, group_latch=0,
        )  # fmt: skip


_HEAD = struct.Struct("<2x2BH3BBHBBH13BxH")  # what follows the reply's first 8 bytes


def _parse(data: bytes) -> Keymap:
    head = _HEAD.unpack_from(data)
    n_types, first_sym, n_syms = head[4], head[6], head[8]
    total_modifiers = head[20]
    at, types = _HEAD.size, []
    for _ in range(n_types):
        kind, at = _type(data, at)
        types.append(kind)
    keys: dict[int, KeySyms] = {}
    for keycode in range(first_sym, first_sym + n_syms):
        keys[keycode], at = _syms(data, at, types)
    pairs = data[at : at + 2 * total_modifiers]
    return Keymap(keys, dict(zip(pairs[::2], pairs[1::2], strict=True)))


def _type(data: bytes, at: int) -> tuple[KeyType, int]:
    mask, entries, preserve = struct.unpack_from("<B4xBBx", data, at)
    at += 8
    levels: dict[int, int] = {}
    kept: dict[int, int] = {}
    chosen: list[tuple[bool, int]] = []
    for number in range(entries):
        active, modifiers, level = struct.unpack_from("<BBB5x", data, at + 8 * number)
        chosen.append((bool(active), modifiers))
        if active:
            levels.setdefault(modifiers, level)
    at += 8 * entries
    if preserve:
        for number, (active, modifiers) in enumerate(chosen):
            if active:
                kept[modifiers] = data[at + 4 * number]
        at += 4 * entries
    return KeyType(mask, levels, kept), at


def _syms(data: bytes, at: int, types: list[KeyType]) -> tuple[KeySyms, int]:
    kinds, info, width, count = struct.unpack_from("<4sBBH", data, at)
    at += 8
    syms = struct.unpack_from(f"<{count}I", data, at)
    groups = info & 0x0F
    rows = tuple(tuple(syms[width * group : width * (group + 1)]) for group in range(groups))
    own = tuple(types[index] for index in kinds[:groups])
    return KeySyms(own, rows, info >> 6 & 3, info >> 4 & 3), at + 4 * count
