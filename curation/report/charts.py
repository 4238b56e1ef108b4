"""Histograms as inline SVG: no chart library, no script, colours from the page's own style sheet."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np
from markupsafe import Markup

WIDTH, ROW, LEFT, RIGHT, BOTTOM = 520, 64, 118, 16, 40
BINS = 20


def histogram(
    title: str, axis: str, limits: tuple[float, float], chance: float, arms: Sequence[tuple[str, str, Sequence[float]]]
) -> Markup:
    """One row of bars per arm over a shared axis; heights are shares of that arm's clips.

    Args:
        title: what a screen reader says.
        axis: the axis' label with its unit.
        limits: the axis' ends; values outside fall into the end bins.
        chance: where a dashed line marks chance.
        arms: (name, CSS class, values) in order; an arm without values is an empty row.
    """
    low, high = limits
    height = 14 + ROW * len(arms) + BOTTOM
    plot = WIDTH - LEFT - RIGHT

    def place(value: float) -> float:
        return LEFT + plot * (value - low) / (high - low)

    parts = [f'<svg class="chart" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(title, quote=True)}">']
    shares = [_shares(values, limits) for _, _, values in arms]
    tallest = max((float(share.max()) for share in shares), default=0.0) or 1.0
    for number, ((name, style, values), share) in enumerate(zip(arms, shares, strict=True)):
        base = 14 + ROW * (number + 1) - 8
        parts.append(f'<line class="base" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{base}" y2="{base}"/>')
        parts.append(f'<text class="arm" x="{LEFT - 10}" y="{base - 20}" text-anchor="end">{escape(name)}</text>')
        parts.append(f'<text class="note" x="{LEFT - 10}" y="{base - 5}" text-anchor="end">{len(values)} clips</text>')
        for index, part in enumerate(share):
            if part > 0:
                tall = (ROW - 16) * part / tallest
                left, right = place(low + (high - low) * index / BINS), place(low + (high - low) * (index + 1) / BINS)
                parts.append(
                    f'<rect class="{style}" x="{left + 0.5:.1f}" y="{base - tall:.1f}" '
                    f'width="{right - left - 1:.1f}" height="{tall:.1f}"><title>{part:.0%} of clips</title></rect>'
                )
    floor = 14 + ROW * len(arms) - 8
    parts.append(
        f'<line class="chance" x1="{place(chance):.1f}" x2="{place(chance):.1f}" y1="6" y2="{floor}"/>'
        f'<text class="note" x="{place(chance) + 4:.1f}" y="12">chance</text>'
    )
    for tick in np.arange(low, high + 1e-9, 0.25 if high - low <= 1 else 0.5):
        parts.append(f'<text class="note" x="{place(tick):.1f}" y="{floor + 15}" text-anchor="middle">{tick:g}</text>')
    parts.append(
        f'<text class="note" x="{LEFT + plot / 2:.0f}" y="{floor + 32}" text-anchor="middle">{escape(axis)}</text>'
    )
    parts.append("</svg>")
    return Markup("".join(parts))


def _shares(values: Sequence[float], limits: tuple[float, float]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    counts, _ = np.histogram(np.clip(np.asarray(values, float), *limits), bins=BINS, range=limits)
    return counts / max(len(values), 1)
