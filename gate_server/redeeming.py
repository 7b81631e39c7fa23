"""Report what platforms are owed: one thread a platform, in the process that talks to the outside.

Each takes deeds from the server, sends them, and tells the server what became of them. A kill at
any moment loses nothing: a deed is noted as sent before it leaves, and one without a noted answer
is asked about.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import msgspec

from admission.calendar import from_ms
from admission.errors import FeedRejected, FeedUnavailable, LedgerRefused
from admission.redemptions import Deed, Fate, Ladder
from gate_server.commands.redemptions import Next, Settle
from gate_server.commands.redemptions import Offer as OfferNote
from gate_server.commands.services import Caller
from gate_server.feeder_tasks import Link, Runner, Surroundings, Task
from gate_server.feeds.contract import Offer, Redeemed, Redemption
from gate_server.feeds.native_redemption import NativeRedeemer, signed
from gate_server.feeds.octo_redemption import OctoRedeemer
from gate_server.keyring import Keyring
from gate_server.ledger.feeds import FeedKind, about_secret
from gate_server.ledger.kept_codes import about_code
from gate_server.ledger.redemptions import Told
from gate_server.redemption_settings import RedemptionSettings

LOOK_S: Final = 2.0
ASK_AGAIN_S: Final = 600.0
"""A platform that takes no redemptions may take them later."""
_MOST_CALLS: Final = 4
_NO_CODE: Final = "it has no voucher_ref, and its code is not kept (keep_codes)"

log = logging.getLogger("gatehouse.feeder")


class Redeemer(Protocol):
    """The part of a feed's source that redemptions need (`feeds.contract.Source`)."""

    @property
    def offers(self) -> frozenset[Offer]:
        """What the platform can do."""

    def report(self, deeds: Sequence[Redemption]) -> Sequence[Redeemed]:
        """Report deeds of one kind."""

    def ask(self, deeds: Sequence[Redemption]) -> Sequence[Redeemed]:
        """Ask what became of deeds."""

    def close(self) -> None:
        """Let go of connections."""


class Reporting(msgspec.Struct, frozen=True):
    """A feed that reports, as the server tells of it; its secrets are sealed."""

    feed_id: int
    platform: str
    kind: FeedKind
    config: dict[str, Any]
    secrets: list[dict[str, Any]]

    @property
    def name(self) -> str:
        """Another one after each change that a new connection must know of."""
        newest = self.secrets[0]["number"] if self.secrets else 0
        return f"redemptions of {self.platform} (feed {self.feed_id}.{newest})"


@dataclass(frozen=True, slots=True)
class Attempt:
    """What one call to a platform came to."""

    told: list[Told]
    retry_after_s: float = 0.0
    problem: str = ""


def open_redeemer(feed: Reporting, keys: Keyring) -> NativeRedeemer | OctoRedeemer:
    """Return what calls a feed's platform."""
    secrets = [_secret(feed, each, keys) for each in feed.secrets]
    if feed.kind is FeedKind.NATIVE:
        return NativeRedeemer(feed.config["redeem_url"], sign=signed(secrets))
    token = secrets[0] if secrets else ""
    if feed.kind is FeedKind.OCTO:
        return OctoRedeemer(feed.config["url"], token)
    return NativeRedeemer(f"{str(feed.config['url']).rstrip('/')}/redemptions", token=token)


def _secret(feed: Reporting, sealed: dict[str, Any], keys: Keyring) -> str:
    about = about_secret(feed.feed_id, sealed["number"])
    return keys.unseal(sealed["sealed"], about=about).decode()


def list_reporting(caller: Caller) -> list[Reporting]:
    """Return the feeds that redemptions go back by."""
    return msgspec.convert(caller.call("redemptions feeds"), list[Reporting])


class RedemptionTask:
    """Keeps one reporter going for each platform, so that none waits for another's trouble."""

    name = "redemptions"

    def __init__(self, surroundings: Surroundings) -> None:
        self._directory = surroundings.directory
        self._settings = surroundings.settings.redemptions
        room = threading.BoundedSemaphore(_MOST_CALLS)
        self._runner = Runner(lambda: Link(surroundings.directory, room))
        self._due = 0.0

    def due_s(self) -> float:
        """Return the seconds until the feeds are looked at again."""
        return self._due - time.monotonic()

    def run(self, caller: Caller) -> None:
        """Start a reporter for each feed that has none, and end those of feeds that are gone."""
        self._due = time.monotonic() + LOOK_S
        wanted: dict[str, Task] = {}
        for feed in list_reporting(caller):
            wanted[feed.name] = Reporter(feed, self._directory, self._settings)
        self._runner.keep(wanted)


class Reporter:
    """Reports one platform's redemptions.

    Args:
        directory: the venue's, where its keys are.
    """

    def __init__(self, feed: Reporting, directory: Path, settings: RedemptionSettings) -> None:
        self.name = feed.name
        self._feed = feed
        self._directory = directory
        self._settings = settings
        self._keys: Keyring | None = None
        self._redeemer: Redeemer | None = None
        self._offers: frozenset[Offer] | None = None
        self._unsettled: list[Settle] = []
        self._failures = 0
        self._due = 0.0

    def due_s(self) -> float:
        """Return the seconds until it should look again."""
        return self._due - time.monotonic()

    def run(self, caller: Caller) -> None:
        """Report what is due, or ask what became of what was lost: one call to the platform.

        Raises:
            AdmissionError: the server could not be reached, or did not take what was told.
        """
        self._settle(caller)
        if self._offers is None:
            self._ask_for_offers(caller)
        if self._offers is None:
            return
        if Offer.REDEEM not in self._offers:
            self._offers = None
            self._wait(ASK_AGAIN_S)
            return
        self._step(caller, self._offers)

    def close(self) -> None:
        """Let go of the platform."""
        if self._redeemer is not None:
            self._redeemer.close()

    def _ask_for_offers(self, caller: Caller) -> None:
        try:
            if self._redeemer is None:
                self._redeemer = open_redeemer(self._feed, self._open_keys())
            offers = self._redeemer.offers
        except (FeedUnavailable, FeedRejected) as error:
            self._rest(error)
            note = Settle(platform=self._feed.platform, told=[], problem=str(error))
            caller.call("redemptions settle", note)
            return
        caller.call(
            "redemptions offer",
            OfferNote(
                platform=self._feed.platform,
                redeem=Offer.REDEEM in offers,
                partial=Offer.PARTIAL in offers,
                lists=Offer.LIST in offers,
            ),
        )
        self._offers, self._failures = offers, 0

    def _step(self, caller: Caller, offers: frozenset[Offer]) -> None:
        assert self._redeemer is not None  # noqa: S101 - it told its offers
        wanted = Next(
            platform=self._feed.platform,
            can_ask=Offer.ASK in offers,
            most=self._settings.batch,
        )
        given = caller.call("redemptions next", wanted)
        asking = bool(given["ask"])
        deeds, unfit = self._read(given["ask"] or given["send"])
        attempt = Attempt(unfit)
        if deeds:
            made = attempt_call(self._redeemer, deeds, asking=asking)
            attempt = Attempt([*unfit, *made.told], made.retry_after_s, made.problem)
        if not attempt.told:
            self._wait(self._settings.every_s)
            return
        self._pace(attempt, more=bool(given["more"]))
        self._unsettled.append(
            Settle(
                platform=self._feed.platform,
                told=[scrubbed(each, deeds) for each in attempt.told],
                retry_after_s=attempt.retry_after_s,
                problem=attempt.problem,
            )
        )
        self._settle(caller)

    def _settle(self, caller: Caller) -> None:
        """Tell the server what became of deeds; what it cannot take now is told again."""
        while self._unsettled:
            caller.call("redemptions settle", self._unsettled[0])
            del self._unsettled[0]

    def _read(self, rows: Sequence[dict[str, Any]]) -> tuple[list[Redemption], list[Told]]:
        """Return deeds with their codes opened, and those that cannot be told to the platform."""
        deeds, unfit = [], []
        for row in rows:
            code = self._open_code(row)
            if code is None and (row["voucher_ref"] is None or self._feed.kind is FeedKind.OCTO):
                unfit.append(Told(row["key"], Fate.REFUSED, _NO_CODE))
                continue
            deed = Redemption(
                key=row["key"],
                deed=Deed(row["deed"]),
                voucher_ref=row["voucher_ref"],
                code=code,
                people=row["people"],
                at=from_ms(row["at_ms"]),
                gate_id=row["gate_id"],
            )
            deeds.append(deed)
        return deeds, unfit

    def _open_code(self, row: dict[str, Any]) -> str | None:
        if row["sealed_code"] is None:
            return None
        about = about_code(row["credential_key"])
        try:
            return self._unseal(row["sealed_code"], about)
        except LedgerRefused as error:
            log.error("%s: %s", self.name, error)
            return None

    def _unseal(self, sealed: bytes, about: str) -> str:
        keys = self._keys or self._open_keys()
        try:
            return keys.unseal(sealed, about=about).decode()
        except LedgerRefused:
            # The server may have made a new key since this process read them.
            return self._open_keys().unseal(sealed, about=about).decode()

    def _open_keys(self) -> Keyring:
        self._keys = Keyring.open(self._directory / "keys")
        return self._keys

    def _pace(self, attempt: Attempt, *, more: bool) -> None:
        if not attempt.problem:
            self._failures = 0
            # Who comes in meanwhile goes together: a call and its commits cost the same for many.
            self._wait(0.0 if more else self._settings.every_s)
            return
        self._failures += 1
        self._wait(max(self._ladder.wait_s(self._failures), attempt.retry_after_s))

    def _rest(self, error: FeedUnavailable | FeedRejected) -> None:
        self._failures += 1
        asked = error.retry_after_s if isinstance(error, FeedUnavailable) else None
        self._wait(max(self._ladder.wait_s(self._failures), asked or 0.0))
        log.warning("%s: %s", self.name, error)

    @property
    def _ladder(self) -> Ladder:
        return self._settings.ladder

    def _wait(self, seconds: float) -> None:
        self._due = time.monotonic() + seconds


def attempt_call(redeemer: Redeemer, deeds: Sequence[Redemption], *, asking: bool) -> Attempt:
    """Call the platform about deeds, and say of each what is known of it then."""
    try:
        answers = redeemer.ask(deeds) if asking else redeemer.report(deeds)
    except FeedUnavailable as error:
        fate = Fate.LOST if error.sent else Fate.UNSENT
        told = [Told(deed.key, fate, str(error)) for deed in deeds]
        return Attempt(told, error.retry_after_s or 0.0, str(error))
    except FeedRejected as error:
        if len(deeds) > 1:
            return _one_by_one(redeemer, deeds, asking=asking)
        fate = Fate.LOST if asking else Fate.REFUSED
        return Attempt([Told(deeds[0].key, fate, str(error))])
    said = {each.key: each for each in answers}
    return Attempt([_told(deed, said.get(deed.key), asking=asking) for deed in deeds])


def _one_by_one(redeemer: Redeemer, deeds: Sequence[Redemption], *, asking: bool) -> Attempt:
    """Send deeds singly, under the same keys: one that the platform cannot take spoils no other."""
    told: list[Told] = []
    for position, deed in enumerate(deeds):
        one = attempt_call(redeemer, [deed], asking=asking)
        told += one.told
        if one.problem:
            rest = deeds[position + 1 :]
            told += [Told(each.key, Fate.UNSENT, one.problem) for each in rest]
            return Attempt(told, one.retry_after_s, one.problem)
    return Attempt(told)


def _told(deed: Redemption, said: Redeemed | None, *, asking: bool) -> Told:
    if said is None:
        return Told(deed.key, Fate.LOST, "the platform's answer did not name it")
    if said.fate is Fate.UNKNOWN and not asking:
        return Told(deed.key, Fate.LOST, said.problem or "the platform does not say it is done")
    return Told(deed.key, said.fate, said.problem)


def scrubbed(told: Told, deeds: Sequence[Redemption]) -> Told:
    """Return it with a problem that can be shown: without a code, short and on one line."""
    text = "".join(each if each.isprintable() else " " for each in told.problem)
    for deed in deeds:
        if deed.code and deed.key == told.key:
            text = text.replace(deed.code, "***")
    return Told(told.key, told.fate, text[:200])
