"""Try rows that were set aside again: once their deal is there, else ever more rarely."""

from __future__ import annotations

import logging
from threading import Event, Thread
from typing import Final

from admission.errors import AdmissionError
from gate_server.breath import Breath
from gate_server.intake import retry
from gate_server.keyring import Keyring
from gate_server.ledger.ledger import Ledger
from gate_server.settings import Settings

EVERY_S: Final = 2.0
MOST_AT_ONCE: Final = 500

log = logging.getLogger("gatehouse.feeds")


class Retries:
    """A thread that looks after what is set aside; without feeds it does nothing."""

    def __init__(self, ledger: Ledger, keys: Keyring, settings: Settings) -> None:
        self._ledger = ledger
        self._keys = keys
        self._most_aside = settings.feeds.set_aside
        self._stopped = Event()
        self._thread = Thread(target=self._run, name="feed-retries", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, once the rows in hand are in."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._stopped.wait(EVERY_S):
            for feed_id in list(self._ledger.catalogue.feeds):
                self._retry(feed_id)

    def _retry(self, feed_id: int) -> None:
        feed = self._ledger.catalogue.feeds.get(feed_id)
        if feed is None or self._stopped.is_set():
            return
        try:
            retry(
                self._ledger,
                self._keys,
                feed,
                most=MOST_AT_ONCE,
                most_aside=self._most_aside,
                pause=Breath().take,
            )
        except AdmissionError as error:
            log.warning("rows of %s that are set aside could not be tried: %s", feed.name, error)
