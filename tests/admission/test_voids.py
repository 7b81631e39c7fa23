"""Honour terms, their defaults, whom they cover, and since when statuses are a void's effect."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from admission.deals import Hold
from admission.history import Arrival
from admission.voids import Honour, arrivals_covered, default_statuses_since, people_covered
from tests.builders import VENUE, a_venue, a_void, at

HONOUR = Honour.of(at("17:00"), VENUE)


def test_terms_are_those_of_the_cut_offs_venue_day() -> None:
    assert Honour(at("00:00"), at("17:00"), at("23:59:59.999")) == HONOUR


def test_terms_follow_the_venues_own_day() -> None:
    honour = Honour.of(at("02:00", date(2015, 2, 13)), a_venue(day_starts_at="04:00"))

    assert honour.arrived_from == at("04:00")
    assert honour.admit_until == at("03:59:59.999", date(2015, 2, 13))


@pytest.mark.parametrize(
    ("arrived_from", "admit_until"), [("17:00:00.001", "23:00"), ("12:00", "11:59:59.999")]
)
def test_terms_that_honour_nobody_are_not_terms(arrived_from: str, admit_until: str) -> None:
    with pytest.raises(ValueError, match="nobody could be honoured"):
        Honour(at(arrived_from), at("17:00"), at(admit_until))


def test_the_window_includes_both_its_instants() -> None:
    instants = [at("00:00"), at("17:00"), at("17:00:00.001")]
    arrivals = [Arrival(instant, 1, 0) for instant in instants]

    assert [a.at for a in arrivals_covered(HONOUR, arrivals)] == instants[:2]


@pytest.mark.parametrize(
    ("now", "honoured", "most"),
    [
        *(("17:00", 0, 9), ("17:00", 4, 6), ("17:00", 10, 0), ("17:00", 11, 0)),
        *(("17:00:00.001", 0, 0), ("09:00", 0, 9)),
    ],
)
def test_no_more_are_to_come_than_there_is_time_and_room_for(
    now: str, honoured: int, most: int
) -> None:
    honour = replace(HONOUR, max_people=10)

    assert honour.most_to_come(9, honoured, at(now)) == most
    assert replace(honour, max_people=None).most_to_come(9, honoured, at("17:00")) == 9
    assert replace(honour, admit_until=at("08:00")).most_to_come(9, 0, at("09:00")) == 0


@pytest.mark.parametrize(
    ("arrivals", "people"),
    [
        ([], 0),
        ([(2, 0)], 2),
        ([(2, 1)], 3),
        ([(None, 0)], 4),
        ([(9, 1)], 4),
        ([(1, 0), (3, 0), (2, 0)], 3),
        ([(1, 0), (1, 1)], 2),
    ],
)
def test_the_most_that_an_arrival_shows_are_covered(
    arrivals: list[tuple[int | None, int]], people: int
) -> None:
    shown = [Arrival(at("16:00"), seen, in_before) for seen, in_before in arrivals]

    assert people_covered(shown, 4) == people


def test_statuses_count_from_the_hold_that_a_void_ended_else_from_the_void() -> None:
    hold = Hold(at("08:00"), "price")

    assert default_statuses_since([], hold, at("09:00")) == at("08:00")
    assert default_statuses_since([], None, at("09:00")) == at("09:00")


def test_a_further_version_counts_statuses_from_the_first() -> None:
    first = a_void(statuses_since=at("08:00"))
    second = replace(first, version=2, statuses_since=at("07:00"))

    assert default_statuses_since([first, second], None, at("11:00")) == at("08:00")


def test_a_restore_begins_anew() -> None:
    first = a_void(statuses_since=at("08:00"))
    restored = replace(first, version=2, restored=True)

    assert default_statuses_since([first, restored], None, at("11:00")) == at("11:00")
