"""Commands about feeds: add, list, remove, rotate, and what a process that fetches tells."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

import msgspec

from admission.calendar import to_ms
from admission.errors import InvalidInput, LedgerConflict
from gate_server.breath import Breath
from gate_server.commands.redemptions import redemption_config
from gate_server.commands.services import Command, Params, Services
from gate_server.commands.venue import Nothing, checked_name
from gate_server.duty_forms import check_notify_url
from gate_server.feed_reports import report_feeds
from gate_server.feeds.signatures import new_secret
from gate_server.intake import PreparedPart, retry, take, too_many
from gate_server.ledger import aside, feeds
from gate_server.ledger.feeds import Feed, FeedKind, SecretKind
from gate_server.ledger.session import Session
from gate_server.ledger.stop_sales import NOTIFY

ASKED = "asked_ms"
"""In a feed's config: when somebody asked for a round at once."""
MOST_SHOWN = 10_000
MOST_RETRIED = 500
LONGEST_OVERLAP_S = 30 * 24 * 3600


class AddNative(Params, frozen=True):
    """A platform that will push.

    Attributes:
        redeem_url: where it is told who came in; None: nowhere.
        keep_codes: it redeems by code, so that codes are kept, sealed.
    """

    platform: str
    secondary: bool = False
    notify_url: str | None = None
    redeem_url: str | None = None
    keep_codes: bool = False


class AddFeed(Params, frozen=True):
    """A feed that the server fetches.

    Attributes:
        secret: what the platform gave us; None: its source needs none.
    """

    platform: str
    kind: FeedKind
    config: dict[str, Any]
    secondary: bool = False
    secret: str | None = None

    def __repr__(self) -> str:
        return f"AddFeed(platform={self.platform!r}, kind={self.kind.value!r})"


class WhichFeed(Params, frozen=True):
    """A platform's feed; `feed_id` where it has several."""

    platform: str
    feed_id: int | None = None


class RotateSecret(WhichFeed, frozen=True):
    """A feed whose secret is renewed; the old one counts for so long."""

    retire_after_s: float = 24 * 3600.0


class OneFeed(Params, frozen=True):
    """A feed by its number."""

    feed_id: int


class TakePart(OneFeed, frozen=True):
    """A part of a feed, prepared."""

    part: PreparedPart


class FeedFailed(OneFeed, frozen=True):
    """A try of a feed that failed, and why."""

    problem: str


def add_native(services: Services, params: AddNative) -> dict[str, Any]:
    """Add a push; its secret is told this once."""
    secret = new_secret()
    asked = AddFeed(
        platform=params.platform,
        kind=FeedKind.NATIVE,
        config=redemption_config(params.redeem_url, keep_codes=params.keep_codes)
        | ({} if params.notify_url is None else {NOTIFY: check_notify_url(params.notify_url)}),
        secondary=params.secondary,
        secret=secret,
    )
    feed_id = _add(services, asked, SecretKind.WEBHOOK)
    return {
        "feed_id": feed_id,
        "platform": params.platform,
        "url": push_path(params.platform),
        "secret": secret,
    }


def add_feed(services: Services, params: AddFeed) -> dict[str, Any]:
    """Add a feed that the server fetches."""
    if params.kind is FeedKind.NATIVE:
        raise InvalidInput("kind", "a push is added by `feed add native`")
    return {"feed_id": _add(services, params, SecretKind.TOKEN), "platform": params.platform}


def push_path(platform: str) -> str:
    """Return where a platform's pushes go."""
    return f"/api/v1/feeds/native/{quote(platform, safe='')}"


def _add(services: Services, params: AddFeed, kind: SecretKind) -> int:
    platform, ledger = checked_name("--platform", params.platform), services.ledger

    def work(tx: Session) -> int:
        now = ledger.clock()
        feed_id = feeds.add_feed(
            tx,
            platform,
            params.kind,
            params.config,
            secondary=params.secondary,
            by=services.by,
            now=now,
        )
        if params.secret is not None:
            _keep_secret(services, tx, feed_id, kind, params.secret)
        return feed_id

    return ledger.write(work, alone=True)


def _keep_secret(
    services: Services, tx: Session, feed_id: int, kind: SecretKind, secret: str
) -> int:
    now, number = services.ledger.clock(), feeds.next_secret(tx.db, feed_id)
    about = feeds.about_secret(feed_id, number)
    sealed = services.keys.seal(secret.encode(), about=about, now=now)
    feeds.add_secret(tx, feed_id, number, kind, sealed, now=now)
    return number


def list_feeds(services: Services, _: Nothing) -> list[dict[str, Any]]:
    """List the feeds, with all that a process that fetches must know but their secrets."""
    return [_told(feed) for feed in services.ledger.read(feeds.list_feeds)]


def feed_status(services: Services, _: Nothing) -> list[dict[str, Any]]:
    """Say how each feed fares."""
    found = report_feeds(services.ledger, services.settings, services.lookups())
    return [msgspec.to_builtins(each) for each in found]


def list_rejects(services: Services, params: WhichFeed) -> list[dict[str, Any]]:
    """List the rows of a feed that are set aside."""

    def find(db: Any) -> list[aside.Reject]:
        feed = feeds.find_feed(db, params.platform, params.feed_id)
        return aside.list_rejects(db, feed.feed_id, MOST_SHOWN)

    return [msgspec.to_builtins(each) for each in services.ledger.read(find)]


def drop_rejects(services: Services, params: WhichFeed) -> dict[str, Any]:
    """Let go of the rows of a feed that are set aside."""

    def work(tx: Session) -> int:
        feed = feeds.find_feed(tx.db, params.platform, params.feed_id)
        return aside.drop_all(tx, feed, by=services.by)

    return {"platform": params.platform, "dropped": services.ledger.write(work, alone=True)}


def remove_feed(services: Services, params: WhichFeed) -> dict[str, Any]:
    """End a feed; its vouchers stay."""
    ledger = services.ledger

    def work(tx: Session) -> Feed:
        feed = feeds.find_feed(tx.db, params.platform, params.feed_id)
        feeds.remove_feed(tx, feed, by=services.by, now=ledger.clock())
        return feed

    feed = ledger.write(work, alone=True)
    return {"feed_id": feed.feed_id, "platform": feed.platform, "removed": True}


def ask_now(services: Services, params: WhichFeed) -> dict[str, Any]:
    """Have a feed that is fetched begin its next round at once.

    Raises:
        InvalidInput: it pushes, so that nothing can be fetched.
    """

    def work(tx: Session) -> Feed:
        feed = feeds.find_feed(tx.db, params.platform, params.feed_id)
        if feed.kind is FeedKind.NATIVE:
            raise InvalidInput("platform", f"{feed.name} sends by itself; ask the platform")
        asked = {**feed.config, ASKED: to_ms(services.ledger.clock())}
        feeds.change_config(tx, feed, asked, by=services.by)
        return feed

    feed = services.ledger.write(work, alone=True)
    return {"feed_id": feed.feed_id, "platform": feed.platform, "asked": True}


def rotate_secret(services: Services, params: RotateSecret) -> dict[str, Any]:
    """Give a push a new secret; the one before counts until it retires."""
    ledger = services.ledger
    if not 0 <= params.retire_after_s <= LONGEST_OVERLAP_S:
        raise InvalidInput("--retire-after", "from 0 to 30 days")
    secret = new_secret()
    retires_at = ledger.clock() + timedelta(seconds=params.retire_after_s)

    def work(tx: Session) -> Feed:
        feed = feeds.find_feed(tx.db, params.platform, params.feed_id)
        if feed.kind is not FeedKind.NATIVE:
            problem = f"{feed.name} has no secret of ours; remove it and add it anew"
            raise LedgerConflict("not-a-push", problem)
        number = _keep_secret(services, tx, feed.feed_id, SecretKind.WEBHOOK, secret)
        feeds.retire_secrets(tx, feed.feed_id, number, at=retires_at)
        fields = {"feed_id": feed.feed_id, "platform": feed.platform, "number": number}
        tx.record_event("feed_rotated", {**fields, "by": services.by})
        return feed

    feed = ledger.write(work, alone=True)
    return {
        "feed_id": feed.feed_id,
        "platform": feed.platform,
        "url": push_path(feed.platform),
        "secret": secret,
        "old_until": retires_at.isoformat(),
    }


def take_part(services: Services, params: TakePart) -> dict[str, Any]:
    """Take a prepared part.

    Raises:
        LedgerConflict: `set-aside-full`: what is good is in, and the feed keeps its place.
    """
    ledger, most = services.ledger, services.settings.feeds.set_aside
    feed = ledger.read(lambda db: feeds.get_feed(db, params.feed_id))
    taken = take(ledger, services.keys, feed, params.part, by=services.by, most_aside=most)
    retry(ledger, services.keys, feed, most=MOST_RETRIED, most_aside=most, pause=Breath().take)
    if taken.unkept:
        raise LedgerConflict("set-aside-full", too_many(taken.unkept, most))
    answer: dict[str, Any] = msgspec.to_builtins(taken)
    return answer


def note_failed(services: Services, params: FeedFailed) -> None:
    """Note that a try of a feed failed."""
    ledger = services.ledger
    ledger.write(
        lambda tx: feeds.note_failed(tx, params.feed_id, params.problem, now=ledger.clock()),
        alone=True,
    )


def list_secrets(services: Services, params: OneFeed) -> list[dict[str, Any]]:
    """Return a feed's secrets, sealed: whoever has the keys may open them by `about`."""
    ledger = services.ledger
    found = ledger.read(lambda db: feeds.list_secrets(db, params.feed_id, ledger.clock()))
    return [
        {
            "kind": each.kind.value,
            "sealed": each.sealed,
            "about": feeds.about_secret(each.feed_id, each.number),
        }
        for each in found
    ]


def _told(feed: Feed) -> dict[str, Any]:
    names = (
        "feed_id", "platform", "secondary", "cursor", "error", "failures", "rows_taken",
    )  # fmt: skip
    times = ("accepted_at", "tried_at", "failed_at", "added_at")
    told: dict[str, Any] = {name: getattr(feed, name) for name in names}
    told |= {name: _text(getattr(feed, name)) for name in times}
    config: Mapping[str, Any] = feed.config
    return told | {"kind": feed.kind.value, "config": dict(config)}


def _text(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


COMMANDS: dict[str, Command[Any]] = {
    "feed add native": Command(AddNative, add_native),
    "feed add": Command(AddFeed, add_feed),
    "feed list": Command(Nothing, list_feeds),
    "feed status": Command(Nothing, feed_status),
    "feed rejects": Command(WhichFeed, list_rejects),
    "feed drop": Command(WhichFeed, drop_rejects),
    "feed remove": Command(WhichFeed, remove_feed),
    "feed ask": Command(WhichFeed, ask_now),
    "feed rotate": Command(RotateSecret, rotate_secret),
    "feed take": Command(TakePart, take_part),
    "feed failed": Command(FeedFailed, note_failed),
    "feed secrets": Command(OneFeed, list_secrets),
}
