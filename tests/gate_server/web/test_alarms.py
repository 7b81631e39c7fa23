"""Alarms over HTTP, in the figures of a board, as metrics, and by command."""

from __future__ import annotations

import json

import pytest

from admission.alarms import AlarmKind, Severity, Sign
from gate_server.cli import main
from gate_server.ledger.alarms import raise_alarm
from gate_server.ledger.ledger import utc_now
from tests.alarm_venue import amiss
from tests.server import slug_of


@pytest.fixture
def venue(tmp_path):
    with amiss(tmp_path / "var") as venue:
        venue.wait, venue.free = 40.0, 100 << 20
        venue.look()
        yield venue


def test_alarms_are_listed_most_severe_first_with_what_to_do(venue):
    told = venue.site.get("/alarms", venue.park.hire("steward")).json()
    disk, wait = told["alarms"]

    assert (told["standing"], told["unacknowledged"]) == (2, 2)
    assert (disk["kind"], disk["severity"]) == ("disk", "critical")
    assert wait["says"]["zh"] == "检票口预计排队约40分钟（警戒线30分钟）"
    assert wait["to_do"]["en"].startswith("Open more gates")
    assert (wait["figure"], wait["bar"], wait["cleared_at"]) == (40.0, 30.0, None)


def test_alarm_that_is_acknowledged_stands_until_it_is_over(venue):
    boss, wait_id = venue.park.hire(name="li"), venue.desk.standing()[1].alarm_id
    body = {"note": "G4 opens"}
    shown = venue.site.post(f"/alarms/{wait_id}/acknowledge", boss, body).json()
    listed = venue.site.get("/alarms", boss).json()
    venue.wait = 5.0
    venue.calm()
    late = venue.site.post(f"/alarms/{wait_id}/acknowledge", boss, {})
    after = venue.site.get("/alarms", boss).json()

    assert (shown["acknowledged_by"], shown["note"]) == ("li", "G4 opens")
    assert (listed["standing"], listed["unacknowledged"]) == (2, 1)
    assert (late.status_code, slug_of(late)) == (409, "alarm-cleared")
    assert [each["kind"] for each in after["alarms"]] == ["disk", "wait"]
    assert after["alarms"][1]["cleared_at"] is not None


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("999", {}, 404),
        ("1x", {}, 404),
        ("9" * 40, {}, 404),
        ("1", {"note": "a\u202eb"}, 400),
        ("1", {"note": ""}, 400),
        ("1", {"nots": "x"}, 400),
    ],
)
def test_acknowledging_nonsense_is_refused(venue, path, body, status):
    answer = venue.site.post(f"/alarms/{path}/acknowledge", venue.park.hire(), body)

    assert answer.status_code == status


def test_board_and_prometheus_see_what_stands(venue):
    stats = venue.site.get("/stats", venue.park.hire()).json()
    metrics = venue.site.http.get("/metrics").text

    assert stats["alarms_standing"] == 2
    assert [each["kind"] for each in stats["alarms"]] == ["disk", "wait"]
    assert 'gatehouse_alarm{kind="disk",severity="critical",subject=""} 1.0' in metrics
    assert venue.site.http.get("/readyz").json()["degraded"] == []


def test_text_of_a_platform_stays_text(venue):
    title, park = "{figure}<b>=SUM(1)", venue.park
    park.offer("FLASH", title=title)
    severity = Severity.NOTICE
    sign = Sign(
        kind=AlarmKind.DEAL_REFUSALS,
        subject="FLASH",
        figure=0.9,
        bar=0,
        severity=severity,
        keeps=severity,
        usual=0.03,
    )
    park.change(lambda tx: raise_alarm(tx, sign, now=park.now))
    said = venue.desk.standing()[-1].says

    assert f"“{title}”有90%的验票" in said.zh
    assert f'90% of the scans of "{title}" are refused or referred (3% before)' == said.en


def test_commands_list_and_acknowledge(tmp_path, capsys):
    with amiss(tmp_path / "var", now=utc_now()) as venue:
        venue.wait, venue.free = 40.0, 100 << 20
        venue.look()
        wait_id = venue.desk.standing()[1].alarm_id

    def run(*words):
        main(["--data", str(tmp_path / "var"), *words], standalone_mode=False)
        return capsys.readouterr().out

    run("alarm", "acknowledge", str(wait_id), "--note", "G4 opens")
    listed = run("alarm", "list")
    told = json.loads(run("--json", "alarm", "list"))

    assert "critical, since" in listed
    assert ": G4 opens\n" in listed
    assert "-> 增开检票口" in listed
    assert (told["standing"], told["unacknowledged"]) == (2, 1)
