"""`want: ["order"]` on a scan: how far the order of a voucher has come in."""

from __future__ import annotations

import pytest


@pytest.fixture
def gate(park):
    return park.enrol()


def order_of(site, by, code, **fields):
    return site.scan(by, code, want=["order"], **fields)["voucher"]["order"]


def test_it_counts_people_of_all_vouchers_of_the_order(site, park, gate):
    park.sell("SCHOOL-01", "SCHOOL-02", order_ref="CLASS-3B", admits="5")
    park.sell("SCHOOL-03", order_ref="CLASS-3B", admits="10")
    park.sell("OTHERS-01", order_ref="CLASS-4A", admits="5")

    assert order_of(site, gate, "SCHOOL-01") == {"admitted": 5, "admits": 20}
    assert order_of(site, gate, "SCHOOL-03", party=7) == {"admitted": 12, "admits": 20}


def test_whoever_asks_for_nothing_is_told_nothing(site, park, gate):
    park.sell("SCHOOL-01", "SCHOOL-02", order_ref="CLASS-3B")

    assert site.scan(gate, "SCHOOL-01")["voucher"]["order"] is None


def test_one_voucher_for_one_person_is_no_order_to_count(site, park, gate):
    park.sell("ALONE-001", order_ref="ONE-1")
    park.sell("ALONE-002")

    assert order_of(site, gate, "ALONE-001") is None
    assert order_of(site, gate, "ALONE-002") is None


def test_a_family_voucher_counts_alone(site, park, gate):
    park.sell("FAMILY-01", admits="4")

    assert order_of(site, gate, "FAMILY-01", party=3) == {"admitted": 3, "admits": 4}


def test_people_taken_back_do_not_count(site, park, gate):
    park.sell("SCHOOL-01", "SCHOOL-02", order_ref="CLASS-3B", admits="5")
    nonce = site.scan(gate, "SCHOOL-01")["nonce"]
    site.post(f"/scans/{nonce}/annul", gate, {"reason": "did not pass", "people": 2})

    assert order_of(site, gate, "SCHOOL-02", mode="check") == {"admitted": 3, "admits": 10}


def test_people_who_came_in_on_tickets_count_at_the_voucher_that_was_exchanged(site, park, gate):
    park.sell("SCHOOL-01", "SCHOOL-02", order_ref="CLASS-3B", admits="5")
    desk = park.enrol("exchange")
    first, second = site.scan(desk, "SCHOOL-01", mode="exchange", party=2)["tickets"]
    site.scan(gate, first["code"])

    assert order_of(site, gate, second["code"]) == {"admitted": 2, "admits": 10}
    assert order_of(site, gate, "SCHOOL-01", party=1) == {"admitted": 3, "admits": 10}
    assert order_of(site, gate, "SCHOOL-02") == {"admitted": 8, "admits": 10}


def test_tickets_of_a_family_voucher_without_an_order_count_at_it(site, park, gate):
    park.sell("FAMILY-01", admits="4")
    ticket, *_ = site.scan(park.enrol("exchange"), "FAMILY-01", mode="exchange")["tickets"]

    assert order_of(site, gate, ticket["code"]) == {"admitted": 1, "admits": 4}


def test_the_same_number_of_another_platform_is_another_order(site, park, gate):
    park.offer("OTHER", platform="meiyou")
    park.sell("SCHOOL-01", "SCHOOL-02", order_ref="77")
    park.sell("STRANGE-1", deal_id="OTHER", order_ref="77", admits="9")

    assert order_of(site, gate, "SCHOOL-01") == {"admitted": 1, "admits": 2}


def test_an_unknown_code_has_no_order(site, gate):
    answer = site.scan(gate, "NO-SUCH-CODE", want=["order"])

    assert answer["voucher"] is None


def test_what_cannot_be_wanted_is_refused(site, gate):
    assert site.try_scan(gate, "NO-SUCH-CODE", want=["phone"]).status_code == 400
