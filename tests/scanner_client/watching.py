"""Take what a source gives in a thread, as the lane does."""

import threading
import time
from contextlib import contextmanager

from scanner_client.capture import Watch


class Waited(Watch):
    """A watch that tells when a device was opened."""

    def __init__(self, stop, report):
        super().__init__(stop, report)
        self.opened = threading.Event()

    def find(self, name):
        super().find(name)
        self.opened.set()


@contextmanager
def watching(source, opened=False):
    """Give what was seen so far, and what was reported.

    Args:
        opened: wait until its device is open; a serial port forgets what came before.
    """
    stop, reports, seen = threading.Event(), [], []
    watch = Waited(stop, reports.append)

    def take():
        for sighting in source.sightings(watch):
            seen.append(sighting)  # noqa: PERF402 (each is looked at as it comes)

    thread = threading.Thread(target=take)
    thread.start()
    try:
        assert not opened or watch.opened.wait(5)
        yield seen, reports
    finally:
        stop.set()
        thread.join(5)
        assert not thread.is_alive()


def wait_for(condition, seconds=15):
    """Wait until something has come about, or fail."""
    until_s = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until_s, "did not come about"
        time.sleep(0.01)


def texts(seen):
    """Return the texts of what was typed."""
    return [typed.text for typed in seen]
