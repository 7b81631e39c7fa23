"""An hour of corrections that stands out opens an incident, rings, and names nobody."""

from __future__ import annotations

from datetime import timedelta

import pytest

from admission.errors import LedgerUnavailable
from admission.incidents import IncidentKind
from gate_server.conduct_watch import ConductWatch
from gate_server.duty_calls import DutyCalls
from gate_server.duty_list import DutyList
from gate_server.incidents import IncidentDesk
from gate_server.ledger.duty import Form
from gate_server.ledger.ledger import utc_now
from tests.gate_server.ledger.test_full_disk import file_size_limit
from tests.offline_lines import a_line, send
from tests.robots import SECRET
from tests.server import Park, an_app


@pytest.fixture
def park(tmp_path):
    park = Park(tmp_path / "var")
    park.now = (utc_now() + timedelta(hours=1)).replace(minute=10)
    yield park
    park.close()


def override(site, park, times, *, boss, **fields):
    """Let somebody let in so many whose codes nobody knows."""
    device = park.enrol()
    for number in range(times):
        nonce = f"{device.name}-{boss.name}-{number:03}"
        site.scan(device, f"UNKNOWN-{number:03}", nonce=nonce, **fields)
        asked = {"reason": "receipt", "device_id": device.name, **fields}
        assert site.post(f"/scans/{nonce}/override", boss, asked).status_code == 200


def found(park):
    """Return the open incidents about conduct."""
    page = IncidentDesk(park.ledger, park.settings).page("open", None).incidents
    return [each for each in page if each.kind is IncidentKind.CONDUCT]


def test_an_hour_that_stands_out_opens_one_incident_and_rings(park):
    DutyList(park.ledger, park.keys, park.settings).add(
        "night", Form.STANDARD, "https://hooks.example.org/duty/night/shift", SECRET, by="test"
    )
    watch = ConductWatch(park.ledger)
    with an_app(park) as (_, site):
        boss = park.hire(name="anne")
        override(site, park, 15, boss=boss)
        quiet = watch.look()
        override(site, park, 1, boss=boss)
        opened = watch.look()
        override(site, park, 3, boss=boss)
        later = watch.look()

    assert (quiet, opened, later) == (0, 1, 0)
    (incident,) = found(park)
    assert "16 times, 16 people" in incident.timeline[0].text
    (message,) = DutyCalls(park.ledger, park.keys, park.settings).due("feeder")
    assert message.told.type == "incident.opened"
    assert "撤销验票、主管放行" in message.told.zh
    told = f"{incident} {message.told}"
    assert "anne" not in told


def test_a_second_person_of_the_same_hour_is_told_of_and_a_closed_one_stays_closed(park):
    watch, desk = ConductWatch(park.ledger), IncidentDesk(park.ledger, park.settings)
    with an_app(park) as (_, site):
        override(site, park, 16, boss=park.hire(name="anne"))
        watch.look()
        desk.close(found(park)[0].incident_id, "jammed", by="chief")
        override(site, park, 17, boss=park.hire(name="bob"))

        assert watch.look() == 1
        assert ConductWatch(park.ledger).look() == 0
    assert len(found(park)) == 1


def test_few_overrides_of_own_scans_stand_out(park):
    watch = ConductWatch(park.ledger)
    with an_app(park) as (_, site):
        override(site, park, 6, boss=park.hire(), operator="4711")
        told = site.get("/conduct", park.hire("auditor")).json()

    assert watch.look() == 1
    assert [(each["act"], each["who"], each["acts"]) for each in told["alarms"]] == [
        ("override_own", "4711", 6)
    ]
    assert "放行自己所验的码" in found(park)[0].title.zh


def test_what_a_lane_took_back_without_network_counts_in_the_hour_it_was_done(park):
    codes = [f"LANE-CODE-{number:03}" for number in range(12)]
    park.sell(*codes)
    device, start = park.enrol(), park.now
    with an_app(park) as (_, site):
        for number, code in enumerate(codes):
            at = (start - timedelta(hours=number)).isoformat()
            line = a_line(code) | {"scanned_at": at}
            took = {"annul": line["nonce"], "scanned_at": at, "reason": "did not turn"}
            send(site, device, line, took)

    assert ConductWatch(park.ledger).look() == 0


def test_full_disk_only_puts_the_incident_off(park):
    watch = ConductWatch(park.ledger)
    with an_app(park) as (_, site):
        override(site, park, 16, boss=park.hire())
    log = park.directory / "ledger.db-wal"
    with file_size_limit(log.stat().st_size), pytest.raises(LedgerUnavailable):
        watch.look()

    assert watch.look() == 1
    assert len(found(park)) == 1


def test_thread_looks_by_itself_and_ends(park):
    with an_app(park) as (_, site):
        override(site, park, 16, boss=park.hire())
    watch = ConductWatch(park.ledger)
    watch.start()
    watch.stop()

    assert len(found(park)) == 1
