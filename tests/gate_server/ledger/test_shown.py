"""What scanners showed stands in the ledger as they showed it."""

import pytest

from gate_server.ledger.shown import list_shown
from tests.offline_lines import CODE, REFUSED, a_line, send
from tests.server import Park, an_app


@pytest.fixture
def park(tmp_path):
    park = Park(tmp_path / "var")
    yield park
    park.close()


def shown(park):
    return {each.nonce: each for each in park.ledger.read(lambda db: list(list_shown(db)))}


def test_every_scan_is_listed_once_with_its_verdict(park):
    park.sell(CODE)
    device = park.enrol()

    with an_app(park) as (_, site):
        site.scan(device, CODE, nonce="nonce-in")
        site.scan(device, CODE, nonce="nonce-again")

    found = shown(park)
    assert list(found) == ["nonce-in", "nonce-again"]
    assert (found["nonce-in"].reason, found["nonce-in"].people) == ("admitted", 1)
    assert (found["nonce-again"].reason, found["nonce-again"].people) == ("used_up", 0)


def test_what_was_shown_stands_before_what_the_server_had_decided(park):
    park.sell(CODE)
    device = park.enrol()

    with an_app(park) as (_, site):
        site.scan(device, CODE, nonce="nonce-in")
        send(site, device, a_line(nonce="nonce-in", verdict=REFUSED, ago_s=0))

    found = shown(park)["nonce-in"]
    assert (found.reason, found.people) == ("used_up", 0)


def test_people_let_in_by_a_supervisor_are_told_apart(park):
    device, boss = park.enrol(), park.hire()

    with an_app(park) as (_, site):
        site.scan(device, CODE, nonce="nonce-out")
        body = {"device_id": device.name, "reason": "seen"}
        answer = site.post("/scans/nonce-out/override", boss, body)

    assert answer.status_code == 200, answer.text
    found = shown(park)["nonce-out"]
    assert (found.reason, found.people, found.overridden) == ("unknown_code", 0, 1)
