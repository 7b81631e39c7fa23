"""Ask platforms for a code that the ledger does not know, while its holder stands at the gate.

A scan waits a moment for them, outside the writer, and never longer. What a platform answers goes
into the ledger as its feed's rows do, be it late: then the next presentation finds it. A platform
that does not answer is asked by few threads, then left alone for a while; nobody else waits.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from queue import SimpleQueue
from typing import Final

from admission.codes import CodeForm, CodeRead, normalise
from admission.errors import AdmissionError
from gate_server.feeds.breaker import Breaker, Outcome, State
from gate_server.feeds.contract import Part
from gate_server.finders import Finder, may_ask, open_finder
from gate_server.found_rows import about, take_found
from gate_server.keyring import Keyring
from gate_server.ledger.feeds import Feed
from gate_server.ledger.ledger import Ledger
from gate_server.ledger.lookups import is_known
from gate_server.settings import Settings

MOST_AT_ONCE: Final = 4
"""Questions to one platform that have no answer yet, and threads that may hang in them."""

LATE_S: Final = 5.0
"""How long an answer may take that is still wanted."""

UNKNOWN_FOR_S: Final = 30.0
"""How long a platform's word that it knows no such code is not asked for again."""

A_SECOND: Final = 2.0
BURST: Final = 4.0
"""Questions that one device may cause: whoever waves made-up codes at it asks nobody anything."""

_MOST_REMEMBERED: Final = 10_000
_STOP_WITHIN_S: Final = 0.5

log = logging.getLogger("gatehouse.lookup")


@dataclass(slots=True)
class Ask:
    """One question to one platform.

    Attributes:
        answered: in time or not, the platform has said whether it knows the code; `found` that the
            ledger has it now.
        late: whoever waited has gone on.
    """

    key: bytes
    code: str = field(repr=False)
    answered: bool = False
    found: bool = False
    late: bool = False
    done: threading.Event = field(default_factory=threading.Event, repr=False)


@dataclass(frozen=True, slots=True)
class Figures:
    """How one platform has answered so far.

    Attributes:
        counts: questions by `found`, `unknown`, `late`, `failed`; `unasked` for want of room or
            because the breaker was open.
    """

    platform: str
    feed_id: int
    state: State
    counts: dict[str, int]


class _Platform:
    """One platform's questions, its threads and its breaker."""

    def __init__(self, ledger: Ledger, keys: Keyring, settings: Settings, feed: Feed) -> None:
        self.feed = feed
        self._ledger, self._keys, self._settings = ledger, keys, settings
        self._lock = threading.Lock()
        self._waiting: dict[bytes, Ask] = {}
        self._unknown: OrderedDict[bytes, float] = OrderedDict()
        self._breaker = Breaker()
        self._counts: Counter[str] = Counter()
        self._jobs: SimpleQueue[Ask | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []

    def ask(self, key: bytes, code: str) -> Ask | None:
        """Begin to ask, or join who asks already; None: it need not, or must not, be asked."""
        with self._lock:
            there, now_s = self._waiting.get(key), time.monotonic()
            if there is not None:
                return there
            if self._unknown.get(key, -UNKNOWN_FOR_S) + UNKNOWN_FOR_S > now_s:
                return None
            if len(self._waiting) >= MOST_AT_ONCE or not self._breaker.admits(now_s):
                self._counts["unasked"] += 1
                return None
            ask = self._waiting[key] = Ask(key, code)
            self._staff()
        self._jobs.put(ask)
        return ask

    def note_late(self, ask: Ask) -> None:
        """Note that whoever waited has gone on without an answer."""
        with self._lock:
            if not (ask.late or ask.done.is_set()):
                ask.late = True
                self._note(Outcome.LATE)

    def figures(self) -> Figures:
        """Return how it has answered so far."""
        with self._lock:
            state = self._breaker.state(time.monotonic())
            return Figures(self.feed.platform, self.feed.feed_id, state, dict(self._counts))

    def stop(self) -> None:
        """Let its threads end; one that hangs in a question ends with the process."""
        with self._lock:
            threads = [*self._threads]
        for _ in threads:
            self._jobs.put(None)
        until = time.monotonic() + _STOP_WITHIN_S
        for thread in threads:
            thread.join(max(0.0, until - time.monotonic()))

    def _staff(self) -> None:
        """Have a thread for each question."""
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        if len(self._threads) < len(self._waiting):
            name = f"look-up feed {self.feed.feed_id}"
            thread = threading.Thread(target=self._work, name=name, daemon=True)
            self._threads.append(thread)
            thread.start()

    def _work(self) -> None:
        finder: Finder | None = None
        while (ask := self._jobs.get()) is not None:
            try:
                if finder is None:
                    finder = open_finder(self._ledger, self._keys, self.feed)
                self._take(ask, finder.find(ask.code, timeout_s=LATE_S))
                ask.answered = True
            except AdmissionError as error:
                log.info("%s: no answer to a look-up: %s", self.feed.name, error)
                # Its connection or its secret may be at fault.
                _close(finder)
                finder = None
            finally:
                self._end(ask)
        _close(finder)

    def _take(self, ask: Ask, parts: Sequence[Part]) -> None:
        for part in about(parts, ask.code):
            take_found(self._ledger, self._keys, self._settings, self.feed, part)
        ask.found = self._ledger.read(partial(is_known, keys=(ask.key,)))

    def _end(self, ask: Ask) -> None:
        with self._lock:
            self._waiting.pop(ask.key, None)
            if not ask.late:
                self._note(Outcome.ANSWERED if ask.answered else Outcome.FAILED)
            kind = "found" if ask.found else "unknown" if ask.answered else "failed"
            self._counts["late" if ask.late else kind] += 1
            if ask.answered and not ask.found:
                self._unknown[ask.key] = time.monotonic()
                if len(self._unknown) > _MOST_REMEMBERED:
                    self._unknown.popitem(last=False)
            ask.done.set()

    def _note(self, outcome: Outcome) -> None:
        now_s = time.monotonic()
        before = self._breaker.state(now_s)
        self._breaker.note(outcome, now_s)
        after = self._breaker.state(now_s)
        if after is State.OPEN and before is not after:
            log.warning("%s is not asked for a while: it does not answer in time", self.feed.name)


class ReadThrough:
    """The platforms that may be asked, and who may cause that how often."""

    def __init__(self, ledger: Ledger, keys: Keyring, settings: Settings) -> None:
        self._ledger, self._keys, self._settings = ledger, keys, settings
        self._timeout_s = settings.lookup.timeout_ms / 1000
        self._lock = threading.Lock()
        self._feeds: object = None
        self._platforms: list[_Platform] = []
        self._devices: dict[str, tuple[float, float]] = {}

    def ask(self, device_id: str, code: CodeRead, text: str) -> bool:
        """Ask for a code that the ledger does not know, for as long as a scan may wait.

        Returns: some platform was asked and has not answered, so the code may still be good.
        """
        platforms = self._current()
        if not platforms or code.form is not CodeForm.OPAQUE:
            return False
        if self._ledger.read(partial(is_known, keys=code.keys)) or not self._may(device_id):
            return False
        found = [(each, each.ask(code.keys[0], normalise(text))) for each in platforms]
        asks = [(platform, ask) for platform, ask in found if ask is not None]
        until = time.monotonic() + self._timeout_s
        for platform, ask in asks:
            if not ask.done.wait(max(0.0, until - time.monotonic())):
                platform.note_late(ask)
        return any(not (ask.done.is_set() and ask.answered) for _, ask in asks)

    def figures(self) -> list[Figures]:
        """Return how each platform has answered so far."""
        return [each.figures() for each in self._current()]

    def stop(self) -> None:
        """Ask nobody any more."""
        with self._lock:
            self._timeout_s, stopped = 0.0, self._platforms
            self._platforms = []
        for each in stopped:
            each.stop()

    def _current(self) -> list[_Platform]:
        """Return the platforms that may be asked; the catalogue has another dict once one changed.

        Memory only, and for a venue without such platforms next to nothing.
        """
        feeds = self._ledger.catalogue.feeds
        if feeds is self._feeds or self._timeout_s <= 0:
            return self._platforms
        with self._lock:
            if feeds is not self._feeds:
                self._renew([feed for feed in feeds.values() if may_ask(feed)])
                self._feeds = feeds
            return self._platforms

    def _renew(self, feeds: Sequence[Feed]) -> None:
        known = {each.feed.feed_id: each for each in self._platforms}
        kept = []
        for feed in feeds:
            there = known.get(feed.feed_id)
            if there is not None and there.feed.config == feed.config:
                kept.append(known.pop(feed.feed_id))
            else:
                kept.append(_Platform(self._ledger, self._keys, self._settings, feed))
        self._platforms = kept
        for gone in known.values():
            threading.Thread(target=gone.stop, daemon=True).start()

    def _may(self, device_id: str) -> bool:
        """Take one of a device's questions."""
        with self._lock:
            now_s = time.monotonic()
            left, at_s = self._devices.get(device_id, (BURST, now_s))
            left = min(BURST, left + (now_s - at_s) * A_SECOND)
            may = left >= 1.0
            self._devices[device_id] = (left - 1.0 if may else left, now_s)
            return may


def _close(finder: Finder | None) -> None:
    if finder is not None:
        finder.close()
