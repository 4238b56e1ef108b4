"""Curves and interval marks as inline SVG; colours come from the page's style sheet."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 460, 230, 48, 12, 14, 40


def curves(title: str, axis: str, step: float, lines: Sequence[tuple[str, str, Sequence[float | None]]]) -> str:
    """Lines over the time since the last given frame.

    Args:
        axis: what the values are, with their unit.
        step: seconds between two values; the first is one step after the last given frame.
        lines: (name, CSS class, values); None breaks a line.
    """
    values = [value for _, _, line in lines for value in line if value is not None]
    if not values:
        return ""
    ticks = nice_ticks(min(values), max(values))
    low, high = ticks[0], ticks[-1]
    count = max(len(line) for _, _, line in lines)
    plot, tall = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

    def x(number: int) -> float:
        return LEFT + plot * (number / max(count - 1, 1))

    def y(value: float) -> float:
        return TOP + tall * (1 - (value - low) / (high - low))

    parts = [f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title, quote=True)}">']
    for tick in ticks:
        parts.append(f'<line class="base" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(tick):.1f}" y2="{y(tick):.1f}"/>')
        parts.append(f'<text class="note" x="{LEFT - 6}" y="{y(tick) + 4:.1f}" text-anchor="end">{tick:g}</text>')
    for number in range(0, count, max(1, -(-count // 6))):
        place = f'x="{x(number):.1f}" y="{HEIGHT - BOTTOM + 16}"'
        parts.append(f'<text class="note" {place} text-anchor="middle">{step * (number + 1):.2g}</text>')
    for name, style, line in lines:
        for piece in _pieces(line):
            points = " ".join(f"{x(number):.1f},{y(value):.1f}" for number, value in piece)
            if len(piece) == 1:
                number, value = piece[0]
                parts.append(f'<circle class="{style}" cx="{x(number):.1f}" cy="{y(value):.1f}" r="2.5"/>')
            parts.append(f'<polyline class="{style}" points="{points}"><title>{escape(name)}</title></polyline>')
    parts.append(
        f'<text class="note" x="{LEFT + plot / 2:.0f}" y="{HEIGHT - 8}" text-anchor="middle">'
        f"s since the last given frame · {escape(axis)}</text></svg>"
    )
    return "".join(parts)


def _pieces(line: Sequence[float | None]) -> list[list[tuple[int, float]]]:
    pieces: list[list[tuple[int, float]]] = [[]]
    for number, value in enumerate(line):
        if value is None:
            pieces.append([])
        else:
            pieces[-1].append((number, value))
    return [piece for piece in pieces if piece]


def nice_ticks(low: float, high: float, about: int = 4) -> list[float]:
    """Round numbers that enclose [low, high], a step of 1, 2 or 5 times a power of ten apart."""
    span = high - low
    if span <= 1e-6 * (abs(low) + abs(high) + 1e-6):  # as good as one value
        span = abs(high) if abs(high) > 1e-6 else 1.0
    raw = span / about
    power = 10.0 ** _floor_log10(raw)
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= raw * 0.999)
    first, last = int(low // step), int(-(-high // step))
    if first == last:
        last += 1
    return [float(f"{number * step:.10g}") for number in range(first, last + 1)]


def _floor_log10(value: float) -> int:
    power = 0
    while 10.0 ** (power + 1) <= value:
        power += 1
    while 10.0**power > value:
        power -= 1
    return power


def difference_mark(value: float, low: float, high: float, better: int, widest: float) -> str:
    """An interval of a difference over a zero line, coloured where it leaves out zero.

    better: 1 where more is better, -1 where less is, 0 where neither is.
    """
    width, height = 110, 18

    def x(at: float) -> float:
        return width / 2 + (width / 2 - 6) * max(-1.0, min(1.0, at / (widest or 1)))

    clear = better != 0 and (min(low, high) > 0 or max(low, high) < 0)
    style = ("good" if value * better > 0 else "bad") if clear else "unsure"
    return (
        f'<svg class="mark" viewBox="0 0 {width} {height}" width="{width}" height="{height}" aria-hidden="true">'
        f'<line class="zero" x1="{width / 2}" x2="{width / 2}" y1="1" y2="{height - 1}"/>'
        f'<line class="{style}" x1="{x(low):.1f}" x2="{x(high):.1f}" y1="9" y2="9"/>'
        f'<circle class="{style}" cx="{x(value):.1f}" cy="9" r="4"/></svg>'
    )
