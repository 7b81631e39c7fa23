"""Conflicts: every double use reported, none invented, whatever comes first."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from admission.deals import Reentry, Right
from admission.reconcile import Account, ConflictKind, Name, find_conflicts, name_of
from admission.scans import Direction, Mode
from admission.verdicts import Reason
from admission.vouchers import Status
from tests.builders import VENUE, a_deal, a_record, a_void, a_voucher, at


def account(*records, online=(), **changes):
    """An account whose records were all decided offline, but for those at the times `online`."""
    offline = frozenset(name_of(each) for each in records if each.nonce[2:] not in online)
    fields = {"voucher": a_voucher(), "deal": a_deal()} | changes
    return Account(venue=VENUE, records=records, offline=offline, **fields)


def kinds(*records, **changes):
    return [each.kind.value for each in find_conflicts(account(*records, **changes))]


def pairs(found):
    return {frozenset(name.nonce[2:] for name in each.scans) for each in found}


def test_one_admission_is_no_conflict():
    assert kinds(a_record()) == []


def test_two_scanners_that_let_in_one_voucher_are_one_pair():
    found = find_conflicts(account(a_record("10:00"), a_record("10:05", device_id="D2")))

    assert [each.kind for each in found] == [ConflictKind.DOUBLE_USE]
    assert pairs(found) == {frozenset({"10:00", "10:05"})}


def test_each_further_use_is_one_further_pair():
    records = [a_record(f"10:0{n}", device_id=f"D{n}") for n in range(4)]

    assert len(find_conflicts(account(*records))) == 3


def test_people_of_one_group_at_several_lanes_are_no_conflict():
    group = {"voucher": a_voucher(admits=3)}
    three = [a_record(f"10:0{n}", device_id=f"D{n}") for n in range(3)]

    assert kinds(*three, **group) == []
    assert kinds(*three, a_record("10:09", device_id="D9"), **group) == ["double_use"]


def test_what_the_server_let_in_after_an_offline_scan_is_half_of_a_pair():
    both = a_record("10:00"), a_record("10:05", device_id="D2")

    assert kinds(*both, online=("10:05",)) == ["double_use"]
    assert kinds(*both, online=("10:00",)) == ["double_use"]


def test_two_answers_of_the_server_are_its_own_affair():
    both = a_record("10:00"), a_record("10:05", device_id="D2")

    assert kinds(*both, online=("10:00", "10:05")) == []


def test_an_online_admission_is_paired_with_the_offline_one_that_took_its_place():
    three = a_record("10:00"), a_record("10:05", device_id="D2"), a_record("10:10", device_id="D3")
    of_two = account(*three, voucher=a_voucher(admits=2), online=("10:05", "10:10"))

    assert pairs(find_conflicts(of_two)) == {frozenset({"10:00", "10:10"})}


def test_a_stamp_is_no_half_of_a_pair():
    deal = a_deal(reentry=Reentry.SAME_DAY_STAMP)
    back = a_record("11:00", mode=Mode.REENTRY, reason=Reason.REENTERED)

    found = find_conflicts(account(a_record("10:00"), back, a_record("12:00"), deal=deal))

    assert pairs(found) == {frozenset({"10:00", "12:00"})}


def test_an_annulled_admission_was_none():
    first = a_record("10:00", annulled=1, annuls=1, annulled_at=at("10:01"))

    assert kinds(first, a_record("10:05", device_id="D2")) == []


def an_exit(clock, **changes):
    gone = {"direction": Direction.EXIT, "reason": Reason.EXIT_RECORDED}
    return a_record(clock, device_id="D3", **(gone | changes))


@pytest.mark.parametrize(
    ("annulled_at", "found"), [("10:04", []), ("10:06", ["annulled_after_move"])]
)
def test_people_who_had_gone_on_were_not_there_to_be_taken_back(annulled_at, found):
    entry = a_record("10:00", annulled=1, annuls=1, annulled_at=at(annulled_at))

    assert kinds(entry, an_exit("10:05")) == found
    assert kinds(an_exit("10:05"), entry) == found


def test_who_went_on_may_have_come_in_by_another_lane():
    jammed = a_record("10:00", annulled=1, annuls=1, annulled_at=at("10:06"))
    second = a_record("10:02", device_id="D2")

    assert kinds(jammed, second) == []
    assert kinds(jammed, second, an_exit("10:05")) == []
    assert kinds(jammed, second, an_exit("10:05", people=2)) == ["annulled_after_move"]


def test_a_return_by_stamp_shows_that_people_were_in_and_another_area_does_not():
    two = a_deal(rights=(Right("park"), Right("canyon")), reentry=Reentry.SAME_DAY_STAMP)
    taken_back = a_record("10:00", annulled=1, annuls=1, annulled_at=at("10:06"))
    back = a_record("10:05", device_id="D2", mode=Mode.REENTRY, reason=Reason.REENTERED)

    assert "annulled_after_move" in kinds(taken_back, back, deal=two)
    in_canyon = a_record("10:05", device_id="D2", area="canyon")
    assert kinds(taken_back, in_canyon, deal=two) == []


def test_a_supervisor_may_let_in_more():
    refused = a_record("10:05", reason=Reason.USED_UP, people=0)
    over = replace(refused, overridden=1, overridden_at=at("10:06"))

    assert kinds(a_record("10:00"), over) == []


def test_other_areas_and_other_days_have_rights_of_their_own():
    two = a_deal(rights=(Right("park"), Right("canyon")))
    daily = a_deal(rights=(Right("park", 1, per_day=True),))
    next_day = a_record("10:00", nonce="n-next", device_id="D2")
    next_day = replace(next_day, scan_at=at("10:00", at("10:00").date().replace(day=13)))

    assert kinds(a_record("10:00"), a_record("10:05", area="canyon"), deal=two) == []
    assert kinds(a_record("10:00"), next_day, deal=daily) == []
    assert kinds(a_record("10:00"), next_day) == ["double_use"]


def test_who_went_out_may_come_in_again():
    deal = a_deal(reentry=Reentry.SAME_DAY)
    out = a_record("10:30", direction=Direction.EXIT, reason=Reason.EXIT_RECORDED)

    assert kinds(a_record("10:00"), out, a_record("11:00", device_id="D2"), deal=deal) == []
    assert kinds(a_record("10:00"), a_record("11:00", device_id="D2"), deal=deal) == ["double_use"]


def test_a_stamp_on_the_hand_consumes_nothing():
    deal = a_deal(reentry=Reentry.SAME_DAY_STAMP)
    back = a_record("11:00", mode=Mode.REENTRY, reason=Reason.REENTERED)

    assert kinds(a_record("10:00"), back, deal=deal) == []


def test_more_people_than_the_voucher_has_are_told_apart_from_a_second_use():
    assert kinds(a_record("10:00", people=2)) == ["over_party"]
    assert kinds(a_record("10:00", people=2), online=("10:00",)) == []


@pytest.mark.parametrize(
    ("clock", "void", "expected"),
    [
        ("08:59", a_void(None), []),
        ("09:00", a_void(None), ["used_after_void"]),
        ("10:00", a_void("17:00"), []),
        ("17:01", a_void("17:00"), ["used_after_void"]),
        ("10:00", a_void(None, restored=True), []),
    ],
)
def test_use_after_a_void_is_one_only_where_its_terms_do_not_cover_it(clock, void, expected):
    assert kinds(a_record(clock), voids=[void]) == expected


def test_an_arrival_in_time_covers_a_late_admission():
    stamp = a_record("16:58", mode=Mode.ARRIVE, people=0, nonce="n-stamp")

    assert kinds(stamp, a_record("18:40"), voids=[a_void("17:00")]) == []


def test_a_scan_that_was_overridden_later_still_proves_its_arrival():
    refused = a_record("16:58", reason=Reason.DEAL_HELD, people=0)
    overridden = replace(refused, overridden=1, overridden_at=at("19:00"))

    assert kinds(overridden, a_record("18:40"), voids=[a_void("17:00")]) == []


def test_an_override_told_to_a_new_epoch_is_still_one():
    over = a_record("10:05", reason=Reason.OVERRIDDEN, people=2)

    assert kinds(a_record("10:00"), over, voids=[a_void(None)]) == ["used_after_void"]


def test_an_admission_is_judged_by_the_version_of_its_own_time():
    first, second = a_void("17:00"), a_void(None, version=2, committed_at=at("11:00"))

    assert kinds(a_record("10:00"), voids=[first, second]) == []
    assert kinds(a_record("11:30"), voids=[first, second]) == ["used_after_void"]


@pytest.mark.parametrize(
    ("clock", "online", "expected"),
    [
        ("10:00", False, ["cancelled_after_use"]),
        ("10:00", True, ["cancelled_after_use"]),
        ("13:00", False, ["used_after_cancel"]),
        ("13:00", True, []),
    ],
)
def test_a_cancellation_is_held_against_the_time_of_use(clock, online, expected):
    ended = a_voucher(status=Status.CANCELLED, status_at=at("12:00"))
    record = a_record(clock)

    assert kinds(record, voucher=ended, online=(clock,) if online else ()) == expected


def test_a_status_that_is_the_voids_own_effect_is_no_conflict():
    ended = a_voucher(status=Status.REFUNDED, status_at=at("12:00"))

    assert kinds(a_record("10:00"), voucher=ended, voids=[a_void("17:00")]) == []


def test_a_code_nobody_knows_is_told_until_its_row_comes():
    unknown = account(a_record(reason=Reason.PROVISIONAL), voucher=None, deal=None)

    assert [each.kind for each in find_conflicts(unknown)] == [ConflictKind.UNKNOWN_AT_UPLOAD]
    assert find_conflicts(replace(unknown, voucher=a_voucher(), deal=a_deal())) == ()


records = st.lists(
    st.builds(
        a_record,
        st.integers(0, 59).map(lambda minute: f"10:{minute:02}"),
        device_id=st.sampled_from(["D1", "D2", "D3"]),
        nonce=st.integers(0, 10**6).map(lambda n: f"n-{n}"),
        people=st.integers(0, 3),
        direction=st.sampled_from(Direction),
        area=st.sampled_from(["park", "canyon"]),
    ),
    max_size=7,
    unique_by=name_of,
)
deals = st.builds(
    a_deal,
    rights=st.sampled_from([(Right("park"),), (Right("park", 2), Right("canyon", 1, True))]),
    reentry=st.sampled_from(Reentry),
)


@given(records, deals, st.integers(1, 3), st.randoms(use_true_random=False))
def test_any_order_of_arrival_gives_the_same_conflicts(scans, deal, admits, chance):
    one = account(*scans, deal=deal, voucher=a_voucher(admits=admits))
    shuffled = list(scans)
    chance.shuffle(shuffled)

    found = find_conflicts(one)

    assert found == find_conflicts(replace(one, records=shuffled))
    assert len({each.subject for each in found}) == len(found)


@given(records, deals)
def test_with_people_enough_nothing_is_invented(scans, deal):
    plenty = tuple(replace(right, uses=50) for right in deal.rights)
    deal = replace(deal, rights=plenty, reentry=Reentry.NONE)

    assert find_conflicts(account(*scans, deal=deal, voucher=a_voucher(admits=50))) == ()


@given(st.lists(st.integers(0, 59), min_size=1, max_size=6, unique=True))
def test_a_single_let_in_n_times_is_n_less_one_pairs(minutes):
    scans = [a_record(f"10:{minute:02}", device_id=f"D{minute}") for minute in minutes]

    found = find_conflicts(account(*scans))

    assert len(found) == len(minutes) - 1
    assert {each.kind for each in found} <= {ConflictKind.DOUBLE_USE}


def test_a_subject_is_the_same_from_either_end():
    one = find_conflicts(account(a_record("10:00"), a_record("10:05", device_id="D2")))[0]

    assert one.subject == replace(one, scans=one.scans[::-1]).subject
    assert one.scans == (Name("D1", "n-10:00"), Name("D2", "n-10:05"))
