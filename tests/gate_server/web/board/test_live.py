"""What an open board is sent: all of it at first, then what has changed, until the session ends."""

from __future__ import annotations

import threading
from datetime import timedelta
from queue import Empty, Queue

import pytest
from msgspec import structs

from admission.wire_staff import DeviceStats
from gate_server.web.board.tiles import tell_device
from tests.builders import at

WITHIN_S = 5.0


class Listener:
    """Reads the stream of one open page; `events` are (part, text)."""

    def __init__(self, browser, tab="one"):
        self.events = Queue()
        self._browser, self._tab = browser, tab
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self):
        with self._browser.http.stream("GET", f"/live?tab={self._tab}") as answer:
            frame = b""
            for chunk in answer.iter_raw():
                *whole, frame = (frame + chunk).split(b"\n\n")
                for each in whole:
                    self._take(each.decode())

    def _take(self, frame):
        lines = frame.split("\n")
        if lines[0].startswith("event: "):
            text = "\n".join(line.removeprefix("data: ") for line in lines[1:])
            self.events.put((lines[0].removeprefix("event: "), text))

    def until(self, part, *words):
        """Return the parts that came up to one that says all of these words."""
        names = []
        while True:
            try:
                name, text = self.events.get(timeout=WITHIN_S)
            except Empty:
                raise AssertionError(f"no {part} that says {words}, only {names}") from None
            names.append(name)
            if name == part and all(word in text for word in words):
                return names

    def over(self):
        self._thread.join(WITHIN_S)
        return not self._thread.is_alive()


@pytest.fixture
def lead(seat):
    browser = seat("supervisor")
    browser.http.headers["Accept-Language"] = "en"
    return browser


def test_all_parts_come_at_first_and_then_what_has_changed(park, lead, seat):
    park.sell("VOUCHER-1")
    device = park.enrol()
    listener = Listener(lead)
    first = {*listener.until("pulse")}
    listener.until("pulse")
    other = seat("steward")
    other.scan(device, "VOUCHER-1")
    names = listener.until("gates-G1", "1 person today") + listener.until("pulse")

    assert first >= {"banner", "figures", "calls", "gates", "gates-G1", "gates-G2", "desk", "deals"}
    assert {"figures", "gates-G1"} <= {*names}
    assert {"gates", "gates-G2", "banner"}.isdisjoint(names)


def test_line_of_a_device_is_kept_until_it_says_something_else(park, lead, seat):
    device, other = park.enrol(), park.enrol()
    listener = Listener(lead)
    listener.until("pulse")
    beats = {"epoch": park.ledger.epoch, "replica_revision": 0, "replica_age_s": 1.0}
    beats |= {"device_time": park.ledger.clock().isoformat(), "version": "1"}
    site = seat("steward")
    for depth in (7, 8):
        site.post("/devices/self/heartbeat", device, {**beats, "outbox_depth": depth})
        listener.until("gates-G1", f"{depth} to upload", f"device-{other.name}", "no word yet")


@pytest.mark.parametrize(
    ("field", "value"),
    [("last_seen_at", 3), ("replica_age_s", 30.0), ("battery", 80.4), ("clock_skew_s", 1.0)],
)
def test_line_of_a_device_is_not_drawn_anew_for_what_nobody_sees(field, value):
    now = at("12:00")
    said = DeviceStats("D1", "Lane", "gate", now, 0, 1.0, 80.0, 0.0)
    if field == "last_seen_at":
        value = now - timedelta(seconds=value)

    assert tell_device(structs.replace(said, **{field: value}), now) == tell_device(said, now)


def test_gates_are_sent_as_a_whole_when_their_order_changes(park, lead, seat):
    listener = Listener(lead)
    listener.until("pulse")
    boss = park.hire()
    seat("steward").post("/gates/G2/state", boss, {"state": "paused", "reason": "x"})
    names = listener.until("gates", 'id="slot-gates-G2"', "paused")

    assert "gates-G1" not in names


def test_who_comes_back_gets_everything_anew(park, lead):
    first = Listener(lead)
    first.until("pulse")
    again = Listener(lead)

    assert {"figures", "gates", "desk"} <= {*again.until("pulse")}
    assert first.over(), "one open page has one stream"


def test_steward_is_sent_no_buttons(seat):
    listener = Listener(seat("steward"))
    while True:
        name, text = listener.events.get(timeout=WITHIN_S)
        assert "/act/" not in text
        if name == "pulse":
            break


def test_stream_ends_with_the_session(lead):
    listener = Listener(lead)
    listener.until("pulse")
    lead.send("/account", "/account/sessions/end")

    listener.until("ended")
    assert listener.over()
