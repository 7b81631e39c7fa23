"""What no scenario of tests/vectors can say: outcomes, what staff are told, and tickets."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from admission.cases import Facts
from admission.deals import Right
from admission.rules import RULES, decide
from admission.scans import Direction, Mode, PartyDefault
from admission.verdicts import OUTCOMES, Outcome, Reason
from admission.vouchers import Status
from tests.builders import (
    a_case,
    a_deal,
    a_family,
    a_found,
    a_gate,
    a_record,
    a_scan,
    a_void,
    a_voucher,
    at,
)

# DESIGN section 4, the table's own columns.
BY_DESIGN = {
    Outcome.WAIT: "emergency gate_closed venue_full slip_alone",
    Outcome.REFER: "ledger_stale ambiguous_code several_vouchers not_inside refunded_after_arrival"
    " annulled_before buyer_blocked deal_held party_too_large queue_over bulk_arrivals",
    Outcome.REFUSE: "malformed_code not_a_ticket bad_signature refusal_slip unknown_code cancelled"
    " refunded voucher_blocked exchanged used_up deal_voided wrong_gate not_yet_valid expired"
    " outside_hours already_inside ticket_annulled slip_not_handed_out slip_other_day slip_bound",
    Outcome.ADMIT: "provisional exit_recorded honoured reentered admitted overridden",
}


def test_each_reason_has_the_outcome_of_the_table() -> None:
    table = {
        Reason(name): outcome for outcome, names in BY_DESIGN.items() for name in names.split()
    }

    assert dict(OUTCOMES) == table


def test_each_rule_stands_once() -> None:
    assert len(set(RULES)) == len(RULES)


def test_an_exchanged_voucher_names_its_tickets() -> None:
    voucher = a_voucher(admits=2, exchanged=2, exchanged_for=("T-01", "T-02"))
    verdict = decide(a_case(a_found(voucher=voucher)), at("10:00"))

    assert verdict.reason is Reason.EXCHANGED
    assert verdict.say == {"tickets": ("T-01", "T-02")}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"status": Status.BLOCKED}, Reason.VOUCHER_BLOCKED),
        ({"status": Status.CANCELLED}, Reason.CANCELLED),
        ({}, Reason.EXCHANGED),
    ],
)
def test_exchanged_speaks_after_the_status_and_before_used_up(
    changes: dict[str, Status], reason: Reason
) -> None:
    voucher = a_voucher(exchanged=1, exchanged_for=("T-01",), **changes)
    verdict = decide(a_case(a_found(a_record(), voucher=voucher)), at("11:00"))

    assert verdict.reason is reason


def test_a_refund_listed_voucher_is_refused_as_refunded() -> None:
    voucher = a_voucher(refund_listed=True)

    assert decide(a_case(a_found(voucher=voucher)), at("10:00")).reason is Reason.REFUNDED


def test_a_refund_list_is_not_the_effect_of_a_void() -> None:
    found = a_found(voucher=a_voucher(refund_listed=True), void=a_void())

    assert decide(a_case(found), at("10:00")).reason is Reason.REFUNDED


def test_a_ticket_has_the_arrivals_of_its_family() -> None:
    family = a_family(a_record("16:50", people=0, mode=Mode.ARRIVE))
    found = a_found(voucher=a_voucher(parent_id=9), void=a_void(), family=family)
    verdict = decide(a_case(found), at("18:40"))

    assert (verdict.reason, verdict.arrived_at) == (Reason.HONOURED, at("16:50"))


def test_a_ticket_says_where_its_family_was_first_used() -> None:
    family = a_family(a_record("09:00", gate_id="G7"))
    found = a_found(voucher=a_voucher(parent_id=9), family=family)
    first_use = decide(a_case(found), at("10:00")).first_use

    assert first_use is not None
    assert first_use.gate_id == "G7"


def test_the_wrong_gate_says_which_are_right() -> None:
    deal = a_deal(
        rights=(Right("canyon"), Right("valley")),
        gates=frozenset({"C2", "C1"}),
    )
    say = decide(a_case(a_found(deal=deal)), at("10:00")).say

    assert say == {"areas": ("canyon", "valley"), "gates": ("C1", "C2")}


def test_a_window_is_said_as_the_voucher_has_it() -> None:
    voucher = a_voucher(valid_from=at("16:00"))
    verdict = decide(a_case(a_found(voucher=voucher)), at("10:00"))

    assert verdict.reason is Reason.NOT_YET_VALID
    assert verdict.say["valid_from"] == at("16:00")


def test_a_large_party_is_told_how_many_may_enter() -> None:
    found = a_found(a_record(), voucher=a_voucher(admits=3))
    verdict = decide(a_case(found, scan=a_scan(party=5)), at("11:00"))

    assert verdict.say == {"available": 2, "party": 5}


def test_a_void_says_its_notice() -> None:
    found = a_found(void=a_void(None, notice=("活动取消", "withdrawn")))

    assert decide(a_case(found), at("10:00")).say == {"notice": ("活动取消", "withdrawn")}


def test_several_vouchers_are_counted() -> None:
    verdict = decide(a_case(a_found(), a_found()), at("10:00"))

    assert (verdict.reason, verdict.say) == (Reason.SEVERAL_VOUCHERS, {"vouchers": 2})


def test_a_device_that_should_ask_and_did_not_lets_in_one() -> None:
    found = a_found(voucher=a_voucher(admits=3))
    verdict = decide(a_case(found, scan=a_scan(party_default=PartyDefault.ASK)), at("10:00"))

    assert (verdict.people, verdict.remaining) == (1, 2)


def test_an_exit_is_of_all_inside_or_of_the_party() -> None:
    found = a_found(a_record(people=3), voucher=a_voucher(admits=3))
    leaving = a_scan(direction=Direction.EXIT)
    people = [
        decide(a_case(found, scan=replace(leaving, party=party)), at("11:00")).people
        for party in (None, 1, 9)
    ]

    assert people == [3, 1, 3]


def test_an_evacuation_counts_out_people_of_any_code() -> None:
    facts = Facts(emergency=True)
    leaving = a_scan(direction=Direction.EXIT, party=4)
    verdict = decide(replace(a_case(scan=leaving, facts=facts), found=()), at("11:00"))

    assert (verdict.reason, verdict.people) == (Reason.EXIT_RECORDED, 4)


def test_a_check_counts_out_nobody() -> None:
    facts = Facts(emergency=True)
    leaving = a_scan(direction=Direction.EXIT, mode=Mode.CHECK)
    verdict = decide(replace(a_case(scan=leaving, facts=facts), found=()), at("11:00"))

    assert (verdict.reason, verdict.people) == (Reason.EXIT_RECORDED, 0)


def test_the_next_area_does_not_make_the_venue_fuller() -> None:
    deal = a_deal(rights=(Right("park"), Right("canyon")))
    case = a_case(a_found(a_record(), deal=deal), gate=a_gate(area="canyon"))
    full = replace(case, facts=Facts(inside=50, limit=50))

    assert decide(full, at("11:00")).reason is Reason.ADMITTED


def test_the_same_case_is_decided_the_same_again() -> None:
    case = a_case(a_found(a_record(), void=a_void(), voucher=a_voucher(admits=2)))
    verdicts = [decide(case, at("16:00")) for _ in range(3)]

    assert all(one == other for one, other in pairwise(verdicts))
