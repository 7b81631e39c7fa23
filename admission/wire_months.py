"""A platform's month on the wire."""

from __future__ import annotations

from datetime import datetime

from admission.wire import Answer


class MonthDeal(Answer, frozen=True):
    """One deal's month; money in minor units of `currency`.

    Attributes:
        price_minor: the settle price, else the face price; under a void its own unit counts.
        people: persons who came in, by class; `charged` of them are owed.
        refunded: vouchers that the platform refunded in it.
        annulled: people taken back in it.
    """

    deal_id: str
    title: str
    currency: str
    price_minor: int
    people: dict[str, int]
    charged: int
    owed_minor: int
    disputed_minor: int
    refunded: int
    refunds_minor: int
    annulled: int


class Correction(Answer, frozen=True):
    """What has changed in a closed month since it was last booked."""

    month: str
    deal_id: str
    people: int
    owed_minor: int


class MonthAnswer(Answer, frozen=True):
    """A platform's month: by deal, and corrections of months that were closed before.

    Attributes:
        owed_minor: by currency, corrections among it.
        closed_at: when it was closed; what is told of it since then is what was told then.
    """

    platform: str
    month: str
    as_of: datetime
    closed_at: datetime | None
    closed_by: str | None
    deals: list[MonthDeal]
    corrections: list[Correction]
    owed_minor: dict[str, int]
