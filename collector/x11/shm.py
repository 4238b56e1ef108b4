"""Shared memory with the X server: System V segments, and the MIT-SHM requests that python-xlib lacks."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
from numpy.typing import NDArray
from Xlib.protocol import rq

from manifests.errors import GoaltraceError

EXTENSION = "MIT-SHM"
Z_PIXMAP = 2
ALL_PLANES = 0xFFFFFFFF
_IPC_PRIVATE, _IPC_RMID, _IPC_CREAT = 0, 0, 0o1000


class Segment:
    """A piece of memory that the X server writes into and we read, uint8 [bytes]."""

    def __init__(self, size: int) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        libc.shmat.restype = ctypes.c_void_p
        libc.shmat.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_int]
        libc.shmdt.argtypes = [ctypes.c_void_p]
        libc.shmget.argtypes = [ctypes.c_int, ctypes.c_size_t, ctypes.c_int]
        self._libc = libc
        self.id = int(libc.shmget(_IPC_PRIVATE, size, _IPC_CREAT | 0o600))
        if self.id < 0:
            raise GoaltraceError(f"no shared memory of {size:,} bytes (errno {ctypes.get_errno()})")
        self._address = libc.shmat(self.id, None, 0)
        if self._address in (None, ctypes.c_void_p(-1).value):
            self.forget_on_exit()
            raise GoaltraceError(f"shared memory cannot be mapped (errno {ctypes.get_errno()})")
        self.bytes: NDArray[np.uint8] = np.ctypeslib.as_array((ctypes.c_uint8 * size).from_address(self._address))

    def forget_on_exit(self) -> None:
        """The kernel frees it when its last user has gone, also after kill -9. Call when the server has attached."""
        self._libc.shmctl(self.id, _IPC_RMID, None)

    def close(self) -> None:
        self.bytes = np.empty(0, np.uint8)
        self._libc.shmdt(self._address)


class Attach(rq.Request):  # type: ignore[misc]
    """ShmAttach, MIT-SHM minor opcode 1."""

    _request = rq.Struct(
        rq.Card8("opcode"), rq.Opcode(1), rq.RequestLength(),
        rq.Card32("segment"), rq.Card32("shmid"), rq.Bool("read_only"), rq.Pad(3),
    )  # fmt: skip


class GetImage(rq.ReplyRequest):  # type: ignore[misc]
    """ShmGetImage, MIT-SHM minor opcode 4: the server writes the pixels into the segment before it answers."""

    _request = rq.Struct(
        rq.Card8("opcode"), rq.Opcode(4), rq.RequestLength(),
        rq.Drawable("drawable"), rq.Int16("x"), rq.Int16("y"), rq.Card16("width"), rq.Card16("height"),
        rq.Card32("plane_mask"), rq.Card8("format"), rq.Pad(3), rq.Card32("segment"), rq.Card32("offset"),
    )  # fmt: skip
    _reply = rq.Struct(
        rq.ReplyCode(), rq.Card8("depth"), rq.Card16("sequence_number"), rq.ReplyLength(),
        rq.Card32("visual"), rq.Card32("size"), rq.Pad(16),
    )  # fmt: skip


def opcode(display: Any) -> int | None:
    """MIT-SHM's major opcode on this display, or None."""
    found = display.query_extension(EXTENSION)
    return int(found.major_opcode) if found is not None and found.present else None
