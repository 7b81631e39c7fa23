"""What deals come to so far, for pages that many look at: settled anew as often as is cheap."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Final

from admission.deals import Deal
from admission.wire_settlement import SettlementAnswer
from gate_server.breath import Breath
from gate_server.ledger.ledger import Ledger
from gate_server.ledger.settlements import open_settlement

REST: Final = 20
"""A settlement that took a second is told again for so many: at most a twentieth of a core."""
LONGEST_S: Final = 300.0
CHEAP_S: Final = 0.25
"""What takes no longer is made anew for everybody who asks."""


@dataclass(frozen=True, slots=True)
class _Kept:
    terms: int | None
    until_s: float
    answer: SettlementAnswer


class Bills:
    """Settlements of deals as of a moment ago; each tells its own `as_of`.

    Args:
        clock: monotonic seconds.
    """

    def __init__(self, ledger: Ledger, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._ledger, self._clock = ledger, clock
        self._lock = Lock()
        self._kept: dict[int, _Kept] = {}

    def find(self, deal: Deal) -> SettlementAnswer:
        """Return what a deal comes to; new terms of a void are never told late."""
        void = self._ledger.catalogue.voids.get(deal.deal_no)
        terms = None if void is None else void.version
        # One at a time: whoever waits meanwhile is told the same.
        with self._lock:
            kept = self._kept.get(deal.deal_no)
            if kept is None or kept.terms != terms or self._clock() >= kept.until_s:
                begun_s = self._clock()
                answer, ended_s = self._settle(deal), self._clock()
                took_s = ended_s - begun_s
                until_s = ended_s + (min(LONGEST_S, REST * took_s) if took_s > CHEAP_S else 0.0)
                kept = self._kept[deal.deal_no] = _Kept(terms, until_s, answer)
            return kept.answer

    def _settle(self, deal: Deal) -> SettlementAnswer:
        made, breath = open_settlement(self._ledger, deal.deal_id), Breath()
        for _ in made.summed():
            breath.take()
        return made.answer
