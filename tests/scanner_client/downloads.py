"""Keep a replica by a server, real or not, and see what the download tells."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field

import msgspec

from scanner_client.clock import SteadyClock
from scanner_client.download import Callbacks, Download, Pace
from scanner_client.relay import Relay, Server
from scanner_client.replica import NoReplica, Replica
from scanner_client.seal import load_seal
from tests.fakes import TOKEN
from tests.scanner_client.scanners import key_of

QUICK = Pace(poll_s=0.1, calm_s=0.3, spread_s=0.05, first_wait_s=0.05, most_wait_s=0.2, deaf_s=1)


@dataclass
class Told:
    """What the download told the scanner."""

    epochs: list[str] = field(default_factory=list)
    revoked: list[bool] = field(default_factory=list)
    events: list[object] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)


@dataclass
class Kept:
    """A download with what it works on."""

    download: Download
    replica: Replica
    relay: Relay
    told: Told

    def held(self, code):
        try:
            with self.replica.view() as view:
                return len(view.find([key_of(code)]))
        except NoReplica:
            return None


@contextmanager
def keeping(directory, url, *, token=TOKEN, device_id="d-1", pace=QUICK, kind=Replica, run=False):
    told, stop = Told(), threading.Event()
    replica = kind(directory, load_seal(directory, told.lines.append), told.lines.append)
    callbacks = Callbacks(
        on_epoch=told.epochs.append,
        on_revoked=lambda: told.revoked.append(True),
        on_event=told.events.append,
        report=told.lines.append,
    )
    with Relay(Server(url), token=token, timeout_s=2) as relay:
        download = Download(
            relay, replica, SteadyClock(), callbacks, device_id=device_id, pace=pace
        )
        thread = download.start(stop) if run else None
        yield Kept(download, replica, relay, told)
        stop.set()
        download.wake()
        if thread is not None:
            # Before its connections go: it would wait for an answer on a closed one.
            thread.join(5)
        replica.close()


def soon(true, within_s=15.0):
    """Wait until it is true, and return how long that took."""
    began_s = time.monotonic()
    while not true():
        assert time.monotonic() - began_s < within_s, "it did not come true"
        time.sleep(0.005)
    return time.monotonic() - began_s


def an_event(name, data):
    return b"event: %s\ndata: %s\n\n" % (name.encode(), msgspec.json.encode(data))


def encoded(*lines):
    return [msgspec.json.encode(line) for line in lines]
