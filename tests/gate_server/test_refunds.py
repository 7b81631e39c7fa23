"""Refunds on request in a real ledger: decided once, beside scans, rows, outages and kills."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from admission.errors import LedgerConflict
from admission.refunds import RefundDecision, RefundReason
from gate_server.ledger import sales
from gate_server.ledger.refunds import list_requests
from tests.offline_lines import a_line, check, conflicts, send
from tests.refund_requests import request, withdraw
from tests.server import Park, Site, an_app

CODE, GROUP = "9K3F-22AX-8K2F", "GROUP-CODE-0004"
LATER = "2099-01-01T00:00:00+08:00"


@pytest.fixture
def park(tmp_path):
    park = Park(tmp_path / "var")
    park.sell(CODE, voucher_ref="V-1", price_paid_minor="26000")
    park.sell(GROUP, voucher_ref="V-4", admits="4", price_paid_minor="4000")
    yield park
    park.close()


@pytest.fixture
def site(park):
    with an_app(park) as (_, site):
        yield site


def vouchers(park, columns):
    sql = f"SELECT {columns} FROM vouchers WHERE parent_id IS NULL ORDER BY voucher_id"
    return park.ledger.read(lambda db: db.execute(sql).fetchall())


def deal(site: Site, park: Park):
    return site.get("/deals/DAY", park.hire("steward")).json()


# --- one decision --------------------------------------------------------------------------------


def test_evidence_names_the_scan_that_used_it(site, park):
    scan = site.scan(park.enrol(), CODE)

    answer = request(park, ref="V-1")

    assert (answer.decision, answer.reason) == (RefundDecision.REFUSE, RefundReason.USED)
    (seen,) = answer.evidence
    assert (seen.scan_id, seen.gate_id, seen.people) == (scan["scan_id"], "G1", 1)
    assert seen.at.isoformat() == scan["decided_at"].replace("Z", "+00:00")


def test_reference_and_code_name_the_same_voucher(site, park):
    assert request(park, ref="V-4", people=1).refundable == 4
    assert request(park, GROUP, people=1, name="r2").refundable == 3


def test_same_request_is_answered_as_it_was_and_another_under_its_name_is_not(park):
    first = request(park, CODE)

    assert request(park, CODE) == first
    with pytest.raises(LedgerConflict) as refused:
        request(park, GROUP, content=b"else")
    assert refused.value.slug == "request-reused"
    assert request(park, GROUP, platform="meituan").reason is RefundReason.UNKNOWN_VOUCHER


def test_voucher_of_another_platform_or_a_ticket_is_unknown(site, park):
    ticket = site.scan(park.enrol("exchange"), CODE, mode="exchange")["tickets"][0]["code"]

    assert request(park, CODE, platform="meituan").reason is RefundReason.UNKNOWN_VOUCHER
    assert request(park, ticket).reason is RefundReason.UNKNOWN_VOUCHER
    assert request(park, ref="V-9", name="r2").reason is RefundReason.UNKNOWN_VOUCHER


def test_reference_of_two_vouchers_is_refused(park):
    park.sell("TWIN-CODE-1", "TWIN-CODE-2", voucher_ref="V-2")

    assert request(park, ref="V-2").reason is RefundReason.SEVERAL_VOUCHERS


def test_request_that_comes_after_its_withdrawal_is_refused(site, park):
    first = withdraw(park)

    assert request(park, CODE) == first
    assert (first.decision, first.reason) == (RefundDecision.REFUSE, RefundReason.WITHDRAWN)
    assert site.scan(park.enrol(), CODE)["reason"] == "admitted"


def test_counters_of_what_is_sold_follow_refunds_withdrawals_and_rows(park):
    request(park, GROUP, people=3)
    request(park, CODE, name="r2")

    differences = [park.ledger.read(sales.differences)]
    withdraw(park)
    differences.append(park.ledger.read(sales.differences))
    park.sell(GROUP, voucher_ref="V-4", admits="5", price_paid_minor="4000", updated_at=LATER)
    differences.append(park.ledger.read(sales.differences))

    assert differences == [[], [], []]


def test_withdrawing_twice_unlocks_once(site, park):
    request(park, GROUP, people=3)
    request(park, GROUP, people=1, name="r2")

    assert withdraw(park) == withdraw(park)
    assert withdraw(park, "r2").withdrawn_at is not None
    assert vouchers(park, "admits, price_paid_minor, status, refund_listed_at")[1] == (
        *(4, 4000, "valid", None),
    )
    check(park)


def test_all_is_written_with_the_decision_and_outlives_the_server(tmp_path, park):
    first = request(park, GROUP, people=3)
    park.ledger.close()
    park.lock.release()

    again = Park(park.directory)

    assert request(again, GROUP, people=3) == first
    assert vouchers(again, "admits, price_paid_minor")[1] == (1, 1000)
    check(again)
    again.close()
    park.__init__(park.directory)


# --- counts --------------------------------------------------------------------------------------


def test_deal_counts_its_refunded_people_and_still_those_it_sold(site, park):
    request(park, GROUP, people=3)
    request(park, CODE, name="r2")
    before = deal(site, park)

    withdraw(park)
    park.sell(GROUP, voucher_ref="V-4", admits="4", status="valid", updated_at=LATER)

    after = deal(site, park)
    assert (before["people_sold"], before["refunded_people"]) == (5, 4)
    assert (after["people_sold"], after["refunded_people"]) == (5, 1)


def test_preview_of_a_void_leaves_out_whom_it_would_not_touch(site, park):
    request(park, GROUP, people=3)
    request(park, CODE, name="r2")

    terms = {"reason": "mis-sold", "honour": None, "cost_bearer": "platform"}
    boss = park.hire()
    preview = site.post("/deals/DAY/void?preview=true", boss, terms).json()["preview"]

    told = preview["vouchers"], preview["people"], preview["paid_minor"]
    assert told == (1, 1, 1000)
    assert preview["refunded_people"] == 4


# --- beside rows of the platform -----------------------------------------------------------------


def test_refund_that_the_platform_tells_too_is_no_second_one(site, park):
    request(park, CODE)
    locked_at = vouchers(park, "status_at")[0]

    park.sell(CODE, voucher_ref="V-1", status="refunded", updated_at=LATER)

    assert vouchers(park, "status_at")[0] == locked_at
    assert deal(site, park)["refunded_people"] == 1
    assert conflicts(site, park) == []


def test_withdrawal_brings_back_what_the_platform_said_meanwhile(site, park):
    request(park, CODE)
    park.sell(CODE, voucher_ref="V-1", status="cancelled", updated_at=LATER)

    withdraw(park)

    assert site.scan(park.enrol(), CODE)["reason"] == "cancelled"


def test_same_rows_again_change_nothing(site, park):
    request(park, GROUP, people=1)
    revision = vouchers(park, "revision")

    park.sell(GROUP, voucher_ref="V-4", admits="4", price_paid_minor="4000", updated_at=LATER)

    assert vouchers(park, "revision") == revision
    assert vouchers(park, "admits, price_paid_minor")[1] == (3, 3000)


# --- beside scans --------------------------------------------------------------------------------


def test_last_person_is_never_both_let_in_and_paid_back(park):
    """A scan and a request for the same person start at once, many times over."""
    device = park.enrol()
    both, rounds, won = [], 40, set()
    with an_app(park) as (_, site):
        for number in range(rounds):
            code = f"RACE-CODE-{number:03}"
            park.sell(code)
            gate, answers = threading.Barrier(2), {}

            def scan(code=code, gate=gate, answers=answers):
                gate.wait()
                answers["scan"] = site.scan(device, code)["reason"]

            def ask(code=code, gate=gate, answers=answers, number=number):
                gate.wait()
                answers["refund"] = request(park, code, name=f"race-{number}").reason

            threads = [threading.Thread(target=each) for each in (scan, ask)]
            for each in threads:
                each.start()
            for each in threads:
                each.join()
            both.append((answers["scan"], answers["refund"]))
            won.add(answers["refund"])

    assert set(both) <= {("admitted", "used"), ("refunded", "unused")}
    assert len(both) == rounds


def test_admission_shown_offline_that_comes_after_the_approval_is_told(site, park):
    device = park.enrol()
    answer = request(park, CODE)

    told = send(site, device, a_line(CODE, ago_s=600))

    assert answer.decision is RefundDecision.APPROVE
    assert told[0]["conflicts"] == ["used_after_refund"]
    (found,) = conflicts(site, park)
    assert (found["kind"], len(found["scans"])) == ("used_after_refund", 1)
    check(park)


def test_offline_admission_of_those_left_is_no_conflict_and_of_others_is(site, park):
    first, second = park.enrol(), park.enrol()
    request(park, GROUP, people=3)

    assert send(site, first, a_line(GROUP, ago_s=60))[0]["conflicts"] == []
    assert send(site, second, a_line(GROUP, ago_s=50))[0]["conflicts"] == ["used_after_refund"]
    check(park)


def test_conflict_solves_itself_when_the_request_is_withdrawn(site, park):
    request(park, CODE)
    send(site, park.enrol(), a_line(CODE))

    withdraw(park)

    assert conflicts(site, park) == []


def test_refund_of_a_voucher_that_a_scanner_let_in_is_refused_once_it_is_known(site, park):
    send(site, park.enrol(), a_line(CODE))

    assert request(park, CODE).reason is RefundReason.USED


def test_supervisor_may_still_let_in_whom_was_paid_back(site, park):
    device = park.enrol()
    request(park, CODE)
    scan = site.scan(device, CODE)

    body = {"device_id": device.name, "reason": "paid again at the desk"}
    done = site.post(f"/scans/{scan['nonce']}/override", park.hire(), body).json()

    assert (scan["reason"], done["reason"]) == ("refunded", "overridden")
    assert conflicts(site, park) == []


# --- the list ------------------------------------------------------------------------------------


def test_list_has_the_newest_first_and_one_platform_only(site, park):
    site.scan(park.enrol(), CODE)
    request(park, CODE)
    request(park, GROUP, people=2, name="r2")
    request(park, GROUP, name="other", platform="meituan")

    found = park.ledger.read(lambda db: list_requests(db, "lvtu")).refund_requests
    every = park.ledger.read(lambda db: list_requests(db, most=2))

    assert [(each.id, each.reason.value, each.asked) for each in found] == [
        ("r2", "unused", 2),
        ("r1", "used", None),
    ]
    assert (found[1].deal_id, found[1].tail, len(found[1].evidence)) == ("DAY", "8K2F", 1)
    assert ([each.id for each in every.refund_requests], every.more) == (["other", "r2"], True)
    assert found[0].decided_at - found[1].decided_at < timedelta(minutes=1)
