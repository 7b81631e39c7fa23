"""Real scanners in one process, fed with codes instead of pictures: JSON lines in, JSON lines out.

    python -m drill.lane_host DEAL NAME=DIR ...

Everything but the camera is the scanner's own. `{"n": 7, "lane": NAME, "code": CODE}` is a code
held before one, answered in its own time under the same `n`; without one it says where it stands.
`{"follow": true}` asks for a word of each scanner once it knows that DEAL is void.
"""

from __future__ import annotations

import contextlib
import json
import os
import pty
import queue
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TextIO, TypeAlias

from admission.errors import AdmissionError
from admission.scans import Direction
from scanner_client.announcer import Announcer
from scanner_client.checkin import CheckIn, Shown, Terms
from scanner_client.company import Company
from scanner_client.scanner import SYNC_WITHIN_S, Scanner, open_scanner

LOOK_EVERY_S: Final = 0.02

Asked: TypeAlias = dict[str, Any]
Said: TypeAlias = dict[str, Any]

_out = threading.Lock()


def main(deal_id: str, places: list[str]) -> None:
    """Run these scanners until standard input ends."""
    stop = threading.Event()
    with ExitStack() as stack, _screen() as screen:
        lanes = {}
        for place in places:
            name, _, directory = place.partition("=")
            scanner = stack.enter_context(open_scanner(Path(directory), screen, screen))
            lanes[name] = stack.enter_context(_Lane(name, scanner, stop))
            # One after the other: in one process they would only be in each other's way.
            lanes[name].await_replica()
            say({"ready": name})
        for line in sys.stdin:
            asked = json.loads(line)
            if asked.get("follow"):
                threading.Thread(target=_follow, args=(lanes, deal_id), daemon=True).start()
            else:
                lanes[asked["lane"]].asked.put(asked)
        for lane in lanes.values():
            lane.end()
        sys.stdout.flush()
    # Threads of the scanners may be waiting for the network.
    os._exit(0)


def say(said: Said) -> None:
    """Write one line."""
    with _out:
        sys.stdout.write(json.dumps(said) + "\n")
        sys.stdout.flush()


@contextlib.contextmanager
def _screen() -> Iterator[TextIO]:
    """Give a terminal that scanners write to: a broadcast is shown on one, or nowhere."""
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w", encoding="utf-8") as screen:
        threading.Thread(target=_look_at, args=(ours,), daemon=True).start()
        yield screen


def _look_at(terminal: int) -> None:
    with contextlib.suppress(OSError):
        while os.read(terminal, 65536):
            pass


@dataclass
class _Lane:
    """One scanner with a thread that shows it codes, one after the other."""

    name: str
    scanner: Scanner
    stop: threading.Event
    asked: queue.SimpleQueue[Asked | None] = field(default_factory=queue.SimpleQueue)
    _stack: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> _Lane:
        scanner = self.scanner
        enters = scanner.check_in(Terms(scanner.mode(None)))
        leaves = scanner.check_in(Terms(direction=Direction.EXIT))
        announcer = Announcer(
            scanner.broadcasts,
            scanner.presenter,
            scanner.settings.broadcasts,
            now=scanner.clock.now,
            zone=lambda: scanner.zone,
        )
        self._stack.enter_context(announcer)
        self._stack.enter_context(Company(scanner, enters, scanner.presenter, self.stop))
        self._thread = threading.Thread(
            target=self._run, args=(enters, leaves), daemon=True, name=self.name
        )
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def await_replica(self) -> None:
        """Wait until its first download is in, or for as long as one may take."""
        until_s = time.monotonic() + SYNC_WITHIN_S
        while not self.scanner.replica.revision and time.monotonic() < until_s:
            time.sleep(LOOK_EVERY_S * 10)

    def end(self) -> None:
        """Answer what was asked before, then no more."""
        self.asked.put(None)
        self._thread.join()

    def _run(self, enters: CheckIn, leaves: CheckIn) -> None:
        while (asked := self.asked.get()) is not None:
            try:
                if "code" not in asked:
                    said = self._status()
                else:
                    said = self._scan(leaves if asked.get("leaves") else enters, asked["code"])
            except AdmissionError as error:
                said = {"problem": str(error)}
            say({"n": asked["n"], "lane": self.name} | said)

    def _scan(self, check_in: CheckIn, code: str) -> Said:
        begun_s = time.monotonic()
        shown = check_in.check_in(code)
        took_s = time.monotonic() - begun_s
        check_in.seen(shown)
        return {"took_s": took_s, "ended_s": time.monotonic()} | _said(shown)

    def _status(self) -> Said:
        scanner = self.scanner
        return {
            "online": scanner.contact.connectivity.link.online,
            "waiting": scanner.journal.depth().waiting,
            "parked": scanner.journal.depth().parked,
            "revision": scanner.replica.revision,
        }


def _said(shown: Shown) -> Said:
    answer = shown.answer
    if answer is None:
        return {"problem": shown.problem or shown.message.en}
    return {
        "nonce": shown.nonce,
        "outcome": shown.outcome.value,
        "reason": answer.reason.value,
        "people": answer.admitted,
        "at": answer.decided_at.isoformat(),
        "offline": shown.offline,
        "tickets": [ticket.code for ticket in answer.tickets or ()],
    }


def _follow(lanes: dict[str, _Lane], deal_id: str) -> None:
    """Say of each scanner when its replica knows of the void."""
    left = dict(lanes)
    while left:
        for name, lane in list(left.items()):
            deals = lane.scanner.replica.standing.deals.values()
            if any(line.deal.deal_id == deal_id and line.void is not None for line in deals):
                say({"voided": name, "at_s": time.monotonic()})
                del left[name]
        time.sleep(LOOK_EVERY_S)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
