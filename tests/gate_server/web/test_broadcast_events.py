"""Broadcasts on event streams: at once, to whom they are for, and never more than there are."""

import selectors
import socket
import time
from contextlib import ExitStack
from datetime import timedelta

import pytest

from gate_server.ledger.broadcasts import MOST_IN_FORCE
from gate_server.ledger.catalogue import MOST_BROADCASTS
from gate_server.ledger.ledger import utc_now
from tests.gate_server.test_cli import answer
from tests.gate_server.web.test_broadcasts import TEXT, end, send, send_id
from tests.gate_server.web.test_events import STAFF, Listener, a_device
from tests.server import Park, a_running_server, an_app

STREAMS = 200
LONG = {"zh": "字" * 500, "en": "x" * 500}


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


@pytest.fixture
def boss(park):
    return park.hire("supervisor", "anne")


def broadcasts_in(events):
    return [data for name, data in events if name == "broadcast"]


def test_listener_is_told_within_a_second(park, hub, site, boss):
    listener, staff = Listener(hub, a_device(park)), Listener(hub, STAFF)
    listener.read(), staff.read()
    began = time.monotonic()
    sent = send(site, boss, priority="high")
    told = listener.wait_for("broadcast")
    took_s = time.monotonic() - began

    assert took_s < 1
    assert (told["broadcast_id"], told["message"]) == (sent["broadcast_id"], TEXT)
    assert (told["priority"], told["expires_at"]) == ("high", sent["expires_at"])
    assert staff.wait_for("broadcast") == told


def test_another_gate_hears_nothing_of_it(park, hub, site, boss):
    here, there = Listener(hub, a_device(park, "G1")), Listener(hub, a_device(park, "G2"))
    here.read(), there.read()
    send(site, boss, gates=["G1"])
    here.wait_for("broadcast")
    common = send_id(site, boss)

    # Both were told in one go; what the other gate hears first is the second.
    assert there.wait_for("broadcast")["broadcast_id"] == common


def test_a_lane_beside_it_hears_nothing_of_what_is_for_kiosks(park, hub, site, boss):
    lane = Listener(hub, a_device(park, "G1"))
    kiosk = Listener(hub, a_device(park, "G1", "kiosk"))
    lane.read(), kiosk.read()
    send(site, boss, profiles=["kiosk"])
    kiosk.wait_for("broadcast")
    common = send_id(site, boss)

    assert lane.wait_for("broadcast")["broadcast_id"] == common


def test_scanners_fetch_nothing_for_a_broadcast(park, hub, site, boss):
    listener = Listener(hub, a_device(park))
    listener.read()
    send(site, boss)
    time.sleep(0.3)
    urgent = [data for name, data in listener.read() if name == "revision" and data.get("urgent")]

    assert urgent == []


def test_end_is_told_too(park, hub, site, boss):
    listener = Listener(hub, a_device(park))
    sent = send_id(site, boss)
    listener.wait_for("broadcast")
    ended = end(site, boss, sent).json()["ended_at"]
    told = listener.wait_for("broadcast")

    assert (told["broadcast_id"], told["ended_at"]) == (sent, ended)


def test_who_comes_back_after_an_outage_hears_what_is_in_force_and_nothing_older(park, hub, site):
    park.now = utc_now() + timedelta(days=1)
    boss, caller = park.hire(), a_device(park)
    first = Listener(hub, caller)
    until = (park.now + timedelta(minutes=5)).isoformat()
    gone, there = send_id(site, boss, expires_at=until), send_id(site, boss)
    first.stream.close()
    park.now += timedelta(minutes=6)
    told = broadcasts_in(Listener(hub, caller).read())

    assert [each["broadcast_id"] for each in told] == [there]
    assert gone != there


def test_revoked_device_with_an_open_stream_hears_nothing(park, hub, site, boss):
    caller, other = a_device(park), Listener(hub, a_device(park))
    listener = Listener(hub, caller)
    listener.read(), other.read()
    park.revoke(caller.name)
    send(site, boss)
    other.wait_for("broadcast")
    site.post("/venue/emergency", boss, {"on": True, "reason": "drill"})
    events = []
    while "gate" not in [name for name, _ in events]:
        events += listener.read()

    assert broadcasts_in(events) == []


def test_device_that_moved_hears_of_its_new_gate(park, hub, site, boss):
    caller = a_device(park, "G1")
    listener = Listener(hub, caller)
    listener.read()

    def move(tx):
        sql = "UPDATE devices SET gate_id = 'G2' WHERE device_id = ?"
        tx.db.execute(sql, (caller.name,))
        tx.touched.add("devices")

    park.change(move)
    send(site, boss, gates=["G1"])
    sent = send_id(site, boss, gates=["G2"])

    assert listener.wait_for("broadcast")["broadcast_id"] == sent


def test_unread_stream_holds_each_once_however_many_come_and_go(park, hub, site, boss):
    listener = Listener(hub, a_device(park))
    for _ in range(30):
        end(site, boss, send_id(site, boss, message=LONG))
    kept = [send_id(site, boss, message=LONG) for _ in range(MOST_IN_FORCE)]
    time.sleep(0.3)
    told = broadcasts_in(listener.read())
    ids = [each["broadcast_id"] for each in told]

    assert len(ids) == len(set(ids)) <= MOST_BROADCASTS
    assert [each["broadcast_id"] for each in told if "ended_at" not in each] == kept[::-1]


# --- a real server -------------------------------------------------------------------------------


def open_stream(port, token):
    connection = socket.create_connection(("127.0.0.1", port), timeout=10)
    lines = ("GET /api/v1/events HTTP/1.1", "Host: x", f"Authorization: Bearer {token}", "", "")
    connection.sendall("\r\n".join(lines).encode())
    return connection


def read_until(connections, word, within_s, beat=lambda: None):
    """Read all until each has had a word; return when the last had it.

    Args:
        beat: called in a second in which nobody hears anything.
    """
    heard = dict.fromkeys(connections, b"")
    until = time.monotonic() + within_s
    with selectors.DefaultSelector() as selector:
        for connection in connections:
            selector.register(connection, selectors.EVENT_READ)
        while selector.get_map():
            ready = selector.select(timeout=1)
            deaf = [heard[key.fileobj] for key in selector.get_map().values()]
            assert time.monotonic() < until, f"{len(deaf)} have not heard, but {set(deaf)}"
            if not ready:
                beat()
            for key, _ in ready:
                data = key.fileobj.recv(65536)
                assert data, f"a stream ended after {heard[key.fileobj]}"
                heard[key.fileobj] += data
                if word in heard[key.fileobj]:
                    selector.unregister(key.fileobj)
    return time.monotonic()


def test_two_hundred_real_streams_hear_within_a_second_and_again_after_a_kill(tmp_path):
    park = Park(tmp_path / "var")
    lanes, boss = [park.enrol() for _ in range(STREAMS)], park.hire()
    park.close()
    with a_running_server(tmp_path / "var") as server, ExitStack() as stack:
        streams = [stack.enter_context(open_stream(server.port, lane.token)) for lane in lanes]
        # The server's threads come to life as requests come in, and scanners beat all the while.
        read_until(streams, b"event: gate", 60, beat=lambda: server.get("/gates", boss))
        took_s, tries = 10.0, 0
        # Other tests may have the machine for a moment: one of three must be as quick as promised.
        while took_s >= 1 and tries < 3:
            began, tries = time.monotonic(), tries + 1
            sent = send_id(server, boss)
            took_s = read_until(streams, sent.encode(), 30) - began
        beats = server.post(f"/broadcasts/{sent}/seen", lanes[0])
        server.process.kill()
    assert beats.status_code == 200
    with a_running_server(tmp_path / "var") as server:
        with open_stream(server.port, lanes[1].token) as stream:
            read_until([stream], sent.encode(), 30)
        made = answer(tmp_path / "var", "broadcast", "show", sent)

    assert took_s < 1
    assert (made["seen"], made["unseen"]) == (1, STREAMS - 1)
