"""Closures and previews on the wire: what supervisors ask, and what they are told before."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from msgspec import Meta

from admission.voids import CostBearer
from admission.wire_base import Answer, Ident, Line, Request, Text

Idents = Annotated[list[Ident], Meta(max_length=1000)]


class ClosureRequest(Request, frozen=True):
    """Close the venue for a time: whole `day` to `last_day`, or from one instant to another.

    Attributes:
        day: the venue day that is closed; `last_day` the last of several.
        deals: those that it binds, with all of `areas`, `gates` and `platforms`, or `all_deals`.
        used_too: who came in on a closed day has a new right, once.
        notice: sentences for refusals; None: the standard ones.
    """

    reason: Line
    extend_until: datetime
    day: date | None = None
    last_day: date | None = None
    closed_from: datetime | None = None
    closed_until: datetime | None = None
    deals: Idents = []
    areas: Idents = []
    gates: Idents = []
    platforms: Idents = []
    all_deals: bool = False
    used_too: bool = False
    refunds_open: bool = False
    notice: Text | None = None


class ClosureTerms(Answer, frozen=True):
    """One version of a closure.

    Attributes:
        committed_at: when it came into force; null in a preview.
        restored: this version ends the closure.
        deals: those that it binds, by their ids.
    """

    version: int | None
    committed_at: datetime | None
    by: str
    reason: str
    restored: bool
    closed_from: datetime
    closed_until: datetime
    extend_until: datetime
    used_too: bool
    refunds_open: bool
    notice: Text | None
    deals: list[str]


class ClosureCounts(Answer, frozen=True):
    """What a closure comes to; money in minor units, by currency.

    Attributes:
        vouchers: those bound: good in the closed time, neither cancelled nor refunded.
        extended: of them those that are good for longer by it.
        used_vouchers: of them those that let somebody in on a closed day, `used_people` persons.
        new_rights: people who may come once more; nobody without `used_too`.
        inside: people of the deals who are inside now.
    """

    vouchers: int = 0
    people: int = 0
    buyers: int = 0
    paid_minor: dict[str, int] = {}
    extended: int = 0
    used_vouchers: int = 0
    used_people: int = 0
    new_rights: int = 0
    inside: int = 0


class ClosurePreview(Answer, frozen=True):
    """What a new version would come to, and what the one in force does; nothing was changed."""

    after: ClosureCounts
    before: ClosureCounts | None = None
    seconds: float = 0.0


class ClosureAnswer(Answer, frozen=True):
    """A closure with its newest version; a preview has no `closure_id` before it is declared.

    Attributes:
        versions: all of them, oldest first; empty in a preview.
        warnings: what may be a mistake, though it can be meant.
    """

    closure_id: str | None
    status: Literal["in_force", "restored", "preview"]
    terms: ClosureTerms
    versions: list[ClosureTerms] = []
    preview: ClosurePreview | None = None
    warnings: list[Text] = []


class ClosuresAnswer(Answer, frozen=True):
    """All closures, the newest first."""

    closures: list[ClosureAnswer]


# --- what a void comes to -------------------------------------------------------------------------


class VoidMoney(Answer, frozen=True):
    """What a deal comes to under one version; money in minor units of the deal's currency.

    Attributes:
        refund_vouchers: those whose refund would be due; `unpriced` of them have no known price.
        buyers_compensated: each counts once; `buyers_withheld` stand under a block.
        owed_minor: to the venue, for who has come in so far; `disputed_minor` in dispute.
        waiting_vouchers: those whose holders have arrived as the terms ask, and may still come in.
        waiting_people, waiting_minor: at most so many people, and at most so much owed for them.
        to_come_people, to_come_minor: the worst case: so many people may still arrive by the
            cut-off, and so much would be owed for them.
    """

    refund_vouchers: int = 0
    refunds_minor: int = 0
    unpriced: int = 0
    buyers_compensated: int = 0
    buyers_withheld: int = 0
    compensation_minor: int = 0
    owed_minor: int = 0
    disputed_minor: int = 0
    waiting_vouchers: int = 0
    waiting_people: int = 0
    waiting_minor: int = 0
    to_come_people: int = 0
    to_come_minor: int = 0


class VoidVersion(Answer, frozen=True):
    """One version of a void as it was made.

    Attributes:
        by: who made it; null for a partner.
        honour: null: nobody, or the version ends the void (`restored`).
    """

    void_version: int
    committed_at: datetime
    by: str | None
    reason: str
    restored: bool
    honour: HonourTerms | None
    cost_bearer: CostBearer
    settlement_unit_minor: int
    statuses_since: datetime
    notice: Text | None
    remedy: RemedyTerms | None


class HonourTerms(Answer, frozen=True):
    """The honour terms in force, with their defaults worked out."""

    arrived_from: datetime
    arrived_by: datetime
    admit_until: datetime
    max_people: int | None


class RemedyTerms(Answer, frozen=True):
    """What the platform gives to those it does not honour."""

    refund: Literal["price_paid", "none"]
    compensation_per_buyer_minor: int
