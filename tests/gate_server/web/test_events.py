"""Event streams: what is told, to whom, and that an unread stream cannot grow."""

import json
import time

import pytest

from admission.scans import Profile
from gate_server.ledger import devices
from gate_server.web.callers import Caller, Role
from gate_server.web.problems import Refused
from tests.server import Park, an_app


class Listener:
    """Reads one stream as a client would."""

    def __init__(self, hub, caller):
        self.stream = hub.join(caller)

    def read(self):
        """Return what waits, or comes next, as pairs of event and data."""
        found = []
        for part in next(self.stream).decode().split("\n\n"):
            if part.startswith("event: "):
                event, data = part.split("\n")
                found.append((event.removeprefix("event: "), json.loads(data[len("data: ") :])))
        return found

    def wait_for(self, event):
        until = time.monotonic() + 5
        while time.monotonic() < until:
            for name, data in self.read():
                if name == event:
                    return data
        raise AssertionError(f"no {event}")

    def over(self):
        return list(self.stream)


@pytest.fixture
def park(tmp_path):
    park = Park(tmp_path / "var", settings="[server]\nthreads = 40\nstreams = 3\n")
    yield park
    park.close()


@pytest.fixture
def app_and_site(park):
    with an_app(park) as pair:
        yield pair


@pytest.fixture
def hub(app_and_site):
    return app_and_site[0].services.hub


@pytest.fixture
def site(app_and_site):
    return app_and_site[1]


def a_device(park, gate_id="G1", profile="gate"):
    name = park.enrol(profile, gate_id).name
    device = park.ledger.catalogue.devices[name]
    return Caller(device.device_id, device.profile, device)


STAFF = Caller("boss", Role.SUPERVISOR)


def test_newcomer_learns_how_things_stand(park, hub):
    greeting = Listener(hub, a_device(park)).read()

    assert [name for name, _ in greeting] == ["revision", "gate"]
    assert greeting[0][1] == {"epoch": park.ledger.epoch, "revision": park.ledger.revision}
    assert greeting[1][1]["gate_id"] == "G1"


def test_changes_are_told_within_a_second(park, hub, site):
    listener = Listener(hub, a_device(park))
    listener.read()
    began = time.monotonic()
    site.post("/venue/emergency", park.hire(), {"on": True, "reason": "drill"})
    gate = listener.wait_for("gate")

    assert gate["emergency"] is True
    assert time.monotonic() - began < 1


def test_device_hears_of_its_own_gate_and_staff_of_all(park, hub, site):
    device, staff = Listener(hub, a_device(park, "G2")), Listener(hub, STAFF)
    device.read(), staff.read()
    site.post("/gates/G1/state", park.hire(), {"state": "paused", "reason": "x"})
    told = staff.wait_for("gate")
    # Both were told in one go, so what the device got is there by now.
    events = [name for name, _ in device.read()]

    assert (told["gate_id"], told["state"]) == ("G1", "paused")
    assert "gate" not in events


def test_moved_device_hears_of_the_gate_where_it_stands_now(park, hub, site):
    caller = a_device(park, "G1")
    device = Listener(hub, caller)
    device.read()
    park.change(
        lambda tx: devices.move_device(tx, caller.name, "G2", by="test", now=park.ledger.clock())
    )
    site.post("/gates/G1/state", park.hire(), {"state": "paused", "reason": "x"})
    site.post("/gates/G2/state", park.hire(), {"state": "paused", "reason": "x"})

    assert device.wait_for("gate")["gate_id"] == "G2"


def test_override_is_told_to_its_device_alone(park, hub, site):
    member = park.enrol()
    device = park.ledger.catalogue.devices[member.name]
    meant = Listener(hub, Caller(member.name, Profile.GATE, device))
    other = Listener(hub, a_device(park))
    site.scan(member, "NO-SUCH-CODE", nonce="a-refusal")
    body = {"device_id": member.name, "reason": "regular guest"}
    site.post("/scans/a-refusal/override", park.hire(), body)
    verdict = meant.wait_for("verdict")

    assert (verdict["nonce"], verdict["reason"]) == ("a-refusal", "overridden")
    assert "verdict" not in [name for name, _ in other.read()]


def test_lane_is_told_that_a_human_lets_nobody_in(park, hub, site):
    park.sell("FAMILY-1", "FAMILY-2", order_ref="ORDER-77")
    member, boss = park.enrol(), park.hire()
    lane = Listener(
        hub, Caller(member.name, Profile.GATE, park.ledger.catalogue.devices[member.name])
    )
    asked = site.scan(member, "ORDER-77", nonce="a-referral")
    body = {"device_id": member.name, "reason": "sent to the help desk"}
    site.post("/scans/a-referral/answer", boss, body)
    told = lane.wait_for("verdict")
    again = site.scan(member, "ORDER-77", nonce="another-one")

    assert (asked["outcome"], told["outcome"], told["nonce"]) == ("refer", "refuse", "a-referral")
    assert "未能放行" in told["message"]["zh"]
    assert "no entry this time" in told["message"]["en"]
    assert site.scan(member, "ORDER-77", nonce="a-referral")["outcome"] == "refer"
    assert (again["outcome"], again["reason"]) == ("refer", asked["reason"])
    assert site.get("/stats", boss).json()["calls_waiting"] == 1


def test_staff_get_figures(park, hub):
    assert Listener(hub, STAFF).wait_for("stats")["inside"] == 0


def test_streams_are_capped(park, hub):
    listeners = [Listener(hub, a_device(park)) for _ in range(3)]
    with pytest.raises(Refused) as refused:
        hub.join(STAFF)
    listeners[0].stream.close()

    assert refused.value.slug == "streams-full"
    assert hub.listening == 2
    assert Listener(hub, STAFF).read()


def test_newer_stream_ends_the_older_which_counts_until_it_is_gone(park, hub):
    caller = a_device(park)
    older, newer = Listener(hub, caller), Listener(hub, caller)
    both = hub.listening

    assert (both, older.over(), hub.listening) == (2, [], 1)
    assert newer.read()


def test_unread_stream_keeps_only_the_newest(park, hub, site):
    listener = Listener(hub, a_device(park))
    boss = park.hire()
    for number in range(40):
        state = "paused" if number % 2 else "open"
        site.post("/gates/G1/state", boss, {"state": state, "reason": "x"})
    time.sleep(0.3)
    waiting = listener.read()

    assert [name for name, _ in waiting] == ["revision", "gate"]
    assert waiting[0][1]["revision"] == park.ledger.revision
    assert waiting[1][1]["state"] == "paused"


def test_stream_ends_when_the_server_stops(park, hub):
    listener = Listener(hub, a_device(park))
    hub.stop()

    assert listener.over() == []
    assert hub.listening == 0
    with pytest.raises(Refused):
        hub.join(STAFF)


def test_closing_twice_frees_one_place(park, hub):
    listener = Listener(hub, a_device(park))
    listener.stream.close()
    listener.stream.close()

    assert hub.listening == 0


def test_void_is_told_at_once_and_as_urgent(park, hub, site):
    listener = Listener(hub, a_device(park))
    listener.read()
    began = time.monotonic()
    body = {"reason": "limit failed", "honour": None, "cost_bearer": "venue"}
    site.post("/deals/DAY/void", park.hire("supervisor", "boss"), body)
    while True:
        event = listener.wait_for("revision")
        if event.get("urgent"):
            break

    assert time.monotonic() - began < 0.5
    assert event["revision"] == park.ledger.revision


def test_scans_are_told_at_most_once_a_second_and_as_not_urgent(park, hub, site):
    member = park.enrol()
    listener = Listener(hub, a_device(park))
    listener.read()
    told, until = [], time.monotonic() + 1.8
    while time.monotonic() < until:
        site.scan(member, "NO-SUCH-CODE")
        time.sleep(0.05)
        if hub._streams["device", listener.stream.caller.name]._newest:
            told += [data for name, data in listener.read() if name == "revision"]

    assert 1 <= len(told) <= 3
    assert [event for event in told if event.get("urgent")] == []


def test_urgent_that_was_not_read_stays_urgent(park, hub, site):
    member = park.enrol()
    listener = Listener(hub, a_device(park))
    listener.read()
    site.post("/gates/G1/state", park.hire(), {"state": "paused", "reason": "x"})
    for _ in range(14):
        site.scan(member, "NO-SUCH-CODE")
        time.sleep(0.1)
    events = dict(listener.read())

    assert events["revision"]["urgent"] is True
    assert events["revision"]["revision"] > park.ledger.revision - 14
