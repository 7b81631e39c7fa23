"""What a platform is owed follows from the record, and no deed is ever reported under two keys."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from admission.deals import Reentry, Right
from admission.history import Terms
from admission.redemptions import (
    OPEN,
    POISON,
    Deed,
    DeedState,
    Fate,
    Ladder,
    Need,
    OpenDeed,
    find_evidence,
    find_need,
    key_of,
    next_step,
    people_redeemed,
    reported_after,
    retried,
    sent,
    settled,
    wait_s,
)
from admission.scans import Direction, Mode
from admission.verdicts import Reason
from tests.builders import DAY, VENUE, a_deal, a_record, a_voucher, at

LADDER = Ladder()
ONE = Need(Deed.REDEEM, 1)
TOMORROW = DAY + timedelta(days=1)


def count(*records, voucher=None, **deal):
    return people_redeemed(records, Terms.of(voucher or a_voucher(admits=3), a_deal(**deal)), VENUE)


# --- how many people ---------------------------------------------------------------------------


def test_nobody_came_in_is_nobody_redeemed():
    assert count() == 0
    assert count(a_record(reason=Reason.EXPIRED, people=0)) == 0


def test_people_are_counted_over_gates_and_days():
    later = a_record("11:00", device_id="D2", people=2)
    next_day = replace(later, scan_at=at("11:00", TOMORROW))

    assert count(a_record(), later) == 3
    assert count(a_record(), next_day) == 3


def test_who_was_annulled_or_moved_is_taken_back():
    assert count(a_record(people=3, annulled=1, annuls=1, annulled_at=at("10:01"))) == 2
    assert count(a_record(people=1, annulled=1, annuls=1, annulled_at=at("10:01"))) == 0
    assert count(a_record(people=2, turned=0, moved=2), a_record("10:01", people=2)) == 2


def test_people_beyond_the_voucher_were_never_sold():
    outage = [a_record(people=3), a_record("10:01", device_id="D2", people=3)]
    override = a_record(
        "10:02", reason=Reason.USED_UP, people=0, overridden=4, overridden_at=at("10:03")
    )

    assert count(*outage) == 3
    assert count(*outage, override) == 3


def test_an_override_within_the_voucher_counts():
    override = a_record(reason=Reason.EXPIRED, people=0, overridden=2, overridden_at=at("10:03"))

    assert count(override) == 2


def test_a_right_of_several_uses_is_redeemed_by_its_people_not_by_its_uses():
    rights = (Right("park", 3),)
    days = [a_record(scan_at=at("10:00", DAY + timedelta(days=n)), nonce=f"n{n}") for n in range(3)]

    assert count(*days, rights=rights) == 1
    assert count(*days, a_record("11:00", device_id="D2", people=2), rights=rights) == 3


def test_a_right_of_every_day_is_redeemed_once():
    rights = (Right("park", 1, per_day=True),)
    days = [a_record(scan_at=at("10:00", DAY + timedelta(days=n)), nonce=f"n{n}") for n in range(5)]

    assert count(*days, rights=rights) == 1


def test_two_areas_are_the_same_people():
    rights = (Right("park"), Right("valley"))

    assert count(a_record(people=2), a_record("12:00", area="valley"), rights=rights) == 2


def test_who_goes_out_and_comes_back_is_one_person():
    out = a_record("12:00", direction=Direction.EXIT, reason=Reason.EXIT_RECORDED)
    back = a_record("13:00")

    assert count(a_record(), out, back, reentry=Reentry.SAME_DAY) == 1


def test_people_with_paper_tickets_are_redeemed_from_the_exchange_on():
    part = a_voucher(admits=3, exchanged=2)

    assert count(voucher=part) == 2
    assert count(a_record(), voucher=part) == 3
    assert count(a_record(people=3), voucher=part) == 3


def test_evidence_is_the_latest_scan_that_let_in_or_took_back():
    first, last = a_record("10:00"), a_record("11:00", device_id="D2", gate_id="G2")
    annulled = replace(first, annulled=1, annuls=1, annulled_at=at("12:00"))
    desk = a_record("13:00", device_id="D3", people=0, mode=Mode.EXCHANGE)

    assert find_evidence([], Deed.REDEEM) is None
    assert find_evidence([first, last], Deed.REDEEM).device_id == "D2"
    assert find_evidence([annulled, last], Deed.UNDO).at == at("12:00")
    assert find_evidence([first, last, desk], Deed.REDEEM).device_id == "D3"


# --- what follows ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "reported", "partial", "need"),
    [
        (0, 0, True, None),
        (2, 0, True, Need(Deed.REDEEM, 2)),
        (2, 1, True, Need(Deed.REDEEM, 1)),
        (1, 3, True, Need(Deed.UNDO, 2)),
        (1, 0, False, Need(Deed.REDEEM, 4)),
        (3, 4, False, None),
        (0, 4, False, Need(Deed.UNDO, 4)),
    ],
)
def test_need_is_the_difference_or_the_whole_voucher(target, reported, partial, need):
    assert find_need(target, reported, 4, partial=partial) == need


def test_deed_that_was_never_sent_gives_way():
    waiting = OpenDeed(ONE)

    assert next_step(None, ONE).make == ONE
    assert next_step(waiting, ONE) == next_step(None, None)
    assert next_step(waiting, None).drop
    assert next_step(waiting, Need(Deed.REDEEM, 2)).make == Need(Deed.REDEEM, 2)


@pytest.mark.parametrize("state", [DeedState.SENT, DeedState.LOST, DeedState.EXHAUSTED])
def test_deed_that_may_be_done_gives_way_to_nothing(state):
    deed = OpenDeed(ONE, state, tries=1, doubtful=state is not DeedState.SENT)

    assert next_step(deed, None) == next_step(None, None)
    assert next_step(deed, Need(Deed.REDEEM, 2)) == next_step(None, None)


def test_refused_deed_waits_for_a_human_until_it_is_needed_no_more():
    refused = OpenDeed(Need(Deed.UNDO, 1), DeedState.REFUSED, tries=1)

    assert not next_step(refused, Need(Deed.UNDO, 2)).drop
    assert next_step(refused, None).drop
    assert next_step(refused, ONE).make == ONE


def test_human_tries_again_under_the_same_key_or_drops_what_is_wanted_no_more():
    refused = OpenDeed(ONE, DeedState.REFUSED, tries=3)
    doubtful = OpenDeed(ONE, DeedState.EXHAUSTED, tries=14, doubtful=True)

    assert retried(refused, ONE).state is DeedState.WAITING
    assert retried(refused, None) is None
    assert retried(refused, Need(Deed.REDEEM, 2)) is None
    assert retried(doubtful, None).state is DeedState.LOST


def test_lost_answer_is_doubtful_until_the_platform_says_it_is_unknown():
    deed = settled(sent(OpenDeed(ONE)), Fate.LOST, LADDER)
    assert (deed.state, deed.doubtful, deed.tries) == (DeedState.LOST, True, 1)

    unsent = settled(sent(deed), Fate.UNSENT, LADDER)
    unknown = settled(deed, Fate.UNKNOWN, LADDER)

    assert (unsent.state, unsent.tries) == (DeedState.LOST, 1)
    assert (unknown.state, unknown.doubtful) == (DeedState.WAITING, False)
    assert not unknown.is_free  # it was sent once: it is seen through under its key
    assert wait_s(deed, Fate.UNKNOWN, LADDER) == 0


def test_ladder_is_five_short_waits_then_long_ones_and_ends():
    deed, waits = OpenDeed(ONE), []
    while deed.state not in POISON:
        deed = settled(sent(deed), Fate.LOST, LADDER)
        waits.append(wait_s(deed, Fate.LOST, LADDER))

    assert waits == [5.0] * 5 + [40.0] * 9
    assert (deed.state, deed.tries) == (DeedState.EXHAUSTED, 14)


def test_platform_that_is_down_or_busy_costs_no_try():
    deed = OpenDeed(ONE)
    for _ in range(50):
        deed = settled(sent(deed), Fate.UNSENT, LADDER)

    assert deed == OpenDeed(ONE)


def test_key_is_of_the_deed_and_of_nothing_else():
    key = key_of("lvtu", b"k" * 16, 1, ONE)

    assert key == key_of("lvtu", b"k" * 16, 1, ONE)
    others = {
        key_of("other", b"k" * 16, 1, ONE),
        key_of("lvtu", b"l" * 16, 1, ONE),
        key_of("lvtu", b"k" * 16, 2, ONE),
        key_of("lvtu", b"k" * 16, 1, Need(Deed.UNDO, 1)),
        key_of("lvtu", b"k" * 16, 1, Need(Deed.REDEEM, 2)),
    }
    assert len(others | {key}) == 6
    assert (b"k" * 16).hex() not in key


# --- whatever happens, in the end both count the same --------------------------------------------


@dataclass
class Platform:
    """Does each key once, and would do the same people twice under two keys."""

    admits: int
    people: int = 0
    done: dict[str, str] = field(default_factory=dict)

    def do(self, key: str, need: Need) -> str:
        if key not in self.done:
            more = need.people if need.deed is Deed.REDEEM else -need.people
            fits = 0 <= self.people + more <= self.admits
            self.people += more if fits else 0
            self.done[key] = "done" if fits else "refused"
        return self.done[key]


@dataclass
class Voucher:
    """The ledger's side of one voucher, by the rules alone."""

    platform: Platform
    target: int = 0
    reported: int = 0
    number: int = 1
    key: str = ""
    deed: OpenDeed | None = None

    def follow(self) -> None:
        need = find_need(self.target, self.reported, self.platform.admits, partial=True)
        step = next_step(self.deed, need)
        if step.drop:
            self.deed = None
        if step.make is not None:
            assert self.deed is None, "two deeds of one voucher"
            self.key = key_of("lvtu", b"k" * 16, self.number, step.make)
            self.deed, self.number = OpenDeed(step.make), self.number + 1

    def settle(self, fate: Fate) -> None:
        assert self.deed is not None
        after = settled(self.deed, fate, LADDER)
        if after.state is DeedState.DONE:
            self.reported = reported_after(self.reported, after.need)
        self.deed = after if after.state in OPEN else None
        self.follow()

    def attempt(self, trouble: str) -> None:
        """Send or ask once; what goes wrong may go wrong before or after the platform acts."""
        if self.deed is None or self.deed.state not in {DeedState.WAITING, DeedState.LOST}:
            return
        if self.deed.state is DeedState.LOST:
            known = self.platform.done.get(self.key, "unknown")
            self.settle(Fate.LOST if trouble == "lost" else Fate(known))
            return
        self.deed = sent(self.deed)
        if trouble == "busy":
            self.settle(Fate.UNSENT)
            return
        if trouble in {"none", "answer", "kill"}:
            said = self.platform.do(self.key, self.deed.need)
            self.settle(Fate(said) if trouble == "none" else Fate.LOST)
            return
        self.settle(Fate.LOST)


STEPS = st.one_of(
    st.tuples(st.just("people"), st.integers(0, 3)),
    st.tuples(st.sampled_from(["none", "lost", "answer", "busy", "kill"]), st.just(0)),
)


@given(st.lists(STEPS, max_size=40))
def test_in_the_end_the_platform_counts_as_the_record_does(steps):
    platform = Platform(admits=3)
    voucher = Voucher(platform)
    for what, people in steps:
        if what == "people":
            voucher.target = people
            voucher.follow()
        else:
            voucher.attempt(what)
        # Nothing is out twice: what the platform did is known, or is this one deed's doing.
        if voucher.deed is None:
            assert platform.people == voucher.reported
        else:
            after = reported_after(voucher.reported, voucher.deed.need)
            assert platform.people in {voucher.reported, after}
    for _ in range(60):
        if voucher.deed is not None and voucher.deed.state in POISON:
            need = find_need(voucher.target, voucher.reported, 3, partial=True)
            voucher.deed = retried(voucher.deed, need)
            voucher.follow()
        voucher.attempt("none")

    assert voucher.deed is None
    assert platform.people == voucher.target == voucher.reported
    assert "refused" not in platform.done.values()
