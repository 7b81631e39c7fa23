"""Amounts that people type: as many digits behind the point as the currency has."""

from __future__ import annotations

import re

import pytest

from admission.errors import Fault, InvalidInput
from gate_server.web.board.fields import read_minor
from tests.desk import a_desk


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    with a_desk(tmp_path_factory.mktemp("money")) as desk:
        for currency in ("CNY", "JPY", "KWD"):
            desk.park.offer(currency, currency=currency, face_price_minor="12345")
        yield desk


@pytest.mark.parametrize(
    ("typed", "decimals", "minor"),
    [
        ("12.34", 2, 1234),
        ("12", 2, 1200),
        ("12.340", 2, 1234),
        ("500", 0, 500),
        ("500.0", 0, 500),
        ("12.345", 3, 12345),
        ("0.001", 3, 1),
        ("１２", 2, 1200),
    ],
)
def test_amount_is_whole_minor_units(typed, decimals, minor):
    assert read_minor("price", typed, decimals) == minor


@pytest.mark.parametrize(
    ("typed", "decimals", "fault"),
    [
        ("12.345", 2, Fault.DECIMALS),
        ("1.5", 0, Fault.DECIMALS),
        ("0.0001", 3, Fault.DECIMALS),
        ("", 2, Fault.UNREADABLE),
        ("-1", 2, Fault.UNREADABLE),
        ("1,5", 2, Fault.UNREADABLE),
        ("1e9", 2, Fault.UNREADABLE),
        ("NaN", 2, Fault.UNREADABLE),
        ("¥5", 2, Fault.UNREADABLE),
        ("1" * 14, 2, Fault.UNREADABLE),
    ],
)
def test_amount_that_is_none_is_refused(typed, decimals, fault):
    with pytest.raises(InvalidInput) as raised:
        read_minor("price", typed, decimals)

    assert raised.value.fault is fault


def test_amount_beyond_any_price_is_refused_in_the_unit_that_was_typed():
    with pytest.raises(InvalidInput) as raised:
        read_minor("price", "10000000000.01", 2)

    assert (raised.value.fault, raised.value.limit) == (Fault.TOO_MUCH, "10000000000.00")


@pytest.mark.parametrize(
    ("deal_id", "typed", "minor"),
    [("CNY", "12.34", 1234), ("JPY", "99", 99), ("KWD", "1.234", 1234)],
)
def test_hold_takes_its_price_in_the_deals_currency(desk, deal_id, typed, minor):
    form = {"reason": "price", "at_gate": "refer", "scope.price_at_most_minor": typed}
    desk.do("deal-hold", deal_id=deal_id, step="do", **form)
    deal = desk.park.ledger.catalogue.deal(deal_id)

    assert desk.park.ledger.catalogue.holds[deal.deal_no].scope.price_at_most_minor == minor
    assert f'value="{typed}"' in desk.ask("deal-hold", deal_id=deal_id)


@pytest.mark.parametrize(
    ("deal_id", "typed", "said"),
    [
        ("CNY", "12.345", "at most 2 digits behind the point."),
        ("JPY", "12.5", "whole amounts only, nothing behind the point."),
        ("KWD", "1.2345", "at most 3 digits behind the point."),
    ],
)
def test_smaller_parts_than_the_currency_has_are_refused(desk, deal_id, typed, said):
    form = {"reason": "price", "at_gate": "refer", "scope.price_at_most_minor": typed}
    answer = desk.try_to("deal-hold", deal_id=deal_id, **form)

    assert answer.status_code == 400
    assert f"Price a person at most: {said}" in answer.text


@pytest.mark.parametrize(
    ("deal_id", "unit", "pattern"),
    [
        ("CNY", "123.45", "[0-9]+([.][0-9]{1,2})?"),
        ("JPY", "12345", "[0-9]+"),
        ("KWD", "12.345", "[0-9]+([.][0-9]{1,3})?"),
    ],
)
def test_amount_is_offered_as_it_is_typed(desk, deal_id, unit, pattern):
    page = desk.ask("deal-void", deal_id=deal_id)
    field = re.search(r'<input [^>]*name="settlement_unit_minor"[^>]*>', page)[0]

    assert f'value="{unit}"' in field
    assert f'pattern="{pattern}"' in field


def test_audit_tells_amounts_in_the_currency_of_their_deal(desk):
    boss = desk.park.hire("supervisor")
    for deal_id in ("JPY", "KWD"):
        hold = {"reason": "cheap", "scope": {"price_at_most_minor": 500}}
        assert desk.site.post(f"/deals/{deal_id}/hold", boss, hold).status_code == 200

    page = desk.beside("admin").see("/audit?event=hold")

    assert "</small> ¥500" in page
    assert "</small> KWD0.500" in page.replace("\xa0", "")
