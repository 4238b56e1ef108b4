"""A terminal's visible text, read many times: `pyghostty.Terminal.text` at a third of its cost."""

from __future__ import annotations

from typing import Any

from pyghostty import Terminal, ffi, lib

from collector.terminal.rows import check, sized


class VisibleText:
    """Reads the text of one terminal, rows as displayed and without the blanks at their ends."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._selection = sized("GhosttySelection")
        options = self._options = sized("GhosttyTerminalSelectionFormatOptions")
        options.emit = lib.GHOSTTY_FORMATTER_FORMAT_PLAIN
        options.unwrap, options.trim, options.selection = False, True, self._selection
        self._size = ffi.new("size_t*")
        self._buffer: Any = ffi.new("uint8_t[]", 16_384)

    def read(self, columns: int, rows: int) -> str:
        """The text of a screen of this size, which must be the terminal's."""
        terminal, selection = self._terminal, self._selection
        selection.start = terminal.ref(0, 0)[0]
        selection.end = terminal.ref(columns - 1, rows - 1)[0]
        if self._format() == lib.GHOSTTY_OUT_OF_SPACE:
            self._buffer = ffi.new("uint8_t[]", 2 * self._size[0])
            check(self._format())
        return str(ffi.buffer(self._buffer, self._size[0])[:], "utf-8")

    def _format(self) -> int:
        handle, buffer = self._terminal._t[0], self._buffer
        result: int = lib.ghostty_terminal_selection_format_buf(
            handle, self._options[0], buffer, len(buffer), self._size
        )  # fmt: skip
        if result != lib.GHOSTTY_OUT_OF_SPACE:
            check(result)
        return result
