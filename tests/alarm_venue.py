"""A park that alarms watch, with a clock and a disk that the test sets; all else is real."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

from gate_server.alarm_desk import AlarmDesk
from gate_server.alarms import AlarmWatch
from gate_server.duty_calls import DutyCalls
from gate_server.duty_list import DutyList
from gate_server.ledger import feeds
from gate_server.ledger.duty import Form
from gate_server.ledger.ledger import utc_now
from gate_server.ledger.tallies import Delta
from gate_server.web.alarms import alarm_sources
from tests.builders import SHANGHAI, at
from tests.night import URL
from tests.robots import SECRET
from tests.server import Park, a_nonce, an_app

SETTINGS = """
[venue]
limit = 10
[server]
streams = 1
[alarms]
calls_waiting = 2
outbox_rows = 5
open_from = "00:00"
open_until = "23:59"
"""
GIB = 1 << 30


class Amiss:
    """A park at noon of tomorrow, and the look at it.

    Attributes:
        free: bytes that its disk has left.
        wait: minutes that visitors wait; None: not known.
    """

    def __init__(self, park, app, site):
        self.park, self.app, self.site = park, app, site
        self.free, self.wait, self.seconds = 50 * GIB, None, 0.0
        self.desk = AlarmDesk(park.ledger)
        self.calls = DutyCalls(park.ledger, park.keys, park.settings)
        self.look_anew()

    def look_anew(self):
        """Look as a server does that was just started."""
        park = self.park
        sources = replace(
            alarm_sources(self.app.services),
            free_bytes=lambda: self.free,
            wait_minutes=lambda: self.wait,
        )
        self.watch = AlarmWatch(park.ledger, park.settings, sources, monotonic=lambda: self.seconds)

    def look(self, minutes=0.0):
        """Let time pass and look; return what that brought, by kind."""
        self.park.now += timedelta(minutes=minutes)
        self.seconds += 60 * minutes + 20
        steps = self.watch.look()
        told = [f"raised {each.kind}" for each in steps.raised]
        told += [f"rose {each.kind} {sign.severity}" for each, sign in steps.rose]
        told += [f"fell {each.kind}" for each, _ in steps.fell]
        return told + [f"cleared {each.kind}" for each in steps.cleared]

    def calm(self):
        """Look until what is well has been so for long enough; return what that brought."""
        return self.look() + self.look(2)

    def names(self):
        """Return kind and subject of what stands."""
        return [(view.kind, view.subject) for view in self.desk.standing()]

    def call(self, name="night", form=Form.STANDARD):
        """Put somebody on the duty list."""
        secret = SECRET if form is Form.STANDARD else None
        duty_list = DutyList(self.park.ledger, self.park.keys, self.park.settings)
        duty_list.add(name, form, URL, secret, by="test")

    def beat(self, device, **fields):
        """Send a device's heartbeat."""
        word = {
            "epoch": self.park.ledger.epoch,
            "replica_revision": 5,
            "replica_age_s": 1.0,
            "outbox_depth": 0,
            "device_time": self.park.now.isoformat(),
        }
        answer = self.site.post("/devices/self/heartbeat", device, word | fields)
        assert answer.status_code == 200, answer.text

    def count(self, device, people, direction="entry"):
        """Count people without a voucher in or out."""
        body = {"kind": "walk_in", "people": people, "nonce": a_nonce(), "direction": direction}
        assert self.site.post("/counts", device, body).status_code == 200

    def come(self, gate_id, scans, reason="admitted", *, ago_min=0):
        """Put scans of a minute into the counters, as the writer does."""
        at_ms = int((self.park.now - timedelta(minutes=ago_min)).timestamp() * 1000)
        outcome = "admit" if reason == "admitted" else "refuse"
        deal_no = self.park.ledger.catalogue.deal_nos["DAY"]
        delta = Delta(at_ms, gate_id, reason, scans=scans, deal_no=deal_no, outcome=outcome)
        self.park.ledger.write(lambda tx: tx.count(delta))

    def connect(self, platform="lvtu"):
        """Connect a platform by a signed push; return the feed's number."""
        now = self.park.now
        kind = feeds.FeedKind.NATIVE
        return self.park.change(
            lambda tx: feeds.add_feed(tx, platform, kind, {}, secondary=False, by="test", now=now)
        )


@contextmanager
def amiss(directory, settings=SETTINGS, *, now=None):
    """Open a park that is watched, at noon of tomorrow where no time is given."""
    tomorrow = utc_now().astimezone(SHANGHAI).date() + timedelta(days=1)
    park = Park(directory, settings=settings, now=now or at("12:00", tomorrow))
    with an_app(park) as (app, site):
        yield Amiss(park, app, site)
    park.close()
