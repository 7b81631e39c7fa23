"""How the platforms stand that people are reported to: for status, metrics and readiness."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Final, Literal

from admission.wire_redemptions import RedemptionsAnswer
from gate_server.ledger.ledger import Ledger
from gate_server.ledger.redemption_places import Standing, reporting_feeds, standing

_STATES: Final[dict[bool | None, Literal["unknown", "reported", "reconcile"]]] = {
    None: "unknown",
    True: "reported",
    False: "reconcile",
}


def list_standings(ledger: Ledger) -> list[tuple[int, Standing]]:
    """Return how each platform stands, with the feed that its redemptions go back by."""
    feeds = reporting_feeds(ledger.catalogue.feeds)
    return [
        (feed.feed_id, ledger.read(partial(standing, platform=platform)))
        for platform, feed in sorted(feeds.items())
    ]


def is_late(ledger: Ledger, late_after_s: float) -> bool:
    """Say whether somebody who was let in has waited for too long to be reported."""
    now = ledger.clock()
    return any(found.oldest_s(now) > late_after_s for _, found in list_standings(ledger))


def answers_by_feed(ledger: Ledger) -> dict[int, RedemptionsAnswer]:
    """Return how each feed's platform stands, by the feed's number."""
    now = ledger.clock()
    return {feed_id: _answer(found, now) for feed_id, found in list_standings(ledger)}


def _answer(found: Standing, now: datetime) -> RedemptionsAnswer:
    return RedemptionsAnswer(
        state=_STATES[found.offered],
        waiting=found.waiting,
        oldest_s=round(found.oldest_s(now), 1),
        poison=found.poison,
        whole=not found.partial,
        done_at=found.done_at,
        problem=found.problem,
    )
