"""What recorded scans come to: use, inside, arrivals, annulments, shares."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from admission.deals import Reentry, Right
from admission.history import Record, Terms, fold, share_of_first
from admission.scans import Direction, Mode
from admission.uses import NO_SHARE
from admission.verdicts import Reason
from tests.builders import DAY, VENUE, a_deal, a_history, a_record, a_voucher, at

SAME_DAY = a_deal(reentry=Reentry.SAME_DAY)
STAMP = a_deal(reentry=Reentry.SAME_DAY_STAMP)
TWO = a_voucher(admits=2)


def an_exit(clock: str, people: int = 1) -> Record:
    return a_record(clock, direction=Direction.EXIT, reason=Reason.EXIT_RECORDED, people=people)


def a_return(clock: str, people: int = 1, reason: Reason = Reason.REENTERED) -> Record:
    return a_record(clock, mode=Mode.REENTRY, reason=reason, people=people)


def test_nothing_on_record_is_nothing_used() -> None:
    history = a_history(voucher=TWO)

    assert history.available("park", DAY) == 2
    assert (history.inside_venue(DAY), history.first_use, history.arrivals) == (0, None, [])


def test_an_area_without_right_has_nobody_available() -> None:
    assert a_history().available("canyon", DAY) == 0


def test_a_code_nobody_knows_still_counts_inside() -> None:
    unknown = a_record(
        reason=Reason.UNKNOWN_CODE, people=0, overridden=2, overridden_at=at("10:05")
    )

    assert fold([unknown], Terms(), VENUE).inside_venue(DAY) == 2


def test_people_annulled_did_not_pass() -> None:
    history = a_history(
        a_record(people=2, annulled=1, annuls=1, annulled_at=at("10:01")), voucher=TWO
    )

    assert (history.inside("park", DAY), history.available("park", DAY)) == (1, 1)


def test_overridden_people_passed_at_the_override() -> None:
    record = a_record(
        "10:00", reason=Reason.EXPIRED, people=0, overridden=1, overridden_at=at("10:20")
    )
    first_use = a_history(record).first_use

    assert first_use is not None
    assert first_use.at == at("10:20")


def test_overridden_people_beyond_the_voucher_are_inside() -> None:
    more = a_record(
        "10:10", reason=Reason.USED_UP, people=0, overridden=2, overridden_at=at("10:11")
    )

    assert a_history(a_record(), more).inside_venue(DAY) == 3


def test_a_double_use_is_two_people_inside() -> None:
    assert a_history(a_record("10:00"), a_record("10:05")).inside_venue(DAY) == 2


def test_a_second_use_is_the_same_person_inside() -> None:
    deal = a_deal(rights=(Right("park", 2),))
    history = a_history(a_record("10:00"), a_record("10:05"), deal=deal)

    assert (history.inside_venue(DAY), history.entered_today("park", DAY)) == (1, 1)


def test_who_is_in_two_areas_is_one_person() -> None:
    deal = a_deal(rights=(Right("park"), Right("canyon")))
    history = a_history(a_record("10:00"), a_record("10:05", area="canyon"), deal=deal)
    first, second = (history.shares["D1", f"n-{clock}"] for clock in ("10:00", "10:05"))

    assert history.inside_venue(DAY) == 1
    assert (first.people, first.persons, first.inside) == (1, 1, 1)
    assert (second.people, second.persons, second.inside) == (1, 0, 0)


def test_a_return_by_stamp_is_nobody_new() -> None:
    history = a_history(a_record(people=2), a_return("11:00", people=2), deal=STAMP, voucher=TWO)
    share = history.shares["D1", "n-11:00"]

    assert (share.people, share.persons, share.inside) == (0, 0, 0)
    assert history.use_of("park").used == 2


def test_a_return_by_stamp_under_a_void_is_nobody_new() -> None:
    entry = a_record(reason=Reason.HONOURED)
    history = a_history(entry, a_return("11:00", reason=Reason.HONOURED), deal=STAMP)

    assert (history.honoured(), history.use_of("park").used) == (1, 1)


def test_whoever_was_scanned_out_comes_back_by_stamp_beside_the_others() -> None:
    history = a_history(
        a_record(people=2), an_exit("11:00"), a_return("12:00"), deal=STAMP, voucher=TWO
    )

    assert history.inside_venue(DAY) == 2


def test_a_way_back_is_taken_only_once() -> None:
    records = [a_record(people=2), an_exit("11:00"), a_return("12:00")]
    history = a_history(*records, deal=SAME_DAY, voucher=TWO)

    assert (history.inside_venue(DAY), history.available("park", DAY)) == (2, 0)
    assert history.use_of("park").outside_on(DAY) == 0


def test_more_cannot_go_out_than_are_inside() -> None:
    history = a_history(a_record(), an_exit("11:00", people=5), deal=SAME_DAY, voucher=TWO)

    assert (history.inside_venue(DAY), history.use_of("park").outside) == (0, 1)


def test_the_next_day_begins_empty() -> None:
    history = a_history(a_record(), deal=SAME_DAY)

    assert history.inside_venue(date(2015, 2, 13)) == 0


@pytest.mark.parametrize(
    ("changes", "proves"),
    [
        ({"reason": Reason.WRONG_GATE, "people": 0}, True),
        ({"reason": Reason.WRONG_GATE, "people": 0, "staffed": False}, False),
        ({"reason": Reason.DEAL_HELD, "people": 0, "staffed": False}, True),
        ({"reason": Reason.VENUE_FULL, "people": 0, "staffed": False}, True),
        ({"staffed": False}, True),
        ({"mode": Mode.CHECK}, False),
        ({"mode": Mode.ARRIVE, "people": 0}, True),
        ({"mode": Mode.ARRIVE, "people": 0, "struck": True}, False),
        ({"annulled": 1, "annuls": 1}, True),
        ({"direction": Direction.EXIT, "reason": Reason.EXIT_RECORDED}, False),
    ],
)
def test_what_proves_an_arrival(changes: dict[str, Any], proves: bool) -> None:
    assert bool(a_history(a_record(**changes)).arrivals) is proves


def test_an_arrival_knows_who_was_in_before() -> None:
    stamp = a_record("16:50", mode=Mode.ARRIVE, people=0, party=2)
    history = a_history(a_record("10:00", party=1), stamp, voucher=a_voucher(admits=4))

    assert [(a.in_before, a.seen) for a in history.arrivals] == [(0, 1), (1, 2)]


def test_remaining_people_of_two_uses_are_those_of_the_next_entry() -> None:
    history = a_history(deal=a_deal(rights=(Right("park", 2),)), voucher=TWO)

    assert history.available("park", DAY) == 2
    assert history.available("park", DAY, entering=2) == 2
    assert history.available("park", DAY, entering=3) == 1


def test_an_annulment_waits_until_somebody_enters() -> None:
    gone = a_record("10:00", annulled=1, annuls=1, annulled_at=at("10:01"))
    waits = a_history(gone)
    entered = a_history(gone, a_record("10:30"))
    now = at("10:31")

    assert waits.awaits_return(now, "park", DAY, VENUE) is True
    assert waits.awaits_return(at("10:11"), "park", DAY, VENUE) is False
    assert entered.awaits_return(now, "park", DAY, VENUE) is False


def test_ties_are_broken_by_device_and_nonce() -> None:
    late, early = a_record(device_id="D2", gate_id="G2"), a_record(device_id="D1")
    first_use = a_history(late, early).first_use

    assert first_use is not None
    assert first_use.gate_id == "G1"


def test_arrivals_of_a_day_include_its_last_instant() -> None:
    last = at("23:59:59.999")
    records = [
        a_record(nonce=f"n-{number}", scan_at=last + timedelta(milliseconds=number))
        for number in (0, 1)
    ]
    history = a_history(*records)

    assert [arrival.at for arrival in history.arrivals_on(DAY, VENUE)] == [last]


@pytest.mark.parametrize("admits", [0, 1, 3])
@pytest.mark.parametrize("people", [0, 1, 3])
@pytest.mark.parametrize("direction", list(Direction))
@pytest.mark.parametrize("reason", [Reason.ADMITTED, Reason.HONOURED, Reason.REENTERED])
@pytest.mark.parametrize("mode", [Mode.ADMIT, Mode.REENTRY])
@pytest.mark.parametrize("reentry", list(Reentry))
def test_the_share_of_a_first_record_is_what_the_fold_says(
    admits, people, direction, reason, mode, reentry
):
    record = a_record(people=people, direction=direction, reason=reason, mode=mode)
    terms = Terms(admits, reentry, (Right("park", 2),))

    folded = fold([record], terms, VENUE).shares.get((record.device_id, record.nonce), NO_SHARE)

    assert share_of_first(record) == folded
