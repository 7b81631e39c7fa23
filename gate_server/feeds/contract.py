"""What every source of a platform's sales offers, whatever it speaks.

A source only fetches and translates: it gives rows of CONTRACT section 2, and knows no ledger. What
it cannot translate it gives on as a row with its problem, so that nothing is dropped unsaid.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol

from admission.errors import FeedRejected
from admission.row_values import Row


class Kind(StrEnum):
    """What rows are about."""

    DEALS = "deals"
    VOUCHERS = "vouchers"


class Offer(StrEnum):
    """What a platform can do beyond telling its changes."""

    FIND = "find"
    REDEEM = "redeem"
    PARTIAL = "partial"
    ASK = "ask"
    LIST = "list"


@dataclass(frozen=True, slots=True)
class SourceRow:
    """One row as a source gives it.

    Attributes:
        place: where it came from, for `feed rejects`: `day.csv:17`; never a code.
        row: columns of CONTRACT section 2; what is there where `problem` says it cannot be read.
        more_codes: further codes that find the same voucher, and share its history.
        problem: why it cannot be taken; None: nothing known against it.
    """

    place: str
    row: Row = field(repr=False)
    more_codes: tuple[str, ...] = field(default=(), repr=False)
    problem: FeedRejected | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """Some rows of one kind, taken in one go; deals come before their vouchers.

    Attributes:
        timestamp: `updated_at` of rows that do not say theirs.
        cursor: where to go on once these rows are in; None: the place is as before.
        whole: the platform has told all that it had to tell; the feed's age begins anew.
    """

    kind: Kind
    rows: Sequence[SourceRow]
    timestamp: datetime
    cursor: str | None = None
    whole: bool = False


class Deed(StrEnum):
    """What is reported to a platform."""

    REDEEM = "redeem"
    UNDO = "undo"


@dataclass(frozen=True, slots=True)
class Redemption:
    """People let in on a voucher, or taken back, as it is reported.

    Attributes:
        key: the merchant's own idempotency key; one deed has one for ever.
        code: only where the platform redeems by code.
        at: the scan's time, aware UTC.
    """

    key: str
    deed: Deed
    voucher_ref: str | None
    code: str | None
    people: int
    at: datetime
    gate_id: str

    def __repr__(self) -> str:
        return f"Redemption(key={self.key!r}, deed={self.deed.value!r}, people={self.people})"


class Fate(StrEnum):
    """What became of a deed at the platform."""

    DONE = "done"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    """The platform has never heard of the key: it may be sent (again) under the same one."""


@dataclass(frozen=True, slots=True)
class Redeemed:
    """What a platform says of one deed; `problem` is why it was refused."""

    key: str
    fate: Fate
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Reported:
    """People that a platform counts as redeemed on one voucher, on one venue day."""

    voucher_ref: str | None
    code: str | None
    people: int

    def __repr__(self) -> str:
        return f"Reported(voucher_ref={self.voucher_ref!r}, people={self.people})"


class Source(Protocol):
    """One platform's side of a feed. A method that the platform does not offer is never called.

    Every method raises:
        FeedUnavailable: no answer, or one that says to come again; `retry_after_s` may say when.
        FeedRejected: an answer that cannot be understood, or that refuses us: a human must look.
    """

    @property
    def offers(self) -> frozenset[Offer]:
        """What the platform can do beyond `changes`; it may ask the platform once."""

    def changes(self, cursor: str | None) -> Iterator[Part]:
        """Yield what has changed since a cursor; None: everything. The last part is `whole`."""

    def find(self, code: str, *, timeout_s: float) -> Sequence[Part]:
        """Ask for one voucher by its code; empty: the platform does not know it."""

    def report(self, deeds: Sequence[Redemption]) -> Sequence[Redeemed]:
        """Report deeds of one kind; one answer each. Never called twice at once for one feed."""

    def ask(self, deeds: Sequence[Redemption]) -> Sequence[Redeemed]:
        """Ask what became of deeds whose answer was lost; changes nothing."""

    def redeemed(self, day: date) -> Iterator[Reported]:
        """Yield what the platform counts as redeemed on a venue day."""

    def close(self) -> None:
        """Let go of connections and files."""
