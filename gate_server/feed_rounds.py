"""One round of a feed: fetch what has changed, prepare it here, and hand it to the server."""

from __future__ import annotations

import contextlib
import fcntl
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from admission.calendar import Venue
from admission.errors import (
    AdmissionError,
    FeedError,
    FeedRejected,
    FeedUnavailable,
    LedgerConflict,
    LedgerError,
    NotFound,
)
from admission.rows import RowReader
from gate_server.commands.feeds import ASKED, FeedFailed, OneFeed, TakePart
from gate_server.commands.services import Caller
from gate_server.feed_sources import FetchedFeed, list_fetched, open_source
from gate_server.feeder_tasks import Surroundings
from gate_server.feeds.contract import Kind, Part, Source
from gate_server.intake import Taken, prepare
from gate_server.keyring import Keyring
from gate_server.ledger.ledger import utc_now
from gate_server.ledger.prepared import Preparer

EVERY_S: Final = {"pull": 5.0, "octo": 60.0, "folder": 2.0}
LONGEST_PAUSE_S: Final = 300.0
# A round that finds nothing says so that often, not each time: it is a write to the disk.
HEARTBEAT_S: Final = 20.0
_JITTER: Final = 0.1
DEFECT: Final = "a defect of this program ended the round; the server's log says where"
_LOOK_S: Final = 0.1
_WAIT_S: Final = 60.0


@dataclass(slots=True)
class Tally:
    """What came of a round."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    set_aside: int = 0

    def add(self, taken: Taken) -> None:
        """Count one part."""
        self.added += taken.added
        self.changed += taken.changed
        self.unchanged += taken.unchanged
        self.set_aside += len(taken.rejected)

    def replace(self, other: Tally) -> None:
        """Become what another one is now."""
        self.added, self.changed = other.added, other.changed
        self.unchanged, self.set_aside = other.unchanged, other.set_aside

    @property
    def rows(self) -> int:
        """Rows that the source gave."""
        return self.added + self.changed + self.unchanged + self.set_aside


@dataclass(frozen=True, slots=True)
class Round:
    """What a round works with.

    Attributes:
        keys: as they are now: the server may have made new ones since this process began.
        now: the time of the process that fetches.
        told: is told the tally after each part.
    """

    caller: Caller
    venue: Venue
    keys: Keyring
    now: Callable[[], datetime] = utc_now
    told: Callable[[Tally], object] = field(default=lambda _: None)

    def run(self, feed: FetchedFeed, source: Source) -> Tally:
        """Take all that has changed since the feed's place.

        What was taken stays taken, whatever happens next: each part moves the feed's place with it.

        Raises:
            FeedError: the platform gave no answer, or a senseless one; the feed keeps its place.
            LedgerUnavailable: the server did not take a part; the same again is right.
        """
        tally, reader = Tally(), RowReader(self.venue)
        preparer = self._preparer(feed)
        for part in source.changes(feed.cursor):
            if _is_silent(part, feed, self.now()):
                continue
            asked = TakePart(feed_id=feed.feed_id, part=prepare(part, preparer, reader))
            taken = msgspec.convert(self.caller.call("feed take", asked), Taken)
            tally.add(taken)
            if part.kind is Kind.DEALS and taken.added:
                preparer = self._preparer(feed)
            self.told(tally)
        return tally

    def _preparer(self, feed: FetchedFeed) -> Preparer:
        """Make what hashes codes, with the deals that there are now."""
        platforms: dict[str, str] = self.caller.call("import platforms")
        by_code = frozenset(self.caller.call("redemptions by_code"))
        return Preparer(
            self.keys, platforms, now=self.now(), platform=feed.platform, by_code=by_code
        )

    def find_feed(self, feed_id: int) -> FetchedFeed | None:
        """Return a feed as it stands now; None where it was removed."""
        found = list_fetched(self.caller.call("feed list"))
        return next((each for each in found if each.feed_id == feed_id), None)

    def get_feed(self, feed_id: int) -> FetchedFeed:
        """Return a feed as it stands now.

        Raises:
            NotFound: it was removed.
        """
        feed = self.find_feed(feed_id)
        if feed is None:
            raise NotFound(f"no feed {feed_id} that is fetched")
        return feed

    def open(self, feed: FetchedFeed) -> Source:
        """Open a feed's source with its secret."""
        asked = OneFeed(feed_id=feed.feed_id)
        secrets: list[dict[str, Any]] = self.caller.call("feed secrets", asked)
        token = b""
        for newest in secrets[:1]:
            token = self.keys.unseal(newest["sealed"], about=newest["about"])
        return open_source(feed, token.decode(), zone=self.venue.zone, now=self.now)

    def note_failed(self, feed: FetchedFeed, error: FeedError) -> None:
        """Let the ledger know that a try failed; its age runs on."""
        self.caller.call("feed failed", FeedFailed(feed_id=feed.feed_id, problem=str(error)))


class FeedTask:
    """Runs one feed's rounds, one after the other.

    The next begins some time after the one before began; later where that failed.
    """

    def __init__(self, feed: FetchedFeed, surroundings: Surroundings) -> None:
        self._feed_id = feed.feed_id
        self._surroundings = surroundings
        self._every_s = float(feed.config.get("every_s") or EVERY_S[feed.kind])
        self._name = feed.name
        self._next_s = 0.0
        self._failures = 0
        self._asked = feed.config.get(ASKED)

    def heed(self, feed: FetchedFeed) -> None:
        """Run now where somebody has asked for a round since the last look."""
        asked, self._asked = self._asked, feed.config.get(ASKED)
        if self._asked != asked:
            self._next_s = 0.0

    @property
    def name(self) -> str:
        """How the log calls it."""
        return self._name

    def due_s(self) -> float:
        """Return the seconds until the next round."""
        return self._next_s - time.monotonic()

    def run(self, caller: Caller) -> None:
        """Run one round.

        Raises:
            FeedError: it failed; the ledger knows, and the next is later than usual.
        """
        self._wait(self._every_s)
        keys = Keyring.open(self._surroundings.directory / "keys")
        turn = Round(caller, self._surroundings.settings.venue, keys)
        feed = turn.find_feed(self._feed_id)
        if feed is None:
            return
        with (
            claim(self._surroundings.directory, feed),
            self._watched(turn, feed),
            contextlib.closing(turn.open(feed)) as source,
        ):
            turn.run(feed, source)
        self._failures = 0

    @contextlib.contextmanager
    def _watched(self, turn: Round, feed: FetchedFeed) -> Iterator[None]:
        """Wait longer after a round that failed, and let the ledger know why it did."""
        problem: FeedError = FeedRejected("", DEFECT)
        whole = False
        try:
            yield
            whole = True
        except LedgerError:
            whole = True  # the server knows, or is not there to be told
            self._back_off(None)
            raise
        except AdmissionError as error:
            problem = error if isinstance(error, FeedError) else FeedRejected("", str(error))
            raise
        finally:
            if not whole:
                self._back_off(problem)
                turn.note_failed(feed, problem)

    def _back_off(self, error: FeedError | None) -> None:
        self._failures += 1
        pause_s = min(self._every_s * 2 ** min(self._failures, 16), LONGEST_PAUSE_S)
        asked_s = error.retry_after_s if isinstance(error, FeedUnavailable) else None
        self._wait(max(pause_s, asked_s or 0.0))

    def _wait(self, seconds: float) -> None:
        # Feeds of many venues must not come to a platform in step.
        self._next_s = time.monotonic() + seconds * random.uniform(1, 1 + _JITTER)  # noqa: S311


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one round, for people.

    Attributes:
        error: why it ended early; "" where it did not.
    """

    feed: FetchedFeed
    tally: Tally
    error: str = ""

    def told(self) -> dict[str, Any]:
        """Return it for a machine."""
        named = {"feed_id": self.feed.feed_id, "platform": self.feed.platform}
        return named | asdict(self.tally) | {"error": self.error or None}

    def words(self) -> str:
        """Return it in one line."""
        each = self.tally
        counts = f"{each.added} added, {each.changed} changed, {each.unchanged} unchanged"
        end = f"; then it failed: {self.error}" if self.error else ""
        return f"{self.feed.name}: {counts}, {each.set_aside} set aside{end}"


def pull_once(turn: Round, feed: FetchedFeed, directory: Path) -> Outcome:
    """Run one round and say what came of it; a failure of the platform is noted, and told."""
    last = Tally()

    def told(tally: Tally) -> None:
        last.replace(tally)
        turn.told(tally)

    try:
        with claim(directory, feed, wait_s=_WAIT_S), contextlib.closing(turn.open(feed)) as source:
            tally = replace(turn, told=told).run(feed, source)
    except FeedError as error:
        turn.note_failed(feed, error)
        return Outcome(feed, last, str(error))
    return Outcome(feed, tally)


def try_source(turn: Round, feed: FetchedFeed) -> str:
    """Ask a new feed's platform once, without taking anything, and say in words what it told."""
    try:
        with contextlib.closing(turn.open(feed)) as source:
            first = next(iter(source.changes(None)))
    except FeedError as error:
        return f"but its first try failed, and is tried again: {error}"
    if not first.rows:
        return "it answers, and has nothing to tell yet"
    return f"it answers, and its first {len(first.rows)} {first.kind.value} are there"


@contextlib.contextmanager
def claim(directory: Path, feed: FetchedFeed, *, wait_s: float = 0.0) -> Iterator[None]:
    """Hold a feed for one round: a command and the feeder never run one at the same time.

    Raises:
        LedgerConflict: `feed-busy`: a round of it is still under way after so long.
    """
    until = time.monotonic() + wait_s
    with (directory / f"feed-{feed.feed_id}.lock").open("ab") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                if time.monotonic() > until:
                    problem = f"{feed.name} is being fetched already"
                    raise LedgerConflict("feed-busy", problem) from error
                time.sleep(_LOOK_S)
            else:
                break
        yield


def _is_silent(part: Part, feed: FetchedFeed, now: datetime) -> bool:
    """Say whether a part says nothing that the ledger need hear again so soon."""
    if part.rows or part.cursor is not None or not part.whole:
        return False
    if feed.error or feed.accepted_at is None:
        return False
    return 0 <= (now - feed.accepted_at).total_seconds() < HEARTBEAT_S
