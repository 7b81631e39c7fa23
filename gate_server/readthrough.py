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
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from queue import SimpleQueue
from typing import Final, TypeVar

from admission.codes import CodeForm, normalise
from admission.errors import AdmissionError, CodeUnknown
from admission.scans import Direction
from gate_server.checkin import Presented
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

T = TypeVar("T")

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

    def would_ask(self, key: bytes) -> bool:
        """Say whether it would be asked for a code now; changes nothing."""
        with self._lock:
            now_s = time.monotonic()
            if key in self._waiting:
                return True
            room = len(self._waiting) < MOST_AT_ONCE
            is_open = self._breaker.state(now_s) is State.OPEN
            return room and not is_open and not self._is_unknown(key, now_s)

    def ask(self, key: bytes, code: str) -> Ask | None:
        """Begin to ask, or join who asks already; None: it need not, or must not, be asked."""
        with self._lock:
            there, now_s = self._waiting.get(key), time.monotonic()
            if there is not None:
                return there
            if self._is_unknown(key, now_s):
                return None
            if len(self._waiting) >= MOST_AT_ONCE or not self._breaker.admits(now_s):
                self._counts["unasked"] += 1
                return None
            ask = self._waiting[key] = Ask(key, code)
            self._staff()
        self._jobs.put(ask)
        return ask

    def _is_unknown(self, key: bytes, now_s: float) -> bool:
        return self._unknown.get(key, -UNKNOWN_FOR_S) + UNKNOWN_FOR_S > now_s

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

    def decide(self, scan: Presented, text: str | None, run: Callable[[], T]) -> T:
        """Run a check-in; where nobody knows the code, ask for it first and run it again.

        A known code pays nothing for this, and neither does a venue that has nobody to ask.

        Args:
            text: the code as it was scanned; None where a voucher was picked.
        """
        platforms = self._current()
        if not platforms or text is None or scan.direction is not Direction.ENTRY:
            return run()
        code, device_id = scan.code, scan.device.device_id
        if code is None or code.form is not CodeForm.OPAQUE or self._questions_of(device_id) < 1:
            return run()
        scan.ask_first = any(each.would_ask(code.keys[0]) for each in platforms)
        try:
            return run()
        except CodeUnknown:
            scan.ask_first = False
            self._take_question(device_id)
            scan.unanswered = self._ask(platforms, code.keys[0], normalise(text))
            return run()

    def _ask(self, platforms: Sequence[_Platform], key: bytes, code: str) -> bool:
        """Ask for as long as a scan may wait; say whether somebody has not answered by then."""
        found = [(each, each.ask(key, code)) for each in platforms]
        asks = [(platform, ask) for platform, ask in found if ask is not None]
        until = time.monotonic() + self._timeout_s
        for platform, ask in asks:
            if not ask.done.wait(max(0.0, until - time.monotonic())):
                platform.note_late(ask)
        return any(not (ask.done.is_set() and ask.answered) for _, ask in asks)

    def figures(self) -> list[Figures]:
        """Return how each platform has answered so far."""
        return [each.figures() for each in self._current()]

    def states(self) -> dict[int, str]:
        """Return how the breaker of each feed stands whose platform may be asked."""
        return {each.feed_id: each.state.value for each in self.figures()}

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

    def _questions_of(self, device_id: str) -> float:
        """Return how many questions a device may cause now."""
        left, at_s = self._devices.get(device_id, (BURST, 0.0))
        return min(BURST, left + (time.monotonic() - at_s) * A_SECOND)

    def _take_question(self, device_id: str) -> None:
        self._devices[device_id] = (self._questions_of(device_id) - 1.0, time.monotonic())


def _close(finder: Finder | None) -> None:
    if finder is not None:
        finder.close()
