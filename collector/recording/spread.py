"""How measured times are spread: the percentiles that session.json and `goaltrace probe` show."""

from __future__ import annotations

from collections.abc import Sequence

from manifests.session import Spread


def percentile(ordered: Sequence[float], share: float) -> float:
    """The value that `share` (0..1) of the sorted values do not exceed (nearest rank)."""
    rank = max(1, -(-len(ordered) * share // 1))
    return ordered[int(rank) - 1]


def spread(values_ns: Sequence[int]) -> Spread | None:
    """The spread of times in ns, given in ms; None of nothing."""
    if not values_ns:
        return None
    ordered = sorted(value / 1e6 for value in values_ns)
    p50, p95, p99 = (round(percentile(ordered, share), 3) for share in (0.5, 0.95, 0.99))
    return Spread(p50=p50, p95=p95, p99=p99, max=round(ordered[-1], 3))
