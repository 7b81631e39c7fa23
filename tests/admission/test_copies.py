"""A code shown at two gates: which presentations a human must see, whatever order they come in."""

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from admission.copies import find_copies
from admission.history import Record
from admission.reconcile import Account, find_conflicts, name_of
from admission.scans import Direction, Mode
from admission.verdicts import Reason
from tests.builders import VENUE, a_deal, a_record, a_voucher, at


def let_in(clock="10:00", gate="G1", **changes):
    return a_record(clock, gate_id=gate, device_id=f"at {gate}", **changes)


def refused(clock="10:05", gate="G2", **changes):
    fields = {"reason": Reason.USED_UP, "people": 0, "device_id": f"at {gate}", "gate_id": gate}
    return a_record(clock, **(fields | changes))


def pairs(*records: Record, verified=()):
    found = find_copies(records, [at(clock) for clock in verified])
    return [(first.nonce[2:], later.nonce[2:]) for first, later in found]


def kinds(*records, offline=frozenset()):
    voucher, deal = a_voucher(), a_deal()
    account = Account(venue=VENUE, records=records, offline=offline, voucher=voucher, deal=deal)
    return [each.kind.value for each in find_conflicts(account)]


def test_admission_and_refusal_at_two_gates_are_one_case():
    assert pairs(let_in(), refused()) == [("10:00", "10:05")]


def test_visitor_who_tries_again_at_the_same_lane_is_one_case():
    assert pairs(let_in(), refused("10:04"), refused("10:05"), refused("10:06")) == [
        ("10:00", "10:04")
    ]


def test_each_place_where_copies_turn_up_is_a_case_of_its_own():
    found = pairs(let_in(), refused("10:04"), refused("10:05", "G3"), refused("10:06", "G4"))

    assert found == [("10:00", "10:04"), ("10:00", "10:05"), ("10:00", "10:06")]


@pytest.mark.parametrize(
    "later",
    [
        refused("09:59"),
        refused("10:11"),
        refused(gate="G1"),
        refused(area="valley"),
        refused(reason=Reason.CANCELLED),
        refused(mode=Mode.REENTRY),
        refused(mode=Mode.EXCHANGE),
        refused(direction=Direction.EXIT),
    ],
    ids=lambda each: f"{each.scan_at:%H:%M} {each.gate_id} {each.reason} {each.mode}",
)
def test_ordinary_second_presentation_is_no_case(later):
    assert pairs(let_in(), later) == []


def test_admission_that_was_annulled_is_no_first_one():
    assert pairs(let_in(annulled=1, annuls=1, annulled_at=at("10:02")), refused()) == []


def test_holder_who_was_scanned_out_is_no_case():
    out = let_in("10:03", direction=Direction.EXIT, reason=Reason.EXIT_RECORDED)

    assert pairs(let_in(), out, refused()) == []


@pytest.mark.parametrize("clock", ["10:05", "10:08"])
def test_supervisors_override_leaves_the_case_to_be_closed(clock):
    later = refused(overridden=1, overridden_at=at(clock))

    assert pairs(let_in(), later) == [("10:00", "10:05")]


@pytest.mark.parametrize(
    ("clock", "gate", "verified", "found"),
    [
        ("13:00", "G2", "13:02", [("10:00", "13:00")]),
        ("13:00", "G1", "13:30", [("10:00", "13:00")]),
        ("13:00", "G2", "13:31", []),
        ("13:00", "G2", "12:59", []),
    ],
)
def test_whoever_knows_the_phone_is_a_case_hours_later_at_any_gate(clock, gate, verified, found):
    assert pairs(let_in(), refused(clock, gate), verified=[verified]) == found


def test_phone_that_is_known_makes_no_case_without_a_refusal():
    assert pairs(let_in(), verified=["10:10"]) == []
    assert pairs(refused(), verified=["10:10"]) == []


def test_case_is_the_same_in_any_order_of_arrival():
    records = [let_in(), refused(), refused("10:07", "G3"), refused("12:00", "G4")]
    found = {tuple(sorted(pairs(*order, verified=["12:10"]))) for order in permutations(records)}

    assert found == {(("10:00", "10:05"), ("10:00", "10:07"), ("10:00", "12:00"))}


def test_offline_pair_that_both_let_in_is_a_double_use_and_no_second_case():
    both = let_in(), let_in("10:05", "G2")

    assert kinds(*both, offline=frozenset(name_of(each) for each in both)) == ["double_use"]


@given(
    st.lists(
        st.tuples(
            st.integers(0, 40),
            st.sampled_from(["G1", "G2", "G3"]),
            st.sampled_from([Reason.ADMITTED, Reason.USED_UP]),
        ),
        max_size=8,
        unique_by=lambda each: each[0],
    )
)
def test_every_case_is_an_admission_and_a_later_refusal_elsewhere(steps):
    made = [
        let_in(f"10:{minute:02}", gate)
        if reason is Reason.ADMITTED
        else refused(f"10:{minute:02}", gate)
        for minute, gate, reason in steps
    ]

    for first, later in find_copies(made):
        assert first.people == 1
        assert later.people == 0
        assert first.gate_id != later.gate_id
        assert 0 <= (later.scan_at - first.scan_at).total_seconds() <= 600


def test_conflict_is_of_its_own_kind():
    assert kinds(let_in(), refused()) == ["copied_code"]
