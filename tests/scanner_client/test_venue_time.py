"""Every time that a scanner says is the venue's, on a machine that is set to any zone."""

import io
import json
import time
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec
import pytest
from msgspec.structs import replace

from admission import wire
from admission.wire_arrivals import AttestedAnswer
from admission.wire_notices import WhyTerms
from scanner_client.announcer import tell_broadcast
from scanner_client.cards import tell_cards
from scanner_client.connectivity import Link
from scanner_client.presenter import Outlook, Presenter, tell_link
from scanner_client.relay import Relay, Server
from scanner_client.scanner import open_scanner
from scanner_client.screen_words import tell_outage
from scanner_client.venue_time import find_zone
from tests.fakes import ENROLMENT_CODE, NOW, TOKEN, ZONE, FakeGate
from tests.scanner_client.scanners import a_park, feed
from tests.scanner_client.test_broadcasts import a_broadcast, a_card
from tests.scanner_client.test_cli_people import scanner
from tests.scanner_client.test_presenter import shown

AWAY = Link(online=False, since=NOW)
# 09:00 UTC.
HERE = "17:00"
TERMS = WhyTerms(NOW, NOW, NOW, None, "platform")


@pytest.fixture(params=["UTC", "America/New_York"])
def machine(request, monkeypatch):
    """The zone that this machine is set to."""
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield ZoneInfo(request.param)
    monkeypatch.undo()
    time.tzset()


@pytest.fixture(scope="module")
def state(tmp_path_factory):
    """A scanner that was only enrolled; its server is gone since."""
    state = tmp_path_factory.mktemp("zone") / "s"
    with FakeGate() as gate:
        scanner(state, "enrol", gate.url, ENROLMENT_CODE)
    return state


def a_verdict(zone):
    """Return what staff read of a stamp that counts as of an earlier arrival."""
    out = io.StringIO()
    presenter = Presenter(out, io.StringIO())
    presenter.watch(lambda: Outlook(AWAY, 1.0, 0, zone=zone))
    presenter.show(shown(attested=AttestedAnswer(at=NOW, by="4711")))
    return out.getvalue()


SAID = {
    "link": lambda zone: tell_link(Outlook(AWAY, 1.0, 0, zone=zone)),
    "screen": lambda zone: tell_outage(Outlook(AWAY, 1.0, 0, zone=zone)).zh,
    "broadcast": lambda zone: tell_broadcast(a_broadcast(), zone),
    "card": lambda zone: "\n".join(tell_cards([a_card(terms=TERMS)], zone)),
    "verdict": a_verdict,
}


@pytest.mark.parametrize("place", SAID)
def test_time_is_the_venues(machine, place):
    said = SAID[place](ZONE)

    assert HERE in said
    assert f"{NOW.astimezone(machine):%H:%M}" not in said
    assert "UTC" not in said


def test_before_the_zone_is_known_its_own_offset_is_written_out(machine):
    offset = {"UTC": "09:00 (UTC+00:00)", "America/New_York": "04:00 (UTC-05:00)"}[machine.key]

    for say in SAID.values():
        assert offset in say(None)


def test_commands_of_a_scanner_without_a_replica_say_venue_time(machine, state):
    scanner(state, "operator", "in", "4711", typed="270415\n")
    who = json.loads(scanner(state, "operator", "who", "--json").stdout)
    told = scanner(state, "operator", "who").output
    called = scanner(state, "help", "--yes").output
    since = datetime.fromisoformat(who["since"])

    assert f"{since.astimezone(ZONE):%H:%M}" in told
    assert f"{since.astimezone(machine):%H:%M}" not in told
    assert "UTC" not in called


def test_zone_is_the_replicas_else_as_the_server_last_told_it(state):
    with open_scanner(state, io.StringIO(), io.StringIO()) as here, FakeGate() as gate:
        enrolled = here.zone
        with Relay(Server(gate.url), token=TOKEN, timeout_s=5.0) as relay:
            here.learn(replace(relay.fetch_self(), zone="Asia/Urumqi"))
        learned = here.zone
        feed(here.replica, *a_park(), zone="Asia/Tokyo")

        assert [each.key for each in (enrolled, learned, here.zone)] == [
            "Asia/Shanghai",
            "Asia/Urumqi",
            "Asia/Tokyo",
        ]


@pytest.mark.parametrize("name", ["", "Nowhere/Else", "../etc/passwd", "\0"])
def test_zone_that_this_machine_lacks_is_none(name):
    assert find_zone(name) is None


def test_older_server_that_tells_no_zone_is_understood():
    known = b'{"device_id":"d-1","token":"t","gate_id":"G1","profile":"gate","code_key":"k",'
    known += b'"server_time":"2015-02-12T09:00:00Z","epoch":"e"}'

    assert msgspec.json.decode(known, type=wire.Enrolled).zone == ""
