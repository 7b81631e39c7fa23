"""What was sold, for tests: the bars of the packaged settings, and sums of sales."""

from __future__ import annotations

import tomllib
from datetime import datetime, timedelta
from typing import Any

from admission.anomaly_bars import Bars
from admission.sales import DealSales, PriceSales
from gate_server.settings import default_file
from tests.builders import a_deal, at

T0 = at("08:00")


def the_bars(**changes: Any) -> Bars:
    """The settings as they come, with changes."""
    return Bars(**(tomllib.loads(default_file())["anomalies"] | changes))


def hours(count: float) -> datetime:
    """So many hours after T0."""
    return T0 + timedelta(hours=count)


def sold(
    price_minor: int | None, vouchers: int, *, admits: int = 1, since: float = 0, until: float = 9
) -> PriceSales:
    """Vouchers of one price, sold from so many hours after T0 on."""
    return PriceSales(price_minor, admits, vouchers, hours(since), hours(until))


def sales_of(*prices: PriceSales, **changes: Any) -> DealSales:
    """A deal's sales; `changes` that a deal has are the deal's."""
    own = {name: changes.pop(name) for name in list(changes) if name in _SALES}
    return DealSales(a_deal(**changes), prices, **own)


_SALES = {"lowest_told_minor", "hours", "buyers", "passed"}
