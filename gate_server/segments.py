"""A replica's lines as devices fetch them: cut once, compressed once, shared by all.

Old revisions lie in segments of a fixed number of revisions. A segment that was cut a while ago is
still right to serve: what has changed since comes again with a newer revision. The newest revisions
are kept as lines and grow by what changed since they were last looked at, so that whoever follows
the ledger costs no query of its own.
"""

from __future__ import annotations

import time
from array import array
from bisect import bisect_right
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from itertools import accumulate
from threading import Lock
from typing import Final

import msgspec

from admission import base64url
from admission.calendar import to_ms
from admission.keys import write_code_keys
from admission.wire import Text
from admission.wire_outage import CompleteLine, StateLine, TokenKey
from gate_server import gzip_parts
from gate_server.gzip_parts import Part
from gate_server.keyring import Keyring
from gate_server.ledger.catalogue import Mark, same_mark
from gate_server.ledger.ledger import Ledger
from gate_server.ledger.replica_lines import Line, Range, VenueNow, make_lines, read_range
from gate_server.settings import Settings

SEGMENT: Final = 4096
MOST_BYTES: Final = 64 << 20
_KEPT_DELTAS: Final = 64
# A cut serves whoever comes while the ledger stands still, but what it tells of the time, of
# feeds and of people inside must not grow old.
_FRESH_S: Final = 0.5
# A busy ledger moves with every look: from so many cuts a second on they are spaced.
_CUTS_A_SECOND: Final = 20
_SPACED_S: Final = 0.05
_STEP_S: Final = 0.005
# Work of a second is done in pieces, or a scan would wait for the interpreter's switch interval.
_PAUSE_S: Final = 0.001

_encode = msgspec.json.encode


@dataclass(frozen=True, slots=True)
class Segment:
    """The lines of a fixed range of revisions, as of when they were read.

    Attributes:
        head: the ledger's newest revision at that time.
        newest: of each line and all before it, the newest revision.
    """

    part: Part
    head: int
    newest: array[int]

    def after(self, since: int) -> Part:
        """Return the lines that tell more than a revision, compressed again."""
        lines = gzip_parts.expand(self.part).splitlines(keepends=True)
        return gzip_parts.compress(b"".join(lines[bisect_right(self.newest, since) :]))

    @property
    def held_bytes(self) -> int:
        """Bytes of memory that it takes, about."""
        return len(self.part.deflated) + 8 * len(self.newest) + 400


@dataclass(frozen=True, slots=True)
class Cut:
    """The newest lines, complete up to a revision, with what ends a download there.

    Attributes:
        base: they tell everything after this revision.
        end: the state and the complete line.
    """

    revision: int
    base: int
    end: bytes
    made_at: float
    mark: Mark
    _lines: list[bytes]
    _newest: list[int]
    _size: int
    _deltas: dict[int, Part] = field(default_factory=dict)

    def lines(self, since: int) -> bytes:
        """Return the lines that tell more than a revision, not older than `base`."""
        return b"".join(self._lines[bisect_right(self._newest, since, 0, self._size) : self._size])

    def delta(self, since: int) -> Part:
        """Return these lines and the end, compressed; the same for all who ask the same."""
        part = self._deltas.get(since)
        if part is None:
            part = gzip_parts.compress(self.lines(since) + self.end)
            if len(self._deltas) < _KEPT_DELTAS:
                self._deltas[since] = part
        return part


class Segments:
    """What can be shared of the replica's download; from any thread.

    Args:
        most_bytes: what old segments may take; those not asked for the longest go first.
        size: revisions in a segment.
    """

    def __init__(
        self,
        ledger: Ledger,
        keys: Keyring,
        settings: Settings,
        *,
        most_bytes: int = MOST_BYTES,
        size: int = SEGMENT,
    ) -> None:
        self.size = size
        self._ledger = ledger
        self._keys = keys
        self._settings = settings
        self._most_bytes = most_bytes
        self._lock = Lock()
        self._reading = Lock()  # one segment at a time: scans need the processor too
        self._segments: OrderedDict[int, Segment] = OrderedDict()
        self._bytes = 0
        self._cutting = Lock()
        self._recent = _Recent(0, size)
        self._cut: Cut | None = None
        self._cuts: deque[float] = deque(maxlen=_CUTS_A_SECOND)

    @property
    def held_bytes(self) -> int:
        """Bytes of memory that old segments take."""
        return self._bytes

    def segment(self, number: int) -> Segment:
        """Return a segment whose revisions are all taken: `number` times `size` and what follows.

        Raises:
            LedgerUnavailable: the file cannot be read.
        """
        found = self._find(number)
        if found is None:
            with self._reading:
                found = self._find(number)
                if found is None:
                    found = self._make(number)
                    self._keep(number, found)
        return found

    def _find(self, number: int) -> Segment | None:
        with self._lock:
            found = self._segments.get(number)
            if found is not None:
                self._segments.move_to_end(number)
        return found

    def _make(self, number: int) -> Segment:
        rows = self._read(number * self.size, (number + 1) * self.size)
        lines = self._lines(rows)
        newest = array("q", accumulate((line.newest for line in lines), max))
        part = gzip_parts.compress(b"".join([line.data for line in lines]))
        return Segment(part, rows.head, newest)

    def _keep(self, number: int, segment: Segment) -> None:
        with self._lock:
            self._segments[number] = segment
            self._bytes += segment.held_bytes
            while self._bytes > self._most_bytes and len(self._segments) > 1:
                _, gone = self._segments.popitem(last=False)
                self._bytes -= gone.held_bytes

    def cut(self, seen: int = 0) -> Cut:
        """Return the newest lines, as of a moment at or after this call began.

        Args:
            seen: a revision that the caller knows to be on disk.

        Raises:
            LedgerUnavailable: the file cannot be read.
        """
        wanted = max(self._ledger.revision, seen)
        with self._cutting:
            cut = self._cut
            if cut is None or not self._serves(cut, wanted):
                self._wait_for_turn()
                cut = self._cut = self._make_cut()
            return cut

    def _serves(self, cut: Cut, wanted: int) -> bool:
        young = time.monotonic() - cut.made_at < _FRESH_S
        return young and cut.revision >= wanted and not self._urgent()

    def _urgent(self) -> bool:
        cut = self._cut
        return cut is None or not same_mark(cut.mark, self._ledger.catalogue.mark())

    def _wait_for_turn(self) -> None:
        """Wait where very many cuts were made lately, unless it is one that nobody may miss."""
        cuts = self._cuts
        while len(cuts) == _CUTS_A_SECOND and not self._urgent():
            now = time.monotonic()
            if now - cuts[0] >= 1.0 or now - cuts[-1] >= _SPACED_S:
                return
            time.sleep(_STEP_S)

    def _make_cut(self) -> Cut:
        mark, recent = self._ledger.catalogue.mark(), self._recent
        made_at = time.monotonic()
        whole = self._ledger.revision // self.size
        if recent.head // self.size + 1 < whole:
            recent = self._recent = _Recent((whole - 1) * self.size, self.size)
        rows = self._ledger.read(lambda db: read_range(db, recent.head))
        recent.add(self._lines(rows), rows.head)
        end = self._end(rows.head, rows.venue)
        self._cuts.append(made_at)
        return Cut(
            rows.head,
            recent.base,
            end,
            made_at,
            mark,
            recent.lines,
            recent.newest,
            len(recent.lines),
        )

    def _read(self, after: int, until: int) -> Range:
        return self._ledger.read(lambda db: read_range(db, after, until))

    def _lines(self, rows: Range) -> list[Line]:
        order_key = self._keys.code_key(self._ledger.clock())
        return make_lines(rows, order_key, pause=lambda: time.sleep(_PAUSE_S))

    def _end(self, revision: int, venue: VenueNow) -> bytes:
        epoch = self._ledger.epoch
        state = self._state(revision, venue)
        complete = CompleteLine(revision=revision, epoch=epoch, complete=True)
        return _encode(state) + b"\n" + _encode(complete) + b"\n"

    def _state(self, revision: int, venue: VenueNow) -> StateLine:
        ledger, settings = self._ledger, self._settings
        now, day = ledger.clock(), ledger.tallies.today
        return StateLine(
            revision=revision,
            server_time=now,
            zone=settings.zone,
            day_starts_at=settings.day_starts_at,
            stale_after_s=settings.stale_after_s,
            # The counts are of the day on which somebody last came.
            inside=day.inside if day.first_ms <= to_ms(now) <= day.last_ms else 0,
            limit=settings.people_limit,
            emergency=venue.emergency,
            feeds_ms=venue.feeds_ms,
            feed_silent=venue.feed_silent,
            honoured=venue.honoured,
            queues=venue.queues,
            handouts=venue.handouts,
            most_arrivals=settings.anomalies.most_arrivals,
            code_keys=write_code_keys(self._keys.code_keys),
            help_desk=Text(zh=settings.help_desk_zh, en=settings.help_desk_en),
            token_keys=[
                TokenKey(
                    key_id=key.key_id,
                    public=base64url.write(key.public),
                    signs_from=key.signs_from,
                )
                for key in self._keys.published().keys
            ],
        )


class _Recent:
    """The lines after a segment's end: one or two segments' worth, and growing."""

    def __init__(self, base: int, size: int) -> None:
        self.base, self.head, self._segment = base, base, size
        self.lines: list[bytes] = []
        self.newest: list[int] = []

    def add(self, lines: list[Line], head: int) -> None:
        """Add what changed up to a new head; cuts that were made before stay as they are."""
        self.head = head
        newest = self.newest[-1] if self.newest else self.base
        for line in lines:
            newest = max(newest, line.newest)
            self.lines.append(line.data)
            self.newest.append(newest)
        base = (head // self._segment - 1) * self._segment
        if base > self.base:
            first = bisect_right(self.newest, base)
            self.base, self.lines, self.newest = base, self.lines[first:], self.newest[first:]
