"""Tell listeners what changed: one thread watches the ledger, and no scan waits for it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import datetime
from threading import Event, Lock, Thread
from typing import Final

import msgspec
from msgspec.structs import replace

from admission.broadcasts import Broadcast
from admission.errors import LedgerError
from admission.scans import Device, Gate, Profile
from admission.wire import GateEvent, RevisionEvent, ScanAnswer
from gate_server.broadcasts import write_event
from gate_server.ledger.catalogue import same_mark
from gate_server.ledger.ledger import Ledger
from gate_server.web.callers import Caller
from gate_server.web.problems import Refused
from gate_server.web.streams import Stream, StreamKey, frame

LOOK_EVERY_S: Final = 0.1
# What is not urgent is told at most so often: each telling makes every scanner fetch.
TELL_EVERY_S: Final = 1.0
STATS_EVERY_S: Final = 1.0
RETRY_AFTER_S: Final = 5
DEVICE: Final = "device"
STAFF: Final = "staff"
PAGE: Final = "page"
# Of all streams, so many may be pages: scanners must always find one.
PAGES_SHARE: Final = 4

log = logging.getLogger("gatehouse.events")
_encode = msgspec.json.encode


class Hub:
    """All event streams: at most `most`, one a device or user.

    Args:
        stats: makes the figures for staff, JSON; called about once a second while staff listen.
    """

    def __init__(self, ledger: Ledger, most: int, stats: Callable[[], bytes]) -> None:
        self._ledger = ledger
        self._most = most
        self._stats = stats
        self._lock = Lock()
        self._streams: dict[StreamKey, Stream] = {}
        self._open = 0
        self._stopping = Event()
        self._told, self._told_at = ledger.revision, float("-inf")
        self._mark = ledger.catalogue.mark()
        self._gates, self._emergency = ledger.catalogue.gates, ledger.catalogue.emergency
        self._broadcasts = ledger.catalogue.broadcasts
        self._thread = Thread(target=self._watch, name="event-hub", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """End every stream and the watching; what comes later is refused."""
        self._stopping.set()
        self._ledger.catalogue.changed.set()
        for stream in [*self._listeners(), *self.pages()]:
            stream.end()

    @property
    def listening(self) -> int:
        """Streams that hold a thread, those too whose listener has gone unnoticed."""
        return self._open

    def join(self, caller: Caller) -> Stream:
        """Open a stream; the caller's older one ends.

        Raises:
            Refused: 503, as many as may be are open, or the server stops.
        """
        stream = Stream(caller, self._leave, _key(caller))
        self._greet(stream)
        self._admit(stream, self._most)
        # After it is listed: what comes from now on is told to it, so that nothing falls between.
        self._put_broadcasts([stream], list(self._ledger.catalogue.broadcasts.values()))
        return stream

    def join_page(self, caller: Caller, page: str) -> Stream:
        """Open a stream for one open page; whoever draws the page puts everything into it.

        Raises:
            Refused: 503, as many as may be are open, or the server stops.
        """
        stream = Stream(caller, self._leave, (PAGE, page))
        self._admit(stream, max(1, self._most // PAGES_SHARE))
        return stream

    def pages(self) -> list[Stream]:
        """Return the streams of all open pages."""
        with self._lock:
            return [stream for key, stream in self._streams.items() if key[0] == PAGE]

    def _admit(self, stream: Stream, most: int) -> None:
        key = stream.key
        with self._lock:
            older = self._streams.get(key)
            # An older one of the caller counts until its thread is free: a listener that never
            # reads may hold it for long, and threads are what is scarce.
            alike = sum((each[0] == PAGE) == (key[0] == PAGE) for each in self._streams)
            room = self._open < self._most and alike - (older is not None) < most
            room = room and not self._stopping.is_set()
            if room:
                self._streams[key] = stream
                self._open += 1
        # Never under the lock: a stream that ends takes its own first, then this one.
        if older is not None:
            older.end()
        if not room:
            raise Refused("streams-full", "as many as may be are open", retry_after_s=RETRY_AFTER_S)

    def tell_verdict(self, device_id: str, answer: ScanAnswer) -> None:
        """Tell a device what a human has decided about one of its scans."""
        with self._lock:
            stream = self._streams.get((DEVICE, device_id))
        if stream is not None:
            stream.put_verdict(frame("verdict", _encode(answer)))

    def _listeners(self) -> list[Stream]:
        with self._lock:
            return [stream for key, stream in self._streams.items() if key[0] != PAGE]

    def _leave(self, stream: Stream) -> None:
        with self._lock:
            self._open -= 1
            if self._streams.get(stream.key) is stream:
                del self._streams[stream.key]

    def _greet(self, stream: Stream) -> None:
        """Tell a new listener how things stand, so that nothing between two streams is missed."""
        self._put_revision([stream], self._ledger.revision, urgent=False)
        catalogue = self._ledger.catalogue
        self._put_gates([stream], list(catalogue.gates.values()), catalogue.emergency)

    def _watch(self) -> None:
        told_stats_at, changed = 0.0, self._ledger.catalogue.changed
        while not self._stopping.is_set():
            # Something urgent ends the wait.
            changed.wait(LOOK_EVERY_S)
            changed.clear()
            streams = self._listeners()
            self._tell_changes(streams)
            staff = [stream for stream in streams if stream.caller.device is None]
            if staff and time.monotonic() - told_stats_at >= STATS_EVERY_S:
                told_stats_at = time.monotonic()
                self._tell_stats(staff)

    def _tell_changes(self, streams: list[Stream]) -> None:
        catalogue, now = self._ledger.catalogue, time.monotonic()
        # The mark first: a change that comes in between is seen at the next look.
        mark, revision = catalogue.mark(), self._ledger.revision
        urgent = not same_mark(mark, self._mark)
        if urgent or (revision != self._told and now - self._told_at >= TELL_EVERY_S):
            self._mark, self._told, self._told_at = mark, revision, now
            self._put_revision(streams, revision, urgent=urgent)
        if urgent:
            self._tell_gates(streams)
        self._tell_broadcasts(streams)

    def _tell_gates(self, streams: list[Stream]) -> None:
        catalogue = self._ledger.catalogue
        gates, emergency = catalogue.gates, catalogue.emergency
        if gates is self._gates and emergency == self._emergency:
            return
        changed = [
            gate
            for gate in gates.values()
            if emergency != self._emergency or gate != self._gates.get(gate.gate_id)
        ]
        self._gates, self._emergency = gates, emergency
        self._put_gates(streams, changed, emergency)

    def _put_revision(self, streams: list[Stream], revision: int, *, urgent: bool) -> None:
        event = RevisionEvent(epoch=self._ledger.epoch, revision=revision, urgent=urgent)
        data = frame("revision", _encode(event))
        # One that a listener has not read may have been urgent: then this one is in its place.
        over = data if urgent else frame("revision", _encode(replace(event, urgent=True)))
        for stream in streams:
            stream.put("revision", data, over=over)

    def _put_gates(self, streams: list[Stream], gates: list[Gate], emergency: bool) -> None:
        """Tell of gates: a device of its own, staff of all."""
        for gate in gates:
            event = GateEvent(
                gate_id=gate.gate_id,
                name=gate.name,
                area=gate.area,
                state=gate.state,
                emergency=emergency,
            )
            data = frame("gate", _encode(event))
            for stream in streams:
                if stream.caller.device is None or self._stands_at(stream.caller) == gate.gate_id:
                    stream.put(f"gate {gate.gate_id}", data)

    def _stands_at(self, caller: Caller) -> str | None:
        """Return the gate of a device now: it may have been moved since its stream began."""
        device = self._ledger.catalogue.devices.get(caller.name)
        return None if device is None else device.gate_id

    def _tell_broadcasts(self, streams: list[Stream]) -> None:
        known = self._ledger.catalogue.broadcasts
        if known is self._broadcasts:
            return
        before, self._broadcasts = self._broadcasts, known
        changed = [each for each in known.values() if each != before.get(each.broadcast_id)]
        if changed:
            self._put_broadcasts(streams, changed)

    def _put_broadcasts(self, streams: list[Stream], changed: list[Broadcast]) -> None:
        """Tell of broadcasts: a device of those for its gate as it stands now, staff of all.

        They share one place in a mailbox: where the last were not read, all that are known are put
        there instead, so that an unread stream holds each at most once.
        """
        catalogue, now = self._ledger.catalogue, self._ledger.clock()
        known = list(catalogue.broadcasts.values())
        written: dict[tuple[str, Profile] | None, tuple[bytes, bytes]] = {}
        for stream in streams:
            device = None
            if stream.caller.device is not None:
                device = catalogue.devices.get(stream.caller.name)
                if device is None or device.revoked or device.suspended:
                    continue
            place = None if device is None else (device.gate_id, device.profile)
            if place not in written:
                parts = (_write_broadcasts(each, device, now) for each in (changed, known))
                written[place] = next(parts), next(parts)
            data, over = written[place]
            if data:
                stream.put("broadcasts", data, over=over)

    def _tell_stats(self, staff: list[Stream]) -> None:
        try:
            data = frame("stats", self._stats())
        except LedgerError as error:
            log.warning("no figures for the event streams: %s", error)
            return
        for stream in staff:
            stream.put("stats", data)


def _write_broadcasts(known: list[Broadcast], device: Device | None, now: datetime) -> bytes:
    """Return the events of what a device is to show, or is not to show any more.

    Args:
        device: None: those of all devices.
    """
    return b"".join(
        frame("broadcast", _encode(write_event(each)))
        for each in known
        if now <= each.expires_at and (device is None or each.reaches(device))
    )


def _key(caller: Caller) -> StreamKey:
    # A user may have a device's name.
    return STAFF if caller.device is None else DEVICE, caller.name
