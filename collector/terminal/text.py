"""A terminal's visible text, read many times: `pyghostty.Terminal.text` at a third of its cost."""

from __future__ import annotations

from typing import Any

from pyghostty import ffi, lib
from pyghostty._ffi import union_fn

from collector.terminal.rows import check, sized

_grid_ref = union_fn(
    "ghostty_terminal_grid_ref", "GhosttyResult(*)(GhosttyTerminal, GhosttyPointS, GhosttyGridRef*)"
)  # takes a union by value, which cffi alone cannot pass


class VisibleText:
    """Reads the text of one terminal, rows as displayed and without the blanks at their ends.

    `terminal` is the native handle, which must outlive it.
    """

    def __init__(self, terminal: Any) -> None:
        self._terminal = terminal
        self._selection = sized("GhosttySelection")
        options = self._options = sized("GhosttyTerminalSelectionFormatOptions")
        options.emit = lib.GHOSTTY_FORMATTER_FORMAT_PLAIN
        options.unwrap, options.trim, options.selection = False, True, self._selection
        self._size = ffi.new("size_t*")
        self._buffer: Any = ffi.new("uint8_t[]", 16_384)

    def read(self, columns: int, rows: int) -> str:
        """The text of a screen of this size, which must be the terminal's."""
        self._selection.start = self._at(0, 0)
        self._selection.end = self._at(columns - 1, rows - 1)
        if self._format() == lib.GHOSTTY_OUT_OF_SPACE:
            self._buffer = ffi.new("uint8_t[]", 2 * self._size[0])
            check(self._format())
        return str(ffi.buffer(self._buffer, self._size[0])[:], "utf-8")

    def _at(self, x: int, y: int) -> Any:
        point = ffi.new("GhosttyPointS*")
        point.tag = lib.GHOSTTY_POINT_TAG_ACTIVE
        point.value.x, point.value.y = x, y
        reference = sized("GhosttyGridRef")
        check(_grid_ref(self._terminal, point[0], reference))
        return reference[0]

    def _format(self) -> int:
        result: int = lib.ghostty_terminal_selection_format_buf(
            self._terminal, self._options[0], self._buffer, len(self._buffer), self._size
        )
        if result != lib.GHOSTTY_OUT_OF_SPACE:
            check(result)
        return result
