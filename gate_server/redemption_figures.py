"""How the platforms stand that people are reported to: for status, metrics and readiness."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any

from gate_server.ledger.ledger import Ledger
from gate_server.ledger.redemption_places import Standing, reporting_feeds, standing


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


def figures_of(found: Standing, now: datetime) -> dict[str, Any]:
    """Return the figures that `feed status` shows of a platform."""
    offered = {None: "not asked yet", True: "reported", False: "wait for reconciliation"}
    return {
        "state": offered[found.offered],
        "waiting": found.waiting,
        "oldest_s": round(found.oldest_s(now), 1),
        "poison": found.poison,
        "whole_vouchers": not found.partial,
        "done_at": None if found.done_at is None else found.done_at.isoformat(),
        "problem": found.problem,
    }


def figures_by_feed(ledger: Ledger) -> dict[int, dict[str, Any]]:
    """Return the figures of each feed that reports, by its number."""
    now = ledger.clock()
    return {feed_id: figures_of(found, now) for feed_id, found in list_standings(ledger)}
