"""Look at what was sold of a deal, and say what is odd. No clock, no database, no network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

from admission.anomaly_amounts import find_hoards, find_over_quota, find_rate_surge
from admission.anomaly_bars import Bars
from admission.anomaly_prices import find_low_price
from admission.findings import Finding
from admission.sales import DealSales

Look: TypeAlias = "Callable[[DealSales, Bars], Finding | Sequence[Finding] | None]"

LOOKS: Final[tuple[Look, ...]] = (find_low_price, find_over_quota, find_rate_surge, find_hoards)


def find_anomalies(sales: DealSales, bars: Bars) -> list[Finding]:
    """Return what is odd in the sales of one deal.

    The answer depends on the sums alone: not on the order in which the vouchers came, nor on how
    they were cut into parts.
    """
    found: list[Finding] = []
    for look in LOOKS:
        seen = look(sales, bars)
        if isinstance(seen, Finding):
            found.append(seen)
        elif seen is not None:
            found.extend(seen)
    return found
