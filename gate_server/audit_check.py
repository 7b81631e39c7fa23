"""Check new links of the audit chain while a server runs, a few at a time."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from admission.errors import LedgerUnavailable
from gate_server.ledger.audit_watch import Verified, keep_place, read_place, verify_further
from gate_server.ledger.ledger import Ledger

CHECK_EVERY_S: Final = 10.0
KEEP_EVERY_S: Final = 60.0
# 12,000 links a minute, ten times a peak; each look takes some 30 ms of one core.
MOST_LINKS: Final = 2000

log = logging.getLogger("gatehouse.audit")


class AuditCheck:
    """Follows the chain of an open ledger; for one thread.

    Args:
        monotonic: seconds that only go forward.
    """

    def __init__(self, ledger: Ledger, monotonic: Callable[[], float]) -> None:
        self._ledger, self._monotonic = ledger, monotonic
        self._place: Verified | None = None
        self._checked_at_s = self._kept_at_s = float("-inf")
        self._kept = -1

    def look(self) -> int | None:
        """Check some more; return the revision of the first row that does not hold.

        Raises:
            LedgerUnavailable: the ledger cannot be read.
        """
        ledger, now_s = self._ledger, self._monotonic()
        if self._place is None:
            self._place = ledger.read(read_place)
        if now_s - self._checked_at_s >= CHECK_EVERY_S:
            place = self._place
            self._place = ledger.read(lambda db: verify_further(db, place, most=MOST_LINKS))
            self._checked_at_s = now_s
        if self._place.revision != self._kept and now_s - self._kept_at_s >= KEEP_EVERY_S:
            found = self._place
            self._kept_at_s = now_s
            self._keep(found)
        return self._place.broken_at

    def _keep(self, found: Verified) -> None:
        try:
            self._ledger.write(lambda tx: keep_place(tx, found), patient=True)
        except LedgerUnavailable as error:
            # A full disk, for one: that is to be told, not to be kept silent about by this.
            log.warning("how far the audit chain holds was not kept: %s", error)
        else:
            self._kept = found.revision
