"""A replica on its way to a device: piece by piece, from what all downloads share.

Nothing is read from the ledger while a device is slow to take a piece: no transaction stays open,
so the WAL does not grow because of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from threading import Lock
from typing import Final

from admission.scans import Device
from gate_server.gzip_parts import HEADER, Member, Part, expand
from gate_server.ledger.ledger import Ledger
from gate_server.segments import Segments
from gate_server.web.problems import Refused

MOST_DOWNLOADS: Final = 16
"""At once: each holds a thread, and scans need theirs."""

RETRY_AFTER_S: Final = 1


class Download:
    """The bytes of one download, an iterator for WSGI.

    Args:
        parts: of the whole, made as they are asked for.
        zipped: send one gzip member; else the lines as they are.
        leave: called once, when the download is over.
    """

    def __init__(
        self,
        device_id: str,
        parts: Iterator[Part],
        *,
        zipped: bool,
        leave: Callable[[Download], None],
    ) -> None:
        self.device_id = device_id
        self._chunks = _zip(parts) if zipped else map(expand, parts)
        self._leave = leave
        self._lock = Lock()
        self._ended = False
        self._left = False

    def end(self) -> None:
        """Have the download break off after the piece that it is sending."""
        self._ended = True

    def __iter__(self) -> Download:
        return self

    def __next__(self) -> bytes:
        with ExitStack() as leave:
            leave.callback(self.close)
            if self._ended:
                raise StopIteration
            # An empty piece would end the answer for some servers.
            piece = next(chunk for chunk in self._chunks if chunk)
            leave.pop_all()
        return piece

    def close(self) -> None:
        """Take notice that the device has all, or is gone; WSGI servers call it."""
        with self._lock:
            first, self._left = not self._left, True
            self._ended = True
        if first:
            self._leave(self)


def _zip(parts: Iterator[Part]) -> Iterator[bytes]:
    member = Member()
    yield HEADER
    for part in parts:
        yield member.add(part)
    yield member.end()


class Downloads:
    """All downloads under way, one a device."""

    def __init__(self, ledger: Ledger, segments: Segments, most: int = MOST_DOWNLOADS) -> None:
        self._ledger = ledger
        self._segments = segments
        self._most = most
        self._lock = Lock()
        self._downloads: dict[str, Download] = {}
        self._open = 0
        self._stopped = False

    @property
    def under_way(self) -> int:
        """Downloads that hold a thread, those too whose device has gone unnoticed."""
        return self._open

    def begin(self, device: Device, since: int, *, zipped: bool) -> Download:
        """Begin a download; the device's older one breaks off.

        Raises:
            Refused: 503, as many as may be are under way, or the server stops.
        """
        parts = self._parts(device.device_id, since)
        download = Download(device.device_id, parts, zipped=zipped, leave=self._take_leave)
        with self._lock:
            older = self._downloads.get(device.device_id)
            if older is not None:
                older.end()
            # An older one counts until its thread is free: threads are what is scarce.
            if self._open >= self._most or self._stopped:
                raise Refused(
                    "downloads-full", "as many as may be are under way", retry_after_s=RETRY_AFTER_S
                )
            self._downloads[device.device_id] = download
            self._open += 1
        return download

    def stop(self) -> None:
        """Break off every download; what comes later is refused."""
        with self._lock:
            self._stopped = True
            for download in self._downloads.values():
                download.end()

    def _take_leave(self, download: Download) -> None:
        with self._lock:
            self._open -= 1
            if self._downloads.get(download.device_id) is download:
                del self._downloads[download.device_id]

    def _parts(self, device_id: str, position: int) -> Iterator[Part]:
        """Yield what changed after a revision: old segments, then the newest lines.

        The newest come last, as of a moment after all others were read: what left an older range
        meanwhile is in them.
        """
        ledger, segments, seen = self._ledger, self._segments, 0
        size = segments.size
        while self._welcome(device_id):
            number = position // size
            if (number + 1) * size <= max(seen, ledger.revision):
                segment = segments.segment(number)
                whole = position % size == 0
                yield segment.part if whole else segment.after(position)
                position, seen = (number + 1) * size, max(seen, segment.head)
                continue
            cut = segments.cut(seen)
            if cut.base <= position:
                yield cut.delta(position)
                return
            seen = max(seen, cut.revision)

    def _welcome(self, device_id: str) -> bool:
        device = self._ledger.catalogue.devices.get(device_id)
        return device is not None and not device.revoked and not device.suspended
