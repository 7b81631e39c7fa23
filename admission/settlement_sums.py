"""Sum the rows of a settlement, twice: row by row, and by persons of a kind times their price."""

from __future__ import annotations

from collections import Counter

from admission.settlement_terms import (
    ADMITTED,
    Basis,
    Charge,
    Evidence,
    Row,
    SettlementClass,
)


class Sums:
    """What the rows of a deal come to, in minor units of its currency.

    Attributes:
        counts: vouchers by class; `people` persons by class.
        owed_minor, disputed_minor, refunds_minor, reverse_minor: summed row by row.
        evidence: vouchers with a counted admission, by what proves it.
        unpriced: vouchers that were due a refund of an unknown price.
        wrong: rows that contradict themselves.
    """

    def __init__(self, basis: Basis) -> None:
        self.basis = basis
        self.rows = 0
        self.counts: Counter[SettlementClass] = Counter()
        self.people: Counter[SettlementClass] = Counter()
        self.over_admitted = 0
        self.owed_minor = self.disputed_minor = self.refunds_minor = self.reverse_minor = 0
        self.evidence: Counter[Evidence] = Counter()
        self.unpriced = 0
        self.wrong = 0
        self._compensated: set[int] = set()
        self._withheld: set[int] = set()
        self._charged: Counter[tuple[bool, int]] = Counter()

    def add(self, row: Row) -> None:
        """Take one row."""
        self.rows += 1
        self.counts[row.settled] += 1
        self.refunds_minor += row.refund_minor
        self.reverse_minor += row.reverse_minor
        if row.evidence is not None:
            self.evidence[row.evidence] += 1
        if row.charges:
            self._add_people(row)
        price = row.sold.voucher.price_paid_minor
        self.unpriced += price is None and row.settled is SettlementClass.REFUND_DUE
        self.wrong += not row_fits(row)
        if row.compensates and row.sold.buyer_no is not None:
            buyers = self._withheld if row.sold.buyer_blocked else self._compensated
            buyers.add(row.sold.buyer_no)

    def _add_people(self, row: Row) -> None:
        self.owed_minor += row.owed_minor
        self.disputed_minor += row.disputed_minor
        self.over_admitted += row.over
        for charge in row.charges:
            self.people[charge.settled] += charge.people
            self._charged[_disputed(charge), charge.price_minor] += charge.charged

    @property
    def buyers_compensated(self) -> int:
        """Buyers who get the compensation a buyer; nobody where there is none."""
        return len(self._compensated) if self._each_minor else 0

    @property
    def buyers_withheld(self) -> int:
        """Buyers who would, but whose account stands under a block."""
        return len(self._withheld) if self._each_minor else 0

    @property
    def compensation_minor(self) -> int:
        """The compensation of all buyers together."""
        return len(self._compensated) * self._each_minor

    @property
    def _each_minor(self) -> int:
        return self.basis.remedy.compensation_per_buyer_minor

    def balanced(self, sold: int) -> bool:
        """Say whether the rows are all there, each fits, and both ways to sum them agree.

        Args:
            sold: vouchers of the deal, counted by themselves.
        """
        owed = sum(people * price for (late, price), people in self._charged.items() if not late)
        disputed = sum(people * price for (late, price), people in self._charged.items() if late)
        return (
            self.wrong == 0
            and self.rows == sold == sum(self.counts.values())
            and (owed, disputed) == (self.owed_minor, self.disputed_minor)
            and sum(self.evidence.values()) == sum(self.counts[each] for each in ADMITTED)
        )


def _disputed(charge: Charge) -> bool:
    return charge.settled is SettlementClass.USED_AFTER_VOID


def row_fits(row: Row) -> bool:
    """Say whether a row contradicts nothing: its scans, its people, its price."""
    voucher, admitted = row.sold.voucher, row.settled in ADMITTED
    price, paid_back = voucher.price_paid_minor or 0, row.refund_minor + row.reverse_minor
    if paid_back > price or (row.refund_minor and not row.left):
        return False
    if not admitted:
        return row.first is None and not row.charges and row.left == voucher.admits
    passed = sum(proof.record.overridden or proof.record.people for proof in row.sold.proofs)
    people = sum(charge.people + charge.over for charge in row.charges)
    return (
        row.first is not None
        and row.charges != ()
        and people <= passed
        and 0 <= row.left < voucher.admits
        and all(0 <= charge.charged <= charge.people for charge in row.charges)
    )
