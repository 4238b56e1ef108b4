"""Block elements, sextants, braille and scan lines: parts of a cell, filled to its edges."""

from __future__ import annotations

import unicodedata

import numpy as np

from collector.terminal.shapes import Cover, light

_EIGHTHS = {
    "ONE EIGHTH": 1, "ONE QUARTER": 2, "THREE EIGHTHS": 3, "HALF": 4, "FIVE EIGHTHS": 5, "THREE QUARTERS": 6,
    "SEVEN EIGHTHS": 7,
}  # fmt: skip
_SHADES = {"\u2591": 64, "\u2592": 128, "\u2593": 191}
_QUADRANTS = ["UPPER LEFT", "UPPER RIGHT", "LOWER LEFT", "LOWER RIGHT"]
_SCAN_LINES = {"\u23ba": 1, "\u23bb": 3, "\u23bc": 7, "\u23bd": 9}
"""Lines across the cell, of the nine that a VT100's characters have."""
_BRAILLE = [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3)]
"""Column and row of the dots 1 to 8."""


def block(char: str, width: int, height: int) -> Cover | None:
    """Coverage of a block element, a sextant, a braille pattern or a scan line; None for any other character."""
    if "\u2580" <= char <= "\u259f":
        return _element(char, width, height)
    if "\U0001fb00" <= char <= "\U0001fb3b":
        bits = ord(char) - 0x1FB00 + 1
        for half_block in (0b010101, 0b101010):  # which have codes of their own
            bits += bits >= half_block
        return _parts([bits >> number & 1 for number in range(6)], 3, width, height)
    if "\u2800" <= char <= "\u28ff":
        return _braille(ord(char) - 0x2800, width, height)
    if char in _SCAN_LINES:
        cover = np.zeros((height, width), dtype=np.uint8)
        start = (height - light(width)) * (_SCAN_LINES[char] - 1) // 8
        cover[start : start + light(width)] = 255
        return cover
    return None


def _element(char: str, width: int, height: int) -> Cover:
    name = unicodedata.name(char)
    if name == "FULL BLOCK" or char in _SHADES:
        return np.full((height, width), _SHADES.get(char, 255), dtype=np.uint8)
    if name.startswith("QUADRANT"):
        return _parts([int(quadrant in name) for quadrant in _QUADRANTS], 2, width, height)
    cover = np.zeros((height, width), dtype=np.uint8)
    side, size = name.removesuffix(" BLOCK").split(" ", 1)
    part = _EIGHTHS[size]
    if side == "LOWER":
        cover[height - _round(height * part, 8) :] = 255
    elif side == "UPPER":  # what a lower block leaves
        cover[: height - _round(height * (8 - part), 8)] = 255
    elif side == "LEFT":
        cover[:, : _round(width * part, 8)] = 255
    else:
        cover[:, _round(width * (8 - part), 8) :] = 255
    return cover


def _parts(filled: list[int], rows: int, width: int, height: int) -> Cover:
    """Two columns and `rows` rows of parts, listed row by row."""
    cover = np.zeros((height, width), dtype=np.uint8)
    for number, on in enumerate(filled):
        y, x = divmod(number, 2)
        top, bottom = _round(height * y, rows), _round(height * (y + 1), rows)
        cover[top:bottom, _round(width * x, 2) : _round(width * (x + 1), 2)] = 255 * on
    return cover


def _braille(bits: int, width: int, height: int) -> Cover:
    cover = np.zeros((height, width), dtype=np.uint8)
    size = max(1, min(width // 4, height // 8))
    for number, (x, y) in enumerate(_BRAILLE):
        if bits >> number & 1:
            left, top = (2 * x + 1) * width // 4 - size // 2, (2 * y + 1) * height // 8 - size // 2
            cover[top : top + size, left : left + size] = 255
    return cover


def _round(value: int, parts: int) -> int:
    return (value * 2 + parts) // (2 * parts)
