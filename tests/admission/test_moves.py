"""Who was moved to another lane: decided now, and found again from the records in any order."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from admission.corrections import people_turned
from admission.deals import Right
from admission.errors import InvalidInput, LedgerConflict
from admission.history import Record, Terms, fold
from admission.moves import MOVE_WITHIN, find_moves, may_move, with_moves
from admission.reconcile import Account, ConflictKind, Name, find_conflicts
from admission.scans import Direction, Mode
from admission.verdicts import Outcome
from tests.builders import VENUE, a_deal, a_record, a_voucher, at
from tests.paper import Paper

FIXED = settings(derandomize=True, database=None, deadline=None)
MS = timedelta(milliseconds=1)
ONE = Terms(1, rights=(Right("park"),))


def watched(clock: str = "10:00", **changes: Any) -> Record:
    return a_record(clock, **({"turned": 0} | changes))


def moved(*records: Record, terms: Terms = ONE) -> dict[str, int]:
    return {each.device_id: each.moved for each in with_moves(records, terms, VENUE)}


def test_second_lane_takes_whom_the_first_has_not_counted():
    first, second = watched(), a_record("10:01", device_id="D2")

    assert moved(first, second) == moved(second, first) == {"D1": 1, "D2": 0}


def test_nothing_is_moved_once_the_first_has_counted():
    assert moved(watched(turned=1), a_record("10:01", device_id="D2")) == {"D1": 0, "D2": 0}


@pytest.mark.parametrize(
    "later",
    [
        {"device_id": "D1", "nonce": "again"},
        {"device_id": "D2", "area": "canyon"},
        {"device_id": "D2", "mode": Mode.REENTRY},
        {"device_id": "D2", "direction": Direction.EXIT},
        {"device_id": "D2", "overridden": 1, "overridden_at": at("10:01")},
    ],
)
def test_only_another_lane_into_the_same_area_takes_anybody(later):
    assert not may_move(watched(), a_record("10:01", **later))


@pytest.mark.parametrize(
    ("after", "may"),
    [(-MS, False), (timedelta(), True), (MOVE_WITHIN, True), (MOVE_WITHIN + MS, False)],
)
def test_moves_begin_with_the_first_scan_and_end_after_three_minutes(after, may):
    later = a_record("10:00", device_id="D2", scan_at=at("10:00") + after)

    assert may_move(watched(), later) is may


def test_what_the_first_lane_annuls_later_was_moved_and_what_it_annulled_before_was_not():
    annulled = {"annulled": 1, "annuls": 1}
    second = a_record("10:01", device_id="D2")
    later = watched(annulled_at=at("10:02"), **annulled)
    before = watched(annulled_at=at("10:00:30"), **annulled)

    assert moved(later, second) == {"D1": 1, "D2": 0}
    assert moved(before, second) == {"D1": 0, "D2": 0}
    # Either way one person is in, and nobody is waited for.
    for first in (later, before):
        history = fold(with_moves([first, second], ONE, VENUE), ONE, VENUE)
        assert history.inside_venue(VENUE.day_of(at("11:00"))) == 1
        assert not history.awaits_return(at("11:00"), "park", VENUE.day_of(at("11:00")), VENUE)


def test_a_chain_of_lanes_that_do_not_turn_moves_along():
    records = [watched(f"10:0{n}", device_id=f"D{n}") for n in range(3)]

    assert moved(*records) == {"D0": 1, "D1": 1, "D2": 0}


def test_people_turn_no_more_than_were_let_in_and_never_fewer_than_before():
    assert people_turned(watched(people=3, turned=2), 1) == 2
    assert people_turned(watched(people=3, turned=2), 3) == 3
    assert people_turned(a_record(people=3), 3) is None
    with pytest.raises(InvalidInput):
        people_turned(watched(people=3), 4)
    with pytest.raises(LedgerConflict):
        people_turned(watched(people=0), 1)


def test_both_lanes_that_turned_are_a_double_use_though_both_were_online():
    records = [watched(turned=1), a_record("10:01", device_id="D2", turned=1)]
    account = Account(
        venue=VENUE, records=records, offline=frozenset(), voucher=a_voucher(), deal=a_deal()
    )
    (conflict,) = find_conflicts(account)

    assert conflict.kind is ConflictKind.DOUBLE_USE
    assert set(conflict.scans) == {Name("D1", "n-10:00"), Name("D2", "n-10:01")}


# --- what must always hold ----------------------------------------------------------------------

facts = st.lists(
    st.fixed_dictionaries(
        {
            "device_id": st.sampled_from(["D1", "D2", "D3"]),
            "after_s": st.integers(0, 400),
            "people": st.integers(1, 3),
            "turned": st.none() | st.integers(0, 3),
            "annulled": st.sampled_from([0, 0, 1, 3]),
            "annulled_after_s": st.integers(1, 300),
        }
    ),
    min_size=2,
    max_size=6,
)


def a_fact(number: int, fact: dict[str, Any]) -> Record:
    scan_at = at("10:00") + timedelta(seconds=fact["after_s"])
    annulled = min(fact["annulled"], fact["people"])
    annulled_at = scan_at + timedelta(seconds=fact["annulled_after_s"])
    turned = fact["turned"]
    return a_record(
        nonce=f"n-{number}",
        device_id=fact["device_id"],
        scan_at=scan_at,
        people=fact["people"],
        turned=None if turned is None else min(turned, fact["people"]),
        annulled=annulled,
        annuls=1 if annulled else 0,
        annulled_at=annulled_at if annulled else None,
    )


@FIXED
@given(facts, st.randoms(use_true_random=False), st.integers(1, 4))
def test_any_order_of_arrival_comes_to_the_same(facts, chance, admits):
    terms = Terms(admits, rights=(Right("park"),))
    records = [a_fact(number, fact) for number, fact in enumerate(facts)]
    at_once = with_moves(records, terms, VENUE)
    arrived: list[Record] = []
    for record in chance.sample(records, len(records)):
        arrived = with_moves([*arrived, record], terms, VENUE)

    assert sorted(arrived, key=lambda each: each.nonce) == at_once
    for each in at_once:
        assert 0 <= each.moved <= each.people
        assert each.passed >= min(each.turned or 0, each.people)
    taken = {move.device_id for move in find_moves(records, terms, VENUE)}
    assert taken <= {each.device_id for each in records if each.turned is not None}


steps = st.lists(
    st.tuples(
        st.sampled_from(["scan", "scan", "scan", "turn", "annul"]),
        st.sampled_from(["D1", "D2", "D3"]),
        st.sampled_from([None, 1, 2]),
        st.integers(1, 100),
    ),
    max_size=12,
)


@FIXED
@given(steps, st.integers(1, 3))
def test_live_lanes_never_let_in_more_people_than_were_sold(steps, admits):
    devices = [{"device_id": name, "gate_id": "G1"} for name in ("D1", "D2", "D3")]
    deal = {"deal_id": "DAY", "valid_from": "2015-01-01", "valid_until": "2015-12-31"}
    rows = {"gates": [{"gate_id": "G1"}], "devices": devices, "deals": [deal]}
    vouchers = [{"code": "ADULT-0001", "deal_id": "DAY", "admits": admits}]
    paper, now = Paper(rows | {"vouchers": vouchers}), at("10:00")
    for kind, device, people, pause in steps:
        now += timedelta(seconds=pause)
        play(paper, now, kind, device, people)
        in_now = sum(entry.record.passed for entry in paper.entries.values())

        assert in_now <= admits


def play(paper: Paper, now: datetime, kind: str, device: str, people: int | None) -> None:
    """Present the code; or have the latest admission of a lane turn, or time out."""
    if kind == "scan":
        body = {"code": "ADULT-0001", "device": device, "passage": True, "party": people}
        answer = paper.play({"at": now.isoformat(), "scan": body})
        assert answer["outcome"] is Outcome.ADMIT or answer["admitted"] == 0
        return
    own = [each.record for each in paper.entries.values() if each.record.device_id == device]
    record = next((each for each in reversed(own) if each.people), None)
    if record is None:
        return
    # A lane's turnstile does not turn for whom it or another lane has given back.
    standing = record.people - max(record.annulled, record.moved) - (record.turned or 0)
    if standing <= 0:
        return
    body = {"device": device, "nonce": record.nonce}
    if kind == "turn":
        turned = (record.turned or 0) + min(people or standing, standing)
        paper.play({"at": now.isoformat(), "passage": body | {"people": turned}})
    else:
        missing = record.people - (record.turned or 0)
        paper.play({"at": now.isoformat(), "annul": body | {"people": missing}})
