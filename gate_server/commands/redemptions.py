"""Commands of the process that reports redemptions: what to send, and what became of it."""

from __future__ import annotations

from functools import partial
from typing import Any

import msgspec

from gate_server.commands.services import Command, Params, Services
from gate_server.commands.venue import Nothing
from gate_server.feeds.http import check_url
from gate_server.ledger.feeds import list_secrets
from gate_server.ledger.kept_codes import platforms_by_code
from gate_server.ledger.redemption_handing import Out, hand_out, has_work, lose_sent
from gate_server.ledger.redemption_places import begin_place, note_offer, note_try, reporting_feeds
from gate_server.ledger.redemptions import Told, plan, settle
from gate_server.ledger.session import Session


class Offer(Params, frozen=True):
    """What a platform can do, as its feed found out; whatever was out is lost from here on."""

    platform: str
    redeem: bool
    partial: bool
    lists: bool


class Next(Params, frozen=True):
    """A platform that can be told something now."""

    platform: str
    can_ask: bool
    most: int


class Settle(Params, frozen=True):
    """What became of deeds.

    Attributes:
        problem: of the call as a whole; "" where it went well.
    """

    platform: str
    told: list[Told]
    retry_after_s: float = 0.0
    problem: str = ""


def list_reporting(services: Services, _: Nothing) -> list[dict[str, Any]]:
    """Return the feeds that redemptions go back by, with their secrets as they are sealed."""
    ledger = services.ledger
    now = ledger.clock()
    found = []
    for feed in reporting_feeds(ledger.catalogue.feeds).values():
        secrets = ledger.read(partial(list_secrets, feed_id=feed.feed_id, now=now))
        found.append(
            {
                "feed_id": feed.feed_id,
                "platform": feed.platform,
                "kind": feed.kind.value,
                "config": dict(feed.config),
                "secrets": [msgspec.to_builtins(each, builtin_types=(bytes,)) for each in secrets],
            }
        )
    return found


def redemption_config(redeem_url: str | None, *, keep_codes: bool) -> dict[str, Any]:
    """Return what a push's feed keeps of how redemptions go back.

    Raises:
        InvalidInput: the address cannot be used.
    """
    config: dict[str, Any] = {"keep_codes": True} if keep_codes else {}
    if redeem_url is not None:
        config["redeem_url"] = check_url(redeem_url, "--redeem-url")
    return config


def list_by_code(services: Services, _: Nothing) -> list[str]:
    """Return the platforms that redeem by code, so that the codes of their vouchers are kept."""
    return sorted(platforms_by_code(services.ledger.catalogue.feeds))


def offer(services: Services, params: Offer) -> dict[str, Any]:
    """Keep what a platform can do, and take for lost what nobody will settle any more."""
    ledger, ladder = services.ledger, services.settings.redemptions.ladder

    def work(tx: Session) -> None:
        can = {"offered": params.redeem, "partial": params.partial, "lists": params.lists}
        _begin(services, tx, params.platform)
        note_offer(tx, params.platform, **can)
        lose_sent(tx, params.platform, ladder, now=ledger.clock(), all_of_them=True)

    ledger.write(work, patient=True)
    return {}


def next_deeds(services: Services, params: Next) -> dict[str, Any]:
    """Make the deeds that are owed by now, and hand out some: to ask about, else to send."""
    ledger, ladder = services.ledger, services.settings.redemptions.ladder
    plan(ledger, params.platform)
    if not ledger.read(lambda db: has_work(db, params.platform, ledger.clock())):
        return _told(Out())

    def work(tx: Session) -> Out:
        now = ledger.clock()
        lose_sent(tx, params.platform, ladder, now=now)
        return hand_out(tx, params.platform, can_ask=params.can_ask, most=params.most, now=now)

    return _told(ledger.write(work, patient=True))


def settle_deeds(services: Services, params: Settle) -> dict[str, Any]:
    """Keep what became of deeds."""
    ledger, ladder = services.ledger, services.settings.redemptions.ladder

    def work(tx: Session) -> None:
        now = ledger.clock()
        _begin(services, tx, params.platform)
        settle(tx, params.told, ladder, now=now, retry_after_s=params.retry_after_s)
        note_try(tx, params.platform, params.problem, now=now)

    ledger.write(work, patient=True)
    return {}


def _begin(services: Services, tx: Session, platform: str) -> None:
    feed = reporting_feeds(services.ledger.catalogue.feeds).get(platform)
    begin_place(tx, platform, None if feed is None else feed.added_at)


def _told(out: Out) -> dict[str, Any]:
    told: dict[str, Any] = msgspec.to_builtins(out, builtin_types=(bytes,))
    return told


COMMANDS: dict[str, Command[Any]] = {
    "redemptions feeds": Command(Nothing, list_reporting),
    "redemptions by_code": Command(Nothing, list_by_code),
    "redemptions offer": Command(Offer, offer),
    "redemptions next": Command(Next, next_deeds),
    "redemptions settle": Command(Settle, settle_deeds),
}
