"""A park that reports to a fake platform, in this process, with a clock that the test sets."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta

from gate_server.ledger.ledger import utc_now
from gate_server.redeeming import Reporter, list_reporting
from tests.platforms_redeem import Inside, connect_platform
from tests.server import Park, an_app


class Desk:
    """A park whose platform takes redemptions, and the reporter that tells it.

    Attributes:
        day: the venue day that it begins in, at noon.
    """

    def __init__(self, park, site, platform, **feed):
        self.park, self.site, self.platform = park, site, platform
        noon = (utc_now() + timedelta(days=1)).replace(hour=4, minute=0, second=0, microsecond=0)
        park.now = max(noon, park.ledger.clock())
        self.day = park.settings.venue.day_of(park.now)
        self.lane = park.enrol()
        self.boss = park.hire()
        self.caller = Inside(park)
        connect_platform(park, platform.url, **feed)
        self.settings = park.settings.redemptions
        self.reporter = None
        self.reporter = self.a_reporter()

    def a_reporter(self):
        if self.reporter is not None:
            self.reporter.close()
        (feed,) = list_reporting(self.caller)
        return Reporter(feed, self.park.directory, self.settings)

    def pass_time(self, **by):
        self.park.now += timedelta(**by)

    def report(self, times=3):
        for _ in range(times):
            self.reporter.run(self.caller)

    def settle(self):
        """Report until nothing is left, however long that takes."""
        for _ in range(30):
            self.report(2)
            self.pass_time(seconds=41)
            if not {"waiting", "sent", "lost"} & set(self.states()):
                return

    def scan(self, code, **fields):
        return self.site.scan(self.lane, code, **fields)

    def annul(self, nonce, **fields):
        body = {"reason": "turned back", **fields}
        answer = self.site.post(f"/scans/{nonce}/annul", self.lane, body)
        assert answer.status_code == 200, answer.text

    def deeds(self):
        sql = "SELECT deed, people, state, tries, problem FROM deeds ORDER BY deed_id"
        return self.park.ledger.read(lambda db: db.execute(sql).fetchall())

    def states(self):
        return [row[2] for row in self.deeds()]


@contextmanager
def a_desk(directory, platform, **feed):
    """Open a park at a platform's desk."""
    park = Park(directory)
    with an_app(park) as (_, site):
        desk = Desk(park, site, platform, **feed)
        yield desk
        desk.reporter.close()
    # A test may have opened another ledger in its place.
    desk.park.close()
