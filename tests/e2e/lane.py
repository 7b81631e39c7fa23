"""A scanner at a lane, fed with codes instead of pictures: one JSON line in, one JSON line out.

    python tests/e2e/lane.py DIR [SECONDS BY WHICH ITS CLOCK IS WRONG]

Everything but the camera is the real scanner. `{"scan": CODE}` answers with what staff are shown;
`jump` moves the wall clock, `limit` is the largest size of a file, as a full disk is one.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from admission.errors import AdmissionError
from admission.wire import AnnulRequest
from scanner_client.checkin import Terms
from scanner_client.clock import SteadyClock
from scanner_client.running import Company
from scanner_client.scanner import Scanner, open_scanner


class WrongClock:
    """The wall clock of this machine, wrong by so much."""

    def __init__(self, wrong_s: float) -> None:
        self.wrong = timedelta(seconds=wrong_s)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.wrong


def main(directory: Path, wrong_s: float = 0.0) -> None:
    clock = WrongClock(wrong_s)
    assert SteadyClock.__init__.__kwdefaults__ is not None
    SteadyClock.__init__.__kwdefaults__["wall"] = clock
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    stop = threading.Event()
    with open_scanner(directory, sys.stderr, sys.stderr) as scanner:
        check_in = scanner.check_in(Terms())
        with Company(scanner, check_in, scanner.presenter, stop):
            for line in sys.stdin:
                asked = json.loads(line)
                try:
                    said = answer(scanner, check_in, asked, clock)
                except AdmissionError as error:
                    said = {"error": str(error)}
                sys.stdout.write(f"{json.dumps(said)}\n")
                sys.stdout.flush()
    # Its threads may be waiting for the network.
    os._exit(0)


def answer(scanner: Scanner, check_in: Any, asked: dict[str, Any], clock: WrongClock) -> Any:
    if "scan" in asked:
        return scan(check_in, asked["scan"])
    if "limit" in asked:
        most = asked["limit"] or resource.RLIM_INFINITY
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))
    elif "jump" in asked:
        clock.wrong += timedelta(seconds=asked["jump"])
    elif "annul" in asked:
        request = AnnulRequest(reason="did not pass")
        scanner.annulment().annul(asked["annul"], request)
    depth, link = scanner.journal.depth(), scanner.contact.connectivity.link
    return {
        "online": link.online,
        "waiting": depth.waiting,
        "parked": depth.parked,
        "revision": scanner.replica.revision,
        "epoch": scanner.replica.epoch,
        "alarms": scanner.contact.alarms.raised,
    }


def scan(check_in: Any, code: str) -> Any:
    began_s = time.monotonic()
    shown = check_in.check_in(code)
    said = {
        "code": code,
        "nonce": shown.nonce,
        "outcome": shown.outcome.value,
        "offline": shown.offline,
        "problem": shown.problem,
        "reason": None if shown.answer is None else shown.answer.reason.value,
        "people": 0 if shown.answer is None else shown.answer.admitted,
        "at": time.time(),
        "took_s": time.monotonic() - began_s,
    }
    check_in.seen(shown)
    return said


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(float, sys.argv[2:]))
