"""Say between scans what supervisors tell: never over a verdict, an important one again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from admission import wire
from admission.broadcasts import Priority
from scanner_client.broadcasts import Broadcasts, BroadcastSettings
from scanner_client.checkin import Shown
from scanner_client.legible import legible
from scanner_client.presenter import Outlook, Presenter
from scanner_client.venue_time import tell_clock

TICK_S: Final = 0.2
# A code was seen and its verdict is on its way; at most so long is waited for it.
VERDICT_WITHIN_S: Final = 5.0


class Announcer:
    """An output that shows no verdict: it waits for a gap between them. Safe for several threads.

    Args:
        now: the server's time, as well as it is known.
        zone: the venue's, as far as it is known.
        monotonic: seconds that only go forward.
    """

    def __init__(
        self,
        broadcasts: Broadcasts,
        presenter: Presenter,
        settings: BroadcastSettings,
        *,
        now: Callable[[], datetime],
        zone: Callable[[], ZoneInfo | None],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._broadcasts, self._presenter, self._settings = broadcasts, presenter, settings
        self._now, self._zone, self._monotonic = now, zone, monotonic
        self._quiet_until_s = float("-inf")
        self._said_at_s: dict[str, float] = {}
        self._over = threading.Event()

    def __enter__(self) -> None:
        threading.Thread(target=self._run, daemon=True, name="announce").start()

    def __exit__(self, *_: object) -> None:
        self._over.set()

    def reading(self) -> None:
        """Keep quiet: a verdict follows."""
        self._quiet_until_s = self._monotonic() + VERDICT_WITHIN_S

    def show(self, _: Shown) -> None:
        """Keep quiet while staff read a verdict."""
        self._quiet_until_s = self._monotonic() + self._settings.quiet_s

    def show_link(self, _: Outlook) -> None:
        """Say nothing of it: others do."""

    def report(self, _: str) -> None:
        """Say nothing of it: others do."""

    def look(self) -> None:
        """Say one broadcast that is due, if nobody is looking at a verdict."""
        now_s = self._monotonic()
        if now_s < self._quiet_until_s:
            return
        current = self._broadcasts.current(self._now())
        self._said_at_s = {
            each.broadcast_id: self._said_at_s[each.broadcast_id]
            for each in current
            if each.broadcast_id in self._said_at_s
        }
        due = next((each for each in current if self._is_due(each, now_s)), None)
        if due is None:
            return
        self._said_at_s[due.broadcast_id] = now_s
        line = tell_broadcast(due, self._zone())
        self._presenter.announce(line, loud=due.priority is Priority.HIGH)
        # What went into a log only, nobody has seen.
        if self._presenter.on_screen or self._settings.shown_elsewhere:
            self._broadcasts.shown(due.broadcast_id)

    def _is_due(self, told: wire.BroadcastEvent, now_s: float) -> bool:
        said_at_s = self._said_at_s.get(told.broadcast_id)
        if said_at_s is None:
            return True
        again = now_s - said_at_s >= self._settings.repeat_s
        return again and told.priority is Priority.HIGH

    def _run(self) -> None:
        while not self._over.wait(TICK_S):
            self.look()


def tell_broadcast(told: wire.BroadcastEvent, zone: ZoneInfo | None) -> str:
    """Return a broadcast as one line that cannot steer a terminal."""
    word = "IMPORTANT 重要通知" if told.priority is Priority.HIGH else "NOTICE 通知"
    zh, en = legible(told.message.zh), legible(told.message.en)
    return f"{word} {tell_clock(told.made_at, zone)}: {zh} {en}"
