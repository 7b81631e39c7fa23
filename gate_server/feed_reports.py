"""How each feed fares: for commands, calls, metrics and whoever watches."""

from __future__ import annotations

from admission.wire_feeds import FeedAnswer
from gate_server.ledger.aside import count_aside
from gate_server.ledger.feeds import list_feeds
from gate_server.ledger.ledger import Ledger
from gate_server.settings import Settings


def report_feeds(ledger: Ledger, settings: Settings) -> list[FeedAnswer]:
    """Return how each feed fares now, oldest first."""
    now = ledger.clock()
    found = ledger.read(
        lambda db: [(feed, count_aside(db, feed.feed_id)) for feed in list_feeds(db)]
    )
    failing_after, stale_after_s = settings.feeds.failing_after, settings.stale_after_s
    return [
        FeedAnswer(
            feed_id=feed.feed_id,
            platform=feed.platform,
            kind=feed.kind.value,
            secondary=feed.secondary,
            state=feed.state(now, stale_after_s, failing_after),
            accepted_at=feed.accepted_at,
            age_s=feed.age_s(now),
            tried_at=feed.tried_at,
            failures=feed.failures,
            error=feed.error,
            rows_taken=feed.rows_taken,
            set_aside=count,
        )
        for feed, count in found
    ]
