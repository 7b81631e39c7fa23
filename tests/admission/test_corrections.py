"""Replays, annulments, overrides and strikes, where tests/vectors do not say it already."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from admission.corrections import (
    ANNUL_WITHIN,
    OVERRIDE_WITHIN,
    check_call,
    check_replay,
    check_strike,
    people_to_annul,
    people_to_override,
)
from admission.errors import InvalidInput, LedgerConflict
from admission.history import Record, Terms
from admission.scans import Direction, Mode
from admission.verdicts import Reason
from tests.builders import a_deal, a_history, a_record, a_voucher, at

TERMS = Terms.of(a_voucher(admits=4), a_deal())
MS = timedelta(milliseconds=1)


def annul(record: Record, *others: Record, people: int | None = None, after: timedelta = MS) -> int:
    return people_to_annul(
        record,
        others,
        TERMS,
        people=people,
        now=record.passed_at + after,
        by_supervisor=False,
    )


def slug_of(conflict: pytest.ExceptionInfo[LedgerConflict]) -> str:
    return conflict.value.slug


def test_the_same_request_may_be_answered_again() -> None:
    check_replay(a_record(), same=True)


def test_another_request_may_not() -> None:
    with pytest.raises(LedgerConflict) as conflict:
        check_replay(a_record(annulled=1), same=False)

    assert slug_of(conflict) == "nonce-reused"


def test_whole_or_part_is_annulled() -> None:
    assert annul(a_record(people=4)) == 4
    assert annul(a_record(people=4), people=1) == 1
    assert annul(a_record(people=4, annulled=1, annuls=1), people=3) == 3


def test_no_more_people_are_annulled_than_came_in() -> None:
    with pytest.raises(InvalidInput) as wrong:
        annul(a_record(people=2), people=3)

    assert wrong.value.field == "people"


@pytest.mark.parametrize("people", [None, 1, 2])
def test_what_is_annulled_already_changes_nothing(people: int | None) -> None:
    record = a_record(people=2, annulled=2, annuls=1)

    assert annul(record, people=people, after=timedelta(days=1)) == 0


def test_a_device_has_fifteen_minutes() -> None:
    assert annul(a_record(), after=ANNUL_WITHIN) == 1
    with pytest.raises(LedgerConflict) as conflict:
        annul(a_record(), after=ANNUL_WITHIN + MS)

    assert slug_of(conflict) == "too-late"


def test_others_of_the_group_may_follow() -> None:
    assert annul(a_record(people=2), a_record("10:01", people=2)) == 2
    with pytest.raises(LedgerConflict) as conflict:
        annul(a_record(people=2), a_record("10:01", people=3))

    assert slug_of(conflict) == "moved-since"


def test_a_return_by_stamp_shows_that_people_had_gone_on_even_where_some_are_left() -> None:
    back = a_record("10:01", people=1, mode=Mode.REENTRY, reason=Reason.REENTERED)

    with pytest.raises(LedgerConflict) as conflict:
        annul(a_record(people=1), back)

    assert slug_of(conflict) == "moved-since"
    assert annul(replace(back, scan_at=at("10:00")), replace(back, device_id="D2")) == 1


def test_what_happened_before_does_not_hinder() -> None:
    earlier = a_record("09:00", people=2, direction=Direction.EXIT, reason=Reason.EXIT_RECORDED)

    assert annul(a_record(people=4), earlier) == 4


def test_a_check_or_refusal_since_does_not_hinder() -> None:
    assert annul(a_record(), a_record("10:01", people=0, reason=Reason.USED_UP)) == 1


def override(record: Record, *, party: int | None = None, available: int = 2) -> int:
    history = a_history(voucher=a_voucher(admits=2))
    now = record.scan_at + OVERRIDE_WITHIN
    return people_to_override(record, history, party=party, available=available, now=now)


REFUSED = a_record(people=0, reason=Reason.EXPIRED)


def test_the_supervisor_says_how_many_come_in() -> None:
    assert override(REFUSED, party=7) == 7
    assert override(REFUSED) == 2
    assert override(a_record(people=0, reason=Reason.EXPIRED, party=1)) == 1
    assert override(REFUSED, available=0) == 1


def test_on_a_code_nobody_knows_one_comes_in() -> None:
    now = at("10:05")

    assert people_to_override(REFUSED, None, party=None, available=0, now=now) == 1
    assert people_to_override(REFUSED, None, party=3, available=0, now=now) == 3


@pytest.mark.parametrize(
    ("record", "slug"),
    [
        (a_record(), "admitted-already"),
        (a_record(people=0, reason=Reason.EXPIRED, overridden=1), "admitted-already"),
        (a_record(people=0, reason=Reason.EXPIRED, mode=Mode.ARRIVE), "not-an-entry"),
        (a_record(people=0, direction=Direction.EXIT, reason=Reason.NOT_INSIDE), "not-an-entry"),
    ],
)
def test_what_cannot_be_overridden(record: Record, slug: str) -> None:
    with pytest.raises(LedgerConflict) as conflict:
        override(record)

    assert slug_of(conflict) == slug


def test_only_who_waits_for_a_human_is_answered() -> None:
    check_call(a_record(people=0, reason=Reason.SEVERAL_VOUCHERS), shown_twice=False)
    check_call(a_record(people=0, reason=Reason.USED_UP), shown_twice=True)
    refused = a_record(people=0, reason=Reason.USED_UP)
    for record, slug in (
        (refused, "not-a-call"),
        (a_record(), "admitted-already"),
        (replace(refused, overridden=1), "admitted-already"),
        (replace(refused, mode=Mode.ARRIVE), "not-an-entry"),
        (replace(refused, direction=Direction.EXIT), "not-an-entry"),
    ):
        with pytest.raises(LedgerConflict) as conflict:
            check_call(record, shown_twice=False)
        assert slug_of(conflict) == slug


def test_only_stamps_are_struck() -> None:
    check_strike(a_record(people=0, mode=Mode.ARRIVE))
    with pytest.raises(LedgerConflict) as conflict:
        check_strike(a_record())

    assert slug_of(conflict) == "not-a-stamp"
