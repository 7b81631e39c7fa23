"""A platform's month over HTTP: what the command says, for those whom it concerns."""

from __future__ import annotations

import pytest

from gate_server.months import close, list_months, make_month
from tests.server import slug_of
from tests.settlement_story import a_story, clock

MAY = "/statements/lvtu/2015-05"


@pytest.fixture
def story(tmp_path):
    with a_story(tmp_path / "var") as story:
        yield story


def test_a_month_is_told_to_the_venue_and_to_the_platforms_partner(story):
    told = story.site.get(MAY, story.boss).json()
    to_partner = story.site.get(MAY, story.partner).json()

    assert told["owed_minor"] == {"CNY": 78000}
    assert [each["deal_id"] for each in told["deals"]] == ["DAY"]
    assert told == to_partner
    assert make_month(story.park.ledger, "lvtu", "2015-05").owed_minor == told["owed_minor"]


def test_a_closed_month_is_answered_as_it_was_closed(story):
    story.park.now = clock("09:00:00", "2015-06-01")
    closed = close(story.park.ledger, "lvtu", "2015-05", by="anne")
    story.park.now = clock("09:00:00", "2015-06-20")
    told = story.site.get(MAY, story.partner).json()

    assert told["closed_by"] == "anne"
    assert told["as_of"] == closed.as_of.isoformat()


def test_a_month_that_has_not_begun_is_not_there(story):
    assert slug_of(story.site.get("/statements/lvtu/2015-06", story.boss)) == "not-found"
    assert slug_of(story.site.get("/statements/lvtu/2099-01", story.partner)) == "not-found"


def test_months_are_those_with_something_in_them_and_the_running_one(story):
    ledger = story.park.ledger
    in_may = list_months(ledger, 11)
    story.at("09:00:00", "2015-08-01")
    close(ledger, "lvtu", "2015-06", by="anne")
    story.sell("GONE-0001", status="refunded", status_at="2015-07-31T23:30:00+08:00")
    in_august = list_months(ledger, 11)
    story.at("09:00:00", "2016-07-01")
    a_year_on = list_months(ledger, 11)

    assert in_may == {"lvtu": ["2015-05"]}
    assert in_august == {"lvtu": ["2015-08", "2015-07", "2015-06", "2015-05"]}
    assert a_year_on == {"lvtu": ["2016-07"]}


@pytest.mark.parametrize("path", ["/statements/nobody/2015-05", "/statements/lvtu/2015-05/x"])
def test_a_platform_without_deals_has_no_month(story, path):
    assert slug_of(story.site.get(path, story.boss)) == "not-found"


@pytest.mark.parametrize("month", ["2015", "2015-13", "may", "2015-05-01"])
def test_what_is_no_month_is_told(story, month):
    answer = story.site.get(f"/statements/lvtu/{month}", story.boss)

    assert answer.json()["errors"][0]["field"] == "month"
