"""Figures over days: by venue day and hour, from counters that agree with the scans."""

from __future__ import annotations

import csv
import io
import json
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from openpyxl import load_workbook

from admission.errors import InvalidInput
from gate_server.cli import main
from gate_server.figures import Days, make_curve, make_gate_day, make_gate_figures
from tests.builders import at
from tests.server import Park, an_app, slug_of
from tests.settlement_story import AFTER, a_story

STORY_DAY = "2015-05-01"
DAY = date(2027, 2, 12)


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    with a_story(tmp_path_factory.mktemp("figures") / "var") as story:
        story.park.offer("=EVIL()", title="=1+1", platform="other", updated_at="2015-04-01")
        story.park.add_gate("G3", "=cmd|'/c calc'!A0", "park")
        story.park.sell("EVIL-CODE-1", deal_id="=EVIL()")
        story.site.scan(story.park.enrol(gate_id="G3"), "EVIL-CODE-1")
        yield story


def ask(story, path, by=None, **query):
    answer = story.site.get(path, by or story.boss, params=query)
    assert answer.status_code == 200, answer.text
    return answer


def test_a_gates_day_agrees_with_its_scans(story):
    told = ask(story, "/figures/gates", **{"from": STORY_DAY, "until": STORY_DAY}).json()
    [gate] = told["gates"]

    assert (told["first_day"], told["by"], gate["gate_id"]) == (STORY_DAY, "day", "G1")
    assert (gate["entered"], gate["people"], gate["persons"]) == (4, 4, 4)
    # EARLY, CAME twice (a stamp), PARTY; LATE and HELP were refused first.
    assert (gate["scans"], gate["refused"], gate["referred"], gate["waited"]) == (6, 2, 0, 0)
    assert gate["reasons"] == {"deal_voided": 2}


def test_hours_add_up_to_the_day(story):
    query = {"from": STORY_DAY, "until": AFTER}
    for path, noun in (("/figures/gates", "gates"), ("/figures/deals", "deals")):
        days = ask(story, path, by=None, **query).json()[noun]
        hours = story.site.get(path, story.boss, params=query | {"by": "hour"}).json()[noun]
        for name in ("entered", "persons", "scans", "refused", "referred"):
            assert sum(row[name] for row in days) == sum(row[name] for row in hours)
        assert [row["from_at"] for row in hours] == sorted(row["from_at"] for row in hours)
        assert len(hours) > len(days)


def test_a_deal_tells_why_it_was_not_let_in(story):
    told = ask(story, "/figures/deals", **{"from": STORY_DAY, "until": STORY_DAY}).json()
    [deal] = told["deals"]

    assert (deal["deal_id"], deal["entered"], deal["persons"]) == ("DAY", 4, 4)
    assert (deal["refused"], deal["reasons"]) == (2, {"deal_voided": 2})


def test_a_partner_sees_its_own_deals_only(story):
    other = story.park.hire("partner", platform="other")
    query = {"from": STORY_DAY, "until": AFTER}
    seen = {
        member.name: {
            row["deal_id"] for row in ask(story, "/figures/deals", member, **query).json()["deals"]
        }
        for member in (story.boss, story.partner, other)
    }

    assert list(seen.values()) == [{"DAY", "=EVIL()"}, {"DAY"}, {"=EVIL()"}]
    assert slug_of(story.site.get("/deals/DAY/curve", other)) == "not-found"
    assert ask(story, "/deals/DAY/curve", story.partner).json()["deal_id"] == "DAY"


@pytest.mark.parametrize("path", ["/figures/gates", "/figures/deals"])
def test_tables_are_safe_to_open_and_the_same_bytes_each_time(story, path):
    query = {"from": STORY_DAY, "until": AFTER}
    files = [
        [ask(story, path, format=form, **query).content for _ in range(2)]
        for form in ("csv", "xlsx")
    ]
    rows = list(csv.reader(io.StringIO(files[0][0].decode())))
    sheet = load_workbook(io.BytesIO(files[1][0])).worksheets[0]
    cells = [[str(cell.value) for cell in row] for row in sheet.iter_rows()]

    assert [first == second for first, second in files] == [True, True]
    assert cells == rows
    assert len(rows) == 3
    assert len({len(row) for row in rows}) == 1
    texts = [cell for row in rows for cell in row if not cell.isdecimal()]
    assert [text for text in texts if text.startswith(("=", "+", "-", "@", "\t"))] == []
    assert any(text.startswith("'=") for text in texts)


def test_a_table_has_a_column_for_each_reason(story):
    table = ask(story, "/figures/deals", format="csv", **{"from": STORY_DAY, "until": STORY_DAY})
    [row] = csv.DictReader(io.StringIO(table.text))

    assert (row["refuse:deal_voided"], row["refuse:used_up"]) == ("2", "0")
    assert (row["day"], row["from"]) == (STORY_DAY, f"{STORY_DAY}T00:00+08:00")
    assert "deals-day-2015-05-01-2015-05-01.csv" in table.headers["content-disposition"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"from": "yesterday"}, "from"),
        ({"until": "2015-02-30"}, "until"),
        ({"from": "2015-05-02", "until": "2015-05-01"}, "until"),
        ({"from": "2014-01-01", "until": "2015-05-01"}, "until"),
        ({"from": "2015-01-01", "until": "2015-05-01", "by": "hour"}, "until"),
        ({"from": "0001-01-01"}, "from"),
        ({"until": "9999-12-31"}, "until"),
        ({"by": "minute"}, "by"),
        ({"format": "pdf"}, "format"),
        ({"form": "csv"}, "form"),
    ],
)
def test_what_cannot_be_asked_for_is_refused(story, query, field):
    answer = story.site.get("/figures/gates", story.boss, params=query)

    assert (slug_of(answer), answer.json()["errors"][0]["field"]) == ("invalid", field)


def test_four_hundred_days_are_the_most():
    first = date(2026, 1, 1)

    assert len(list(Days(first, first + timedelta(days=399)))) == 400
    with pytest.raises(InvalidInput):
        Days(first, first + timedelta(days=400))


# --- one gate's day, one deal's sales ------------------------------------------------------------


def test_a_gates_day_stands_beside_its_record_and_its_ceiling(story):
    ledger = story.park.ledger
    past = ask(story, "/gates/G1/day", day=STORY_DAY).json()
    quiet = ask(story, "/gates/G1/day", day="2014-12-31").json()

    assert (past["entered"], past["lanes"], past["ceiling_per_hour"]) == (4, 1, 660)
    assert past["best_hour"] == {"from_at": "2015-05-01T10:40:00Z", "people": 2}
    assert past["record_hour"] == past["best_hour"] == quiet["record_hour"]
    assert past["from_at"] == "2015-04-30T23:00:00Z"
    assert (past["per_minute"][0], sum(past["per_minute"])) == (1, 4)
    assert (quiet["from_at"], quiet["per_minute"], quiet["best_hour"]) == (None, [], None)
    day = date.fromisoformat(STORY_DAY)
    assert make_gate_day(ledger, "G1", day, ceiling_per_lane=500).ceiling_per_hour == 500
    assert slug_of(story.site.get("/gates/G9/day", story.boss)) == "not-found"


def test_a_curve_shows_what_was_sold_and_what_of_it_stands(tmp_path):
    park = Park(tmp_path / "var", now=at("09:00", DAY))
    times = [f"2027-02-{day:02} {hour:02}:30:00" for day in (1, 1, 3) for hour in (9, 23)]
    for number, time in enumerate(times):
        park.sell(f"SOLD-{number:05}", sold_at=time, admits="2")
    gone = {"status": "refunded", "updated_at": "2027-02-04 10:00:00"}
    park.sell("SOLD-00000", sold_at=times[0], admits="2", **gone)
    park.sell("UNTIMED-1")
    deal = park.ledger.catalogue.deals[1]
    by_day, by_hour = (make_curve(park.ledger, deal, by) for by in ("day", "hour"))
    park.close()

    assert [(each.day.day, each.vouchers, each.standing, each.people) for each in by_day.sold] == [
        (1, 4, 3, 6),
        (3, 2, 2, 4),
    ]
    assert [each.vouchers for each in by_hour.sold] == [2, 2, 1, 1]
    assert by_hour.sold[0].from_at == at("09:00", date(2027, 2, 1))
    assert (by_day.untimed, by_day.scanned) == (1, [])


def test_sales_of_many_years_are_read_in_parts(tmp_path):
    park = Park(tmp_path / "var", now=at("09:00", DAY))
    for number, year in enumerate((1999, 2015, 2027)):
        park.sell(f"SOLD-{number:05}", sold_at=f"{year}-01-01 08:00:00")
    curve = make_curve(park.ledger, park.ledger.catalogue.deals[1], "day")
    park.close()

    assert [each.day.year for each in curve.sold] == [1999, 2015, 2027]


# --- days as the venue has them ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "starts", "first", "second"),
    [
        ("Asia/Shanghai", "04:00", "2027-02-13T03:59:00+08:00", "2027-02-13T04:00:00+08:00"),
        ("Asia/Kolkata", "00:00", "2027-02-12T23:59:00+05:30", "2027-02-13T00:00:00+05:30"),
        ("Asia/Kathmandu", "00:00", "2027-02-12T23:59:00+05:45", "2027-02-13T00:00:00+05:45"),
    ],
)
def test_a_venue_day_begins_when_the_venue_says(tmp_path, zone, starts, first, second):
    park = a_park(tmp_path, zone, starts)
    device = park.enrol()
    with an_app(park) as (_, site):
        for number, time in enumerate((first, second)):
            park.now = clock_of(time)
            site.scan(device, f"CODE-{number:04}")
    made = make_gate_figures(park.ledger, Days(DAY, DAY + timedelta(days=1)))
    park.close()

    assert [(row.day, row.entered) for row in made.gates] == [
        (DAY, 1),
        (DAY + timedelta(days=1), 1),
    ]


def test_an_hour_that_clocks_show_twice_is_two(tmp_path):
    park = a_park(tmp_path, "Europe/Berlin", "00:00")
    device = park.enrol()
    with an_app(park) as (_, site):
        for number, offset in enumerate(("+02:00", "+01:00")):
            park.now = clock_of(f"2027-10-31T02:30:00{offset}")
            site.scan(device, f"CODE-{number:04}")
    day = date(2027, 10, 31)
    made = make_gate_figures(park.ledger, Days(day, day, "hour"))
    park.close()

    assert [(row.from_at.hour, row.entered) for row in made.gates] == [(0, 1), (1, 1)]


def clock_of(text):
    return datetime.fromisoformat(text)


def a_park(tmp_path: Path, zone: str, starts: str) -> Park:
    settings = f'[venue]\nzone = "{zone}"\nday_starts_at = "{starts}"\n'
    park = Park(tmp_path / "var", settings=settings, now=at("09:00", date(2027, 2, 1)))
    park.sell("CODE-0000", "CODE-0001")
    return park


# --- commands ------------------------------------------------------------------------------------


def run(directory, *arguments, status=0):
    done = CliRunner().invoke(main, ["--data", str(directory), *map(str, arguments)])
    assert done.exit_code == status, done.output
    return done


def test_commands_write_what_the_calls_answer(tmp_path):
    directory = tmp_path / "var"
    with a_story(directory) as story:
        query = {"from": "2015-04-01", "until": AFTER, "format": "csv"}
        answers = {
            noun: story.site.get(f"/figures/{noun}", story.boss, params=query).content
            for noun in ("gates", "deals")
        }
    days = ("--from", "2015-04-01", "--until", AFTER)
    for noun, answer in answers.items():
        run(directory, "figures", noun, *days, "--format", "csv", "--out", tmp_path / noun)
        assert (tmp_path / noun).read_bytes() == answer
    book = tmp_path / "gates.xlsx"
    run(directory, "figures", "gates", *days, "--format", "xlsx", "--out", book)
    rows = json.loads(run(directory, "figures", "gates", *days, "--json").stdout)

    assert load_workbook(book).worksheets[0].max_row == 2
    assert [row["entered"] for row in rows] == [4]
    assert "deal_voided" not in run(directory, "figures", "deals", *days).stdout
    assert "nothing was scanned" in run(directory, "figures", "deals", *days[2:]).stdout
    run(directory, "figures", "gates", "--format", "xlsx", status=2)
    run(directory, "figures", "gates", "--from", "2015-05-05", "--until", AFTER, status=1)
