"""A park at night: who is on duty, what is found in its sales, and a clock that the test moves."""

from __future__ import annotations

from datetime import timedelta

from admission.deals import AtGate, HoldScope
from admission.incidents import IncidentKind
from gate_server.duty_calls import DutyCalls
from gate_server.duty_forms import Outcome
from gate_server.duty_list import DutyList
from gate_server.incidents import IncidentDesk
from gate_server.ledger import actions, feeds, incidents
from gate_server.ledger.duty import Form
from gate_server.ledger.ledger import Ledger
from tests.builders import at, new_incident
from tests.robots import SECRET
from tests.server import Park

URL = "https://hooks.example.org/duty/night/shift"


class Night:
    """A park at night: one deal, what is rung about it, and a clock that the test moves."""

    def __init__(self, directory):
        self.park = Park(directory)
        self.day = self.park.ledger.venue.day_of(self.park.ledger.clock()) + timedelta(days=1)
        self.park.now = at("22:12", self.day)
        self.calls = DutyCalls(self.park.ledger, self.park.keys, self.park.settings)
        self.list = DutyList(self.park.ledger, self.park.keys, self.park.settings)
        self.desk = IncidentDesk(self.park.ledger, self.park.settings)

    def reopen(self):
        """Close the ledger and open it anew, as a server that is started again does."""
        park = self.park
        park.ledger.close()
        park.ledger = Ledger.open(park.directory, park.settings.venue, now=lambda: park.now)
        self.calls = DutyCalls(park.ledger, park.keys, park.settings)

    def connect(self, **config):
        """Connect the platform by a signed push, with what else its feed is told."""
        now, keys = self.park.ledger.clock(), self.park.keys

        def work(tx):
            feed_id = feeds.add_feed(
                tx, "lvtu", feeds.FeedKind.NATIVE, config, secondary=False, by="test", now=now
            )
            sealed = keys.seal(SECRET.encode(), about=feeds.about_secret(feed_id, 1), now=now)
            feeds.add_secret(tx, feed_id, 1, feeds.SecretKind.WEBHOOK, sealed, now=now)
            return feed_id

        return self.park.change(work)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.park.close()

    def call(self, name="night", form=Form.STANDARD):
        secret = SECRET if form is Form.STANDARD else None
        self.list.add(name, form, URL, secret, by="test")

    def find(self, **changes):
        """Have a finding hold the deal and open an incident; return its id."""
        deal = self.park.ledger.catalogue.deal("DAY")
        incident = new_incident(**({"deal_no": deal.deal_no, "platform": "lvtu"} | changes))
        now = self.park.ledger.clock()

        def work(tx):
            if incident.kind is IncidentKind.SALE_HELD:
                hold(tx, now)
            return incidents.open_incident(tx, incident, by="finding", now=now)

        return self.park.change(work)

    def release(self):
        now = self.park.ledger.clock()
        self.park.change(
            lambda tx: actions.release_deal(tx, "DAY", reason="right", by="chen", now=now)
        )

    def pass_time(self, **by):
        self.park.now += timedelta(**by)

    def take(self, problem=None, retry_after_s=None):
        """Send what is due; return the messages."""
        due = self.calls.due("feeder 1")
        self.calls.settle(
            [
                Outcome(message_id=each.message_id, problem=problem, retry_after_s=retry_after_s)
                for each in due
            ]
        )
        return due

    def rings(self, **by):
        """Return at which minutes something is sent, looking each minute for a while."""
        start, found = self.park.now, []
        end = start + timedelta(**by)
        while self.park.now <= end:
            found += [round((self.park.now - start).total_seconds() / 60)] * len(self.take())
            self.pass_time(minutes=1)
        return found


def hold(tx, now):
    scope = HoldScope(price_at_most_minor=1)
    why = "finding"
    actions.hold_deal(tx, "DAY", reason=why, scope=scope, at_gate=AtGate.REFER, by=why, now=now)
