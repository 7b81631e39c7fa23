"""Which feeds may be asked for an unknown code, and how each of them is asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

import msgspec

from admission.errors import FeedUnavailable
from gate_server.feed_sources import FetchedFeed, open_source
from gate_server.feeds.contract import Part
from gate_server.feeds.http import PlatformHttp
from gate_server.feeds.native_find import NativeFinder
from gate_server.keyring import Keyring
from gate_server.ledger.feeds import Feed, FeedKind, SecretKind, about_secret, list_secrets
from gate_server.ledger.ledger import Ledger

# OCTO has no question with a body: a code would stand in the log of addresses of a platform that
# may not be the one that sold it. So it is asked only where a venue says so.
_ASKED_UNLESS_TOLD: Final = frozenset({FeedKind.NATIVE, FeedKind.PULL})


class Finder(Protocol):
    """The part of a source that is asked for one voucher."""

    def find(self, code: str, *, timeout_s: float) -> Sequence[Part]:
        """Ask for one voucher by its code; empty: the platform does not know it."""

    def close(self) -> None:
        """Let go of the connection."""


def may_ask(feed: Feed) -> bool:
    """Say whether a feed's platform may be asked: it offers that, and the venue wants it."""
    if feed.kind is FeedKind.FOLDER:
        return False
    if feed.kind is FeedKind.NATIVE and not feed.config.get("find_url"):
        return False
    return bool(feed.config.get("lookup", feed.kind in _ASKED_UNLESS_TOLD))


def open_finder(ledger: Ledger, keys: Keyring, feed: Feed) -> Finder:
    """Make what asks a feed's platform, with its newest secret.

    Raises:
        FeedUnavailable: the feed has no secret any more: it was removed.
        InvalidInput: its address or token cannot be used.
    """
    if feed.kind is FeedKind.NATIVE:
        secret = _secret(ledger, keys, feed, SecretKind.WEBHOOK)
        return NativeFinder(PlatformHttp(str(feed.config["find_url"]), ""), secret, ledger.clock)
    token = _secret(ledger, keys, feed, SecretKind.TOKEN)
    told = {"feed_id": feed.feed_id, "platform": feed.platform, "kind": feed.kind.value}
    fetched = msgspec.convert(told | {"config": dict(feed.config)}, FetchedFeed)
    return open_source(fetched, token, zone=ledger.venue.zone, now=ledger.clock)


def _secret(ledger: Ledger, keys: Keyring, feed: Feed, kind: SecretKind) -> str:
    found = ledger.read(lambda db: list_secrets(db, feed.feed_id, ledger.clock()))
    for each in found:
        if each.kind is kind:
            about = about_secret(each.feed_id, each.number)
            return keys.unseal(each.sealed, about=about).decode()
    raise FeedUnavailable(f"{feed.name} has no secret to ask with")
