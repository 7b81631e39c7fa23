"""Commands about asking platforms for codes that the ledger does not know."""

from __future__ import annotations

from typing import Any

from admission.errors import InvalidInput
from gate_server.commands.services import Command, Params, Services
from gate_server.feeds.http import check_url
from gate_server.finders import may_ask
from gate_server.ledger import feeds
from gate_server.ledger.feeds import Feed, FeedKind
from gate_server.ledger.session import Session


class SetLookup(Params, frozen=True):
    """Whether a platform is asked, and of a platform that pushes, where.

    Attributes:
        on: None: as it is.
        find_url: None: as it is.
    """

    platform: str
    feed_id: int | None = None
    on: bool | None = None
    find_url: str | None = None


def set_lookup(services: Services, params: SetLookup) -> dict[str, Any]:
    """Let a platform be asked for unknown codes, or not."""
    url = None if params.find_url is None else check_url(params.find_url)

    def work(tx: Session) -> Feed:
        feed = feeds.find_feed(tx.db, params.platform, params.feed_id)
        config = dict(feed.config)
        if url is not None:
            if feed.kind is not FeedKind.NATIVE:
                raise InvalidInput("--find-url", f"{feed.name} is asked at its own address")
            config["find_url"] = url
        if params.on is not None:
            config["lookup"] = params.on
        if params.on and feed.kind is FeedKind.FOLDER:
            raise InvalidInput("--on", "a folder cannot be asked")
        if params.on and feed.kind is FeedKind.NATIVE and not config.get("find_url"):
            raise InvalidInput("--find-url", "say where the platform can be asked")
        feeds.change_config(tx, feed, config, by=services.by)
        return feeds.get_feed(tx.db, feed.feed_id)

    feed = services.ledger.write(work, alone=True)
    return {"feed_id": feed.feed_id, "platform": feed.platform, "asked": may_ask(feed)}


COMMANDS: dict[str, Command[Any]] = {"feed lookup": Command(SetLookup, set_lookup)}
