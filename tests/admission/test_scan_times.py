"""When an offline scan happened: corrected by the server's measure, held between contacts."""

from __future__ import annotations

from datetime import timedelta

import pytest

from admission.scan_times import scan_time
from tests.builders import at

RECEIPT, CONTACT = at("12:00"), at("09:00")


@pytest.mark.parametrize(
    ("claimed", "offset_ms", "expected", "skewed"),
    [
        ("10:00", None, "10:00", False),
        ("10:00", 0, "10:00", False),
        ("10:30", 30 * 60_000, "10:00", False),
        ("10:00", -60_000, "10:01", False),
        ("08:59", None, "09:00", False),
        ("03:00", None, "09:00", True),
        ("12:01", None, "12:00", False),
        ("23:00", None, "12:00", True),
    ],
)
def test_time_is_corrected_and_held_between_the_contacts(claimed, offset_ms, expected, skewed):
    time = scan_time(at(claimed), offset_ms, contact_at=CONTACT, by=RECEIPT)

    assert (time.at, time.skewed) == (at(expected), skewed)


def test_without_a_contact_only_the_receipt_bounds():
    years_ago = at("10:00") - timedelta(days=9000)

    assert scan_time(years_ago, None, contact_at=None, by=RECEIPT).at == years_ago
    assert scan_time(at("13:00"), None, contact_at=None, by=RECEIPT).at == RECEIPT


def test_contacts_that_contradict_each_other_leave_the_receipt():
    assert scan_time(at("10:00"), None, contact_at=at("13:00"), by=RECEIPT).at == RECEIPT
