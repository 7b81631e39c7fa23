"""Vouchers: one sold right of admission each, of a deal, an order and a buyer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

MOST_ADMITS = 99


class Status(StrEnum):
    """What the platform says of a voucher."""

    VALID = "valid"
    CANCELLED = "cancelled"
    REFUNDED = "refunded"
    BLOCKED = "blocked"


class CredentialKind(StrEnum):
    """What finds a voucher."""

    QR = "qr"
    ORDER = "order"
    SLIP = "slip"


@dataclass(slots=True, kw_only=True)
class Voucher:
    """One right of admission as sold.

    Not frozen only because the hot path makes one a scan; never changed.

    Attributes:
        voucher_id: the ledger's own number for it; 0 for one known by its token alone.
        admits: people that it lets in; 1 for a single.
        price_paid_minor: paid for all of them together, in minor units of the deal's currency.
        valid_from: first instant of admission, aware UTC, inclusive; None: the deal's.
        valid_until: last instant of admission, aware UTC, inclusive; None: the deal's.
        status_at: when the platform set `status`.
        refund_listed: it stands on a refund list, or all its people were given back on request, so
            nobody enters on it any more.
        exchanged: people whom its living tickets let in; they enter on those alone.
        exchanged_for: masked tails of its living tickets; of a ticket, of the one in its place.
        parent_id: the voucher that this ticket was exchanged from.
        dead: a ticket that was printed anew or taken back; it lets nobody in any more.
    """

    voucher_id: int
    tail: str
    admits: int = 1
    price_paid_minor: int | None = None
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    status: Status = Status.VALID
    status_at: datetime | None = None
    sold_at: datetime | None = None
    refund_listed: bool = False
    exchanged: int = 0
    exchanged_for: tuple[str, ...] = ()
    parent_id: int | None = None
    dead: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.admits <= MOST_ADMITS:
            raise ValueError(f"voucher {self.voucher_id}: admits must be 1 to {MOST_ADMITS}")
        if self.valid_from and self.valid_until and self.valid_from > self.valid_until:
            raise ValueError(f"voucher {self.voucher_id}: empty validity window")
