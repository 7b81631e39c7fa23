"""What a platform gives to those whom a void of its deal does not honour."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Refund(StrEnum):
    """What the platform gives back to whom it does not honour."""

    PRICE_PAID = "price_paid"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Remedy:
    """What a void promises to buyers; amounts in minor units of the deal's currency."""

    refund: Refund = Refund.PRICE_PAID
    compensation_per_buyer_minor: int = 0


NO_REMEDY = Remedy()
