"""Who may have their money back, and that nobody both comes and has it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from admission.deals import HoldScope
from admission.errors import AdmissionError
from admission.reconcile import Account, ConflictKind, GivenBack, Name, find_conflicts
from admission.refunds import (
    DECISIONS,
    Lock,
    RefundCase,
    RefundDecision,
    RefundReason,
    Standing,
    decide_refund,
)
from admission.scans import Direction
from admission.vouchers import Status
from tests.builders import VENUE, a_deal, a_found, a_record, a_voucher, at
from tests.paper import Paper

NOON = at("12:00")


def a_request(*records, people=None, found=None, **voucher):
    found = found or a_found(*records, voucher=a_voucher(**voucher))
    return RefundCase(venue=VENUE, people=people, found=(found,), records=records)


# --- the decision --------------------------------------------------------------------------------


def test_evidence_is_what_people_came_by_earliest_first():
    late, early = a_record("11:00"), a_record("10:00")
    out = a_record("11:30", direction=Direction.EXIT)
    refused = a_record("12:00", people=0)

    verdict = decide_refund(a_request(late, early, out, refused, admits=2))

    assert verdict.reason is RefundReason.USED
    assert verdict.evidence == (early, late)


def test_several_vouchers_of_one_reference_are_refused():
    case = RefundCase(venue=VENUE, people=1, found=(a_found(), a_found()))

    assert decide_refund(case).reason is RefundReason.SEVERAL_VOUCHERS


def test_every_reason_has_a_decision():
    approved = {
        reason for reason, decision in DECISIONS.items() if decision is RefundDecision.APPROVE
    }

    assert approved == {
        *(RefundReason.UNUSED, RefundReason.DEAL_HELD, RefundReason.DEAL_VOIDED),
        RefundReason.VENUE_CLOSED,
    }
    assert set(DECISIONS) == set(RefundReason)


def test_people_beyond_the_voucher_leave_nobody_to_pay_back():
    over = a_record(people=5)

    assert decide_refund(a_request(over, admits=2)).refundable == 0


def test_people_without_a_right_to_the_area_came_all_the_same():
    elsewhere = a_record(area="canyon")

    assert decide_refund(a_request(elsewhere)).reason is RefundReason.USED


# --- what is left --------------------------------------------------------------------------------


@pytest.mark.parametrize(("told", "left"), [(5, 3), (4, 2), (3, 1), (2, 1), (1, 1)])
def test_same_people_are_left_whether_or_not_a_row_counts_the_refunded_down(told, left):
    lock = Lock(people=2, sold=3, at=NOON)

    assert lock.left(told) == left


def test_lock_of_all_refuses_whatever_a_row_says():
    lock = Lock(people=2, sold=2, at=NOON)

    after = lock.apply(Standing(2, 200, Status.CANCELLED, at("13:00")))

    assert after == Standing(2, 200, Status.REFUNDED, NOON, listed=True)


@given(st.integers(0, 500), st.integers(2, 9), st.integers(1, 8), st.integers(0, 200))
def test_scope_of_a_hold_is_the_same_after_a_part_was_refunded(price, sold, people, at_most):
    lock = Lock(min(people, sold - 1), sold, NOON)
    scope = HoldScope(price_at_most_minor=at_most)

    after = lock.apply(Standing(sold, price, Status.VALID, None))

    covers = scope.covers(sold_at=None, price_minor=price, admits=sold)
    left = {"price_minor": after.price_paid_minor, "admits": after.admits}
    assert scope.covers(sold_at=None, **left) is covers


# --- conflicts -----------------------------------------------------------------------------------


def an_account(*records, sold, left, offline=True, **voucher):
    names = frozenset(Name(each.device_id, each.nonce) for each in records if offline)
    return Account(
        venue=VENUE,
        records=records,
        offline=names,
        voucher=a_voucher(**voucher),
        deal=a_deal(),
        given_back=GivenBack(sold, left),
    )


@pytest.mark.parametrize("clock", ["11:00", "13:00"])
def test_admission_of_whom_was_given_back_is_told_whenever_it_was(clock):
    record = a_record(clock)
    ended = {"status": Status.REFUNDED, "status_at": NOON, "refund_listed": True}

    found = find_conflicts(an_account(record, sold=1, left=0, **ended))

    assert [each.kind for each in found] == [ConflictKind.USED_AFTER_REFUND]


def test_only_the_people_beyond_those_left_are_told():
    first, second = a_record("10:00"), a_record("11:00", device_id="D2")

    found = find_conflicts(an_account(first, second, sold=3, left=1, admits=1))

    assert [(each.kind, each.scans) for each in found] == [
        (ConflictKind.USED_AFTER_REFUND, (Name("D2", second.nonce),))
    ]


def test_who_was_taken_back_and_turned_after_the_refund_is_told_online_too():
    record = a_record(annulled=1, annuls=1, turned=1)

    found = find_conflicts(an_account(record, sold=1, left=0, offline=False))

    assert [each.kind for each in found] == [ConflictKind.USED_AFTER_REFUND]


def test_double_use_of_the_whole_voucher_stays_one():
    first, second = a_record("10:00", people=3), a_record("11:00", people=3, device_id="D2")

    found = find_conflicts(an_account(first, second, sold=3, left=1, admits=1))

    assert [each.kind for each in found] == [
        ConflictKind.DOUBLE_USE,
        ConflictKind.USED_AFTER_REFUND,
    ]


def test_supervisor_lets_in_whom_was_given_back_without_a_conflict():
    record = a_record(people=0, overridden=1, overridden_at=at("13:00"))

    assert find_conflicts(an_account(record, sold=1, left=0)) == ()


# --- any order of anything -----------------------------------------------------------------------

SOLD = 3
RIGHTS = {
    "none": {},
    "same_day": {"reentry": "same_day"},
    "stamp": {"reentry": "same_day_stamp"},
    "daily": {"rights": "park:1/day"},
    "thrice": {"rights": "park:3"},
    "both": {"rights": "park:1|canyon:1"},
}
some = st.integers(1, 3)
STEPS = st.one_of(
    st.tuples(st.just("scan"), some, st.sampled_from(["D1", "D2", "C1"])),
    st.tuples(st.just("exit"), some, st.just("D1")),
    st.tuples(st.just("reentry"), some, st.just("D1")),
    st.tuples(st.just("refund"), st.none() | some, st.none()),
    st.tuples(st.just("withdraw"), st.integers(0, 5), st.none()),
    st.tuples(st.just("annul"), st.integers(0, 5), st.none()),
    st.tuples(st.just("row"), st.booleans(), st.sampled_from(["valid", "refunded"])),
    st.tuples(st.just("day"), st.none(), st.none()),
)
OFFLINE = st.tuples(st.just("record"), some, st.sampled_from(["D1", "D2"]))


class Play:
    """A voucher for three, and whatever may happen to it."""

    def __init__(self, deal: dict[str, Any]) -> None:
        usual = {"deal_id": "DAY", "valid_from": "2015-01-01", "valid_until": "2015-12-31"}
        gates = [{"gate_id": "G1"}, {"gate_id": "C1", "area": "canyon"}]
        devices = [("D1", "G1"), ("D2", "G1"), ("C1", "C1")]
        self.paper = Paper(
            {
                "gates": gates,
                "devices": [{"device_id": name, "gate_id": gate} for name, gate in devices],
                "deals": [usual | deal],
                "vouchers": [{"code": "GROUP-0003", "deal_id": "DAY", "admits": SOLD}],
            }
        )
        self.now = datetime.fromisoformat("2015-02-12T09:00:00+08:00")
        self.offline: set[Name] = set()
        self.count = 0

    @property
    def sold(self) -> Any:
        return self.paper.sold["lvtu", "GROUP-0003"]

    def step(self, step: tuple[str, Any, Any]) -> None:
        what, value, more = step
        self.now += timedelta(days=1) if what == "day" else timedelta(minutes=1)
        self.count += 1
        try:
            getattr(self, what)(value, more)
        except (AdmissionError, LookupError):
            return  # too late, never admitted, or nothing of that number: nothing has happened

    def play(self, name: str, body: dict[str, Any]) -> None:
        self.paper.play({"at": self.now.isoformat(), name: body})

    def scan(self, people: int, device: str, **fields: Any) -> None:
        body = {"code": "GROUP-0003", "device": device, "party": people, **fields}
        self.play("scan", body | {"nonce": f"nonce-{self.count:03}"})

    def exit(self, people: int, device: str) -> None:
        self.scan(people, device, direction="exit")

    def reentry(self, people: int, device: str) -> None:
        self.scan(people, device, mode="reentry")

    def refund(self, people: int | None, _: None) -> None:
        self.play("refund", {"id": f"r{self.count}", "code": "GROUP-0003", "people": people})

    def withdraw(self, number: int, _: None) -> None:
        self.play("withdraw", {"id": [*self.paper.asked][number]})

    def annul(self, number: int, _: None) -> None:
        device, nonce = [*self.paper.entries][number]
        self.play("annul", {"device": device, "nonce": nonce, "by": "supervisor"})

    def row(self, counted_down: bool, status: str) -> None:
        lock = self.paper.locks.get(("lvtu", "GROUP-0003"))
        admits = max(1, SOLD - lock.people) if counted_down and lock else SOLD
        row = {"code": "GROUP-0003", "deal_id": "DAY", "admits": admits, "status": status}
        self.paper.play({"at": self.now.isoformat(), "vouchers": [row]})

    def day(self, *_: None) -> None:
        pass

    def record(self, people: int, device: str) -> None:
        nonce = f"late-{self.count:03}"
        shown = {"reason": "admitted", "admitted": people}
        body = {"code": "GROUP-0003", "device": device, "nonce": nonce, "verdict": shown}
        self.play("record", body | {"scanned_at": self.now.isoformat()})
        self.offline.add(Name(device, nonce))

    def totals(self) -> tuple[int, int]:
        """Return how many came at least, and how many were given back."""
        history = self.paper.history(self.sold)
        lock = self.paper.locks.get(("lvtu", "GROUP-0003"))
        came = [0]
        for area, use in history.areas.items():
            right = history.terms.right_to(area)
            assert right is not None
            came += [use.peak, use.used_day if right.per_day else -(-use.used // right.uses)]
        return max(came), lock.people if lock else 0

    def conflicts(self) -> tuple[Any, ...]:
        lock = self.paper.locks.get(("lvtu", "GROUP-0003"))
        left = lock.left(self.sold.voucher.admits) if lock else 0
        account = Account(
            venue=VENUE,
            records=self.paper._records(self.sold),
            offline=frozenset(self.offline),
            voucher=self.paper.voucher_now(self.sold),
            deal=self.paper.deals["DAY"],
            given_back=GivenBack(left + lock.people, left) if lock else None,
        )
        return find_conflicts(account)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(RIGHTS)), st.lists(STEPS, max_size=12))
def test_who_came_and_who_was_given_back_are_never_more_than_were_sold(rights, steps):
    play = Play(RIGHTS[rights])

    for step in steps:
        play.step(step)

        came, back = play.totals()
        assert came + back <= SOLD, step


@settings(max_examples=120, deadline=None)
@given(st.sampled_from(sorted(RIGHTS)), st.lists(STEPS | OFFLINE, max_size=12))
def test_more_than_were_sold_come_only_by_admissions_that_are_told(rights, steps):
    play = Play(RIGHTS[rights])

    for step in steps:
        play.step(step)

    came, back = play.totals()
    assert came + back <= SOLD or play.conflicts() != ()


prices = st.one_of(st.none(), st.integers(0, 100_000))


@settings(max_examples=60, deadline=None)
@given(sold=st.integers(1, 9), people=st.integers(1, 9), price=prices)
def test_share_of_those_given_back_and_of_those_left_is_the_price(sold, people, price):
    lock = Lock(min(people, sold), sold, at("10:00"))
    told = Standing(sold, price, Status.VALID, None)
    after = lock.apply(told)
    left = 0 if after.listed else after.price_paid_minor or 0

    assert lock.paid_back_minor(told) + left == (price or 0)


@settings(max_examples=60, deadline=None)
@given(sold=st.integers(2, 9), people=st.integers(1, 8), each=st.integers(0, 10_000))
def test_share_is_the_same_once_the_platform_has_counted_them_down(sold, people, each):
    people = min(people, sold - 1)
    lock = Lock(people, sold, at("10:00"))
    before = Standing(sold, each * sold, Status.VALID, None)
    counted_down = Standing(sold - people, each * (sold - people), Status.VALID, None)

    assert lock.paid_back_minor(before) == each * people
    assert lock.paid_back_minor(counted_down) == each * people
