"""Every invariant holds for a good day, and one wrong record breaks the one that it is about."""

import pytest

from drill.checks import Recorded, check
from drill.fold import double_uses, fold, inside, settle, told_settlement
from drill.words import INVARIANTS
from tests.drill.days import (
    CAME,
    GUEST,
    LATE,
    LISTED,
    STAYED_AWAY,
    a_day,
    a_voucher,
    shown,
    the_accounts,
    the_evidence,
    the_settlement,
)


def broken(evidence):
    return {each.name for each in check(evidence) if not each.holds}


def an_incident(**changes):
    return the_evidence().incident | changes


def test_good_day_holds():
    assert broken(the_evidence()) == set()


def test_every_invariant_is_told_in_both_languages():
    assert [each.name for each in check(the_evidence())] == list(INVARIANTS)


SPOILED = {
    "a row that nobody showed": (
        "shown_once",
        {"recorded": [*the_evidence().recorded, Recorded("D1", "x9", "honoured", 1)]},
    ),
    "a row that is missing": ("shown_once", {"recorded": the_evidence().recorded[1:]}),
    "a row that is there twice": ("shown_once", {"recorded": the_evidence().recorded * 2}),
    "a verdict that was changed": (
        "shown_once",
        {"recorded": [Recorded("D1", "n1", "refunded", 0), *the_evidence().recorded[1:]]},
    ),
    "a conflict that is none": ("doubles_found", {"doubles": {("D1", "n1")}}),
    "a broken chain": ("chain_whole", {"chain": ["revision 7: altered"]}),
    "a wrong counter": ("counters_true", {"counters": ["minute 1, gate G01"]}),
    "somebody who is not inside": ("occupancy_right", {"inside": 3}),
    "a scanner that was not told": ("all_told", {"broadcast": {"not_seen_by": [{"name": "L7"}]}}),
    "an incident left open": ("incident_told", {"incident": an_incident(state="open")}),
    "no incident": ("incident_told", {"incident": an_incident(kind="other")}),
    "a report about something else": ("incident_told", {"report": "I2"}),
    "a settlement out of balance": (
        "balanced",
        {"accounts": the_accounts(settlement=the_settlement() | {"balanced": False})},
    ),
    "money that nobody owes": (
        "settled_as_seen",
        {"accounts": the_accounts(settlement=the_settlement(owed_to_venue=1))},
    ),
    "a list too short": (
        "lists_complete",
        {"accounts": the_accounts(lists=the_accounts().lists | {"reverse": {"amount_minor": 7}})},
    ),
    "other bytes": ("same_bytes", {"accounts": the_accounts(digests=["aa", "bb"])}),
    "a second statement": ("same_bytes", {"accounts": the_accounts(versions=[1, 2])}),
    "a missing signature": (
        "signed",
        {"accounts": the_accounts(statement=the_accounts().statement | {"closed_at": None})},
    ),
    "nobody tried the list": ("never_after_list", {"accounts": the_accounts(tried=[])}),
    "a listed voucher let in": (
        "never_after_list",
        {"accounts": the_accounts(tried=[shown(LISTED, "t1", offline=True)])},
    ),
}


@pytest.mark.parametrize("what", SPOILED)
def test_wrong_record_breaks_its_invariant(what):
    name, changes = SPOILED[what]

    assert name in broken(the_evidence(**changes))


def test_code_without_a_verdict_is_told():
    day = a_day(shown(CAME, "", "", outcome="", problem="declined"))

    assert "all_answered" in broken(the_evidence(day))


def test_honest_visitor_turned_away_is_told():
    other = a_voucher(8, GUEST.deal_id)
    day = a_day(shown(other, "n3", "expired"))
    sold = {**day.vouchers, other.code: other}

    assert "honest_received" in broken(the_evidence(a_day(*day.shown[2:], vouchers=sold)))


def test_code_that_nobody_sold_must_not_let_in():
    day = a_day(shown(a_voucher(77), "n3"))

    assert "strangers_refused" in broken(the_evidence(day, inside=3))


def test_honoured_without_an_arrival_in_time_is_told():
    day = a_day(shown(STAYED_AWAY, "n3", at=LATE))

    assert "honoured_in_time" in broken(the_evidence(day, inside=3))


def test_turned_away_after_an_arrival_in_time_is_told():
    stamp = shown(LISTED, "n3", "honoured", place="M1", people=0)
    day = a_day(stamp, shown(LISTED, "n4", "deal_voided", at=LATE))

    assert broken(the_evidence(day)) == {"honoured_in_time"}


def test_coming_in_twice_must_be_found():
    day = a_day(shown(CAME, "n3", place="L02", device_id="D2"))

    assert "doubles_found" in broken(the_evidence(day, inside=3))
    assert double_uses(fold(day), day) == {("D1", "n1"), ("D2", "n3")}


def test_ticket_counts_as_its_voucher_and_who_leaves_is_out():
    ticket = a_voucher(500)
    day = a_day(
        shown(ticket, "n3", "admitted"),
        shown(GUEST, "n4", "exit_recorded", leaves=True),
        tickets={LISTED.code: [ticket.code]},
    )
    holders = fold(day)

    assert holders[LISTED.code].people == 1
    assert ticket.code not in holders
    assert inside(holders, day) == 2


def test_stamp_lets_nobody_in():
    day = a_day(shown(LISTED, "n3", place="M1"))

    assert fold(day)[LISTED.code].people == 0


def test_settlement_of_a_double_use_charges_one_person():
    day = a_day(shown(CAME, "n3", place="L02", device_id="D2"))

    settled = settle(fold(day), day)

    assert settled["people_honoured"] == 1
    assert settled["over_admitted"] == 1


def test_blocked_buyers_compensation_is_withheld():
    day = a_day(blocked={STAYED_AWAY.buyer})

    settled = settle(fold(day), day)

    assert (settled["buyers_compensated"], settled["buyers_withheld"]) == (1, 1)


def test_refunded_and_admitted_is_to_be_reversed():
    day = a_day(refunded={CAME.code, STAYED_AWAY.code})

    assert settle(fold(day), day)["refunds_to_reverse"] == 1


def test_both_sides_name_the_same_figures():
    day = a_day()

    assert settle(fold(day), day) == told_settlement(the_settlement())
