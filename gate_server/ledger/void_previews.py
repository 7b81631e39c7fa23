"""Say what a void, other terms or a restore would come to: one walk over a deal, nothing changed.

Vouchers that nobody scanned are settled once for all that are alike, so that 206,865 of them take a
second or two. The writer is never asked, and no read transaction is longer than a page.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, TypeAlias

from admission.calendar import to_ms
from admission.deals import Deal
from admission.settlement import settle
from admission.settlement_terms import (
    NO_REMEDY,
    Basis,
    Proof,
    Refund,
    Remedy,
    Row,
    SettlementClass,
    Sold,
)
from admission.voids import CostBearer, Void, default_statuses_since
from admission.vouchers import Status
from admission.wire_staff import VoidRequest
from admission.wire_terms import VoidMoney
from gate_server.ledger.actions import read_honour
from gate_server.ledger.ledger import Ledger
from gate_server.ledger.refund_locks import count_refunded
from gate_server.ledger.reports import Scanned, Touched, count_admitted, touch
from gate_server.ledger.settlements import (
    SoldRow,
    newest_voucher,
    read_basis,
    read_rows,
    read_sold,
)

_PAGE_ROWS: Final = 2_000
_PAUSE_EVERY: Final = 128
_OPEN = frozenset({SettlementClass.OUTSTANDING, SettlementClass.HONOUR_OPEN})
_VALID = frozenset({Status.VALID.value, Status.BLOCKED.value})
_Alike: TypeAlias = tuple[object, ...]
"""What the class of a voucher that nobody scanned depends on."""


@dataclass(slots=True)
class Previewed:
    """What a new version would come to, and what the one in force does.

    Attributes:
        before: None where no void is in force.
    """

    touched: Touched
    after: VoidMoney
    before: VoidMoney | None
    newly_covered: int
    no_longer_covered: int


def preview_terms(
    ledger: Ledger,
    deal: Deal,
    terms: VoidRequest | None,
    void: Void | None,
    now: datetime,
    *,
    pause: Callable[[], object] = lambda: None,
) -> Previewed:
    """Return what a version that is not made yet would come to.

    Args:
        terms: as they were asked for; None: a restore.
        void: the same as the ledger understood them; None: a restore.
        pause: called now and then, so that scans go first.
    """
    basis = ledger.read(lambda db: read_basis(db, deal, ledger.venue, now))
    honoured = ledger.catalogue.honoured.get(deal.deal_no, 0)
    before = replace(basis, honoured_people=honoured)
    version = void or _restored(basis, now)
    after = replace(before, voids=(*basis.voids, version), remedy=_remedy(terms))
    walk = _Walk(before, after)
    newest, last = ledger.read(newest_voucher), -1
    while True:
        rows, proofs, blocked = ledger.read(
            lambda db: read_rows(db, basis, after=last, newest=newest, rows=_PAGE_ROWS)  # noqa: B023
        )
        if not rows:
            break
        walk.add(rows, proofs, blocked, pause)
        last = rows[-1][0]
    walk.finish()
    touched = walk.touched
    touched.admitted_people = dict(ledger.read(count_admitted)).get(deal.deal_no, 0)
    if void is None:
        touched.honoured = touched.vouchers - touched.used
    touched.refunded_people = ledger.read(count_refunded).get(deal.deal_no, (0, 0))[0]
    was, will = walk.money()
    in_force = basis.in_force is not None
    return Previewed(touched, will, was if in_force else None, walk.newly, walk.lost)


def plan_void(ledger: Ledger, deal: Deal, terms: VoidRequest, now: datetime) -> Void:
    """Return the version that terms would make now."""
    basis = ledger.read(lambda db: read_basis(db, deal, ledger.venue, now))
    since = terms.statuses_since
    if since is None:
        since = default_statuses_since(basis.voids, ledger.catalogue.holds.get(deal.deal_no), now)
    return Void(
        version=max((void.version for void in basis.voids), default=0) + 1,
        committed_at=now,
        reason=terms.reason,
        honour=read_honour(ledger.venue, terms),
        cost_bearer=terms.cost_bearer,
        statuses_since=since,
        settlement_unit_minor=terms.settlement_unit_minor,
        notice=None if terms.notice is None else (terms.notice.zh, terms.notice.en),
        remedy=None if terms.remedy is None else _remedy(terms),
    )


def _restored(basis: Basis, now: datetime) -> Void:
    newest = basis.voids[-1]
    return replace(newest, version=newest.version + 1, committed_at=now, restored=True)


def _remedy(terms: VoidRequest | None) -> Remedy:
    if terms is None or terms.remedy is None:
        return NO_REMEDY
    return Remedy(Refund(terms.remedy.refund), terms.remedy.compensation_per_buyer_minor)


def _listed(listed_at: int | None, at: int) -> bool:
    return listed_at is not None and listed_at <= at


@dataclass(slots=True)
class _Sum:
    """What one version comes to so far."""

    classes: Counter[SettlementClass] = field(default_factory=Counter)
    refunds: int = 0
    unpriced: int = 0
    owed: int = 0
    disputed: int = 0
    waiting_people: int = 0
    absent_people: int = 0
    compensated: set[int] = field(default_factory=set)
    withheld: set[int] = field(default_factory=set)

    def add(self, row: Row, times: int, buyers: set[int], blocked: frozenset[int]) -> None:
        settled, voucher = row.settled, row.sold.voucher
        self.classes[settled] += times
        self.refunds += row.refund_minor * times
        self.owed += row.owed_minor
        self.disputed += row.disputed_minor
        if settled is SettlementClass.HONOUR_OPEN:
            self.waiting_people += row.left * times
        self.absent_people += row.absent * times
        if settled is SettlementClass.REFUND_DUE and voucher.price_paid_minor is None:
            self.unpriced += times
        if row.compensates:
            self.withheld |= buyers & blocked
            self.compensated |= buyers - blocked


class _Walk:
    """One walk over a deal's vouchers, for the version in force and for the new one."""

    def __init__(self, before: Basis, after: Basis) -> None:
        self._bases = before, after
        self._sums = _Sum(), _Sum()
        # What was set since a void is its own effect; what was set after now is not known yet.
        voids = [void for basis in (before, after) if (void := basis.in_force) is not None]
        self._instants = {to_ms(void.statuses_since) for void in voids} | {to_ms(before.as_of) + 1}
        self._alike: dict[_Alike, int] = defaultdict(int)
        self._buyers: dict[_Alike, set[int]] = defaultdict(set)
        self._samples: dict[_Alike, Sold] = {}
        self._blocked: frozenset[int] = frozenset()
        self.touched = Touched()
        self.newly = self.lost = 0

    def add(
        self,
        rows: list[SoldRow],
        proofs: dict[int, list[Proof]],
        blocked: frozenset[int],
        pause: Callable[[], object],
    ) -> None:
        """Take a page."""
        self._blocked, at = blocked, to_ms(self._bases[0].as_of)
        alike, buyers, samples, touched = self._alike, self._buyers, self._samples, self.touched
        for row in rows:
            if not row[0] % _PAUSE_EVERY:
                pause()
            number, _, admits, price, status, status_at, listed, buyer_no = row[:8]
            if status in _VALID:
                touched.vouchers += 1
                touched.people += admits
                touched.paid_minor += price or 0
                if buyer_no is not None:
                    touched.buyers.add(buyer_no)
            if number in proofs:
                self._add_scanned(read_sold(row, proofs, blocked, at))
                continue
            key = admits, price, status, self._since(status, status_at), _listed(listed, at)
            alike[key] += 1
            if buyer_no is not None:
                buyers[key].add(buyer_no)
            if key not in samples:
                samples[key] = read_sold(row, proofs, blocked, at)

    def _since(self, status: str, status_at: int | None) -> int:
        """Return how many of the instants that matter a status was set at or after."""
        if status in _VALID or status_at is None:
            return 0
        return sum(status_at >= instant for instant in self._instants)

    def _add_scanned(self, sold: Sold) -> None:
        before, after = self._bases
        void, voucher = after.in_force, sold.voucher
        records = [proof.record for proof in sold.proofs]
        scanned = Scanned(voucher.admits, voucher.status.value in _VALID, records)
        honour = None if void is None else void.honour
        touch(self.touched, scanned, after.deal, honour, (after.as_of, after.venue))
        buyers = set() if sold.buyer_no is None else {sold.buyer_no}
        rows = settle(sold, before), settle(sold, after)
        self._add(rows, 1, buyers)

    def finish(self) -> None:
        """Take the vouchers that nobody scanned."""
        before, after = self._bases
        for key, times in self._alike.items():
            sold = self._samples[key]
            self._add((settle(sold, before), settle(sold, after)), times, self._buyers[key])

    def _add(self, rows: tuple[Row, Row], times: int, buyers: set[int]) -> None:
        for sum_, row in zip(self._sums, rows, strict=True):
            sum_.add(row, times, buyers, self._blocked)
        was, will = (row.settled in _OPEN for row in rows)
        due = {SettlementClass.REFUND_DUE, *_OPEN}
        if {row.settled for row in rows} <= due:
            self.newly += times * (will and not was)
            self.lost += times * (was and not will)

    def money(self) -> tuple[VoidMoney, VoidMoney]:
        """Return what the version in force comes to, and what the new one would."""
        (before, after), (was, will) = self._bases, self._sums
        return self._money(before, was), self._money(after, will)

    def _money(self, basis: Basis, found: _Sum) -> VoidMoney:
        void = basis.in_force
        platform = void is not None and void.cost_bearer is CostBearer.PLATFORM
        each = basis.remedy.compensation_per_buyer_minor if void is not None else 0
        unit = basis.unit_minor(void) if platform else 0
        to_come = 0
        if void is not None and void.honour is not None:
            taken = basis.honoured_people + found.waiting_people
            to_come = void.honour.most_to_come(found.absent_people, taken, basis.as_of)
        return VoidMoney(
            refund_vouchers=found.classes[SettlementClass.REFUND_DUE],
            refunds_minor=found.refunds,
            unpriced=found.unpriced,
            buyers_compensated=len(found.compensated) if each else 0,
            buyers_withheld=len(found.withheld) if each else 0,
            compensation_minor=len(found.compensated) * each,
            owed_minor=found.owed,
            disputed_minor=found.disputed,
            waiting_vouchers=found.classes[SettlementClass.HONOUR_OPEN],
            waiting_people=found.waiting_people,
            waiting_minor=found.waiting_people * unit,
            to_come_people=to_come,
            to_come_minor=to_come * unit,
        )
