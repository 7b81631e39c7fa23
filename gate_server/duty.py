"""Carry messages to whoever is on duty, and requests to platforms; the feeder's task of that name.

Each message has a thread of its own, so that one that nobody takes keeps no other waiting. What is
to be sent, and what its end means, the server decides.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from queue import Empty, SimpleQueue
from typing import Final
from urllib.parse import urlsplit

import msgspec

from admission.errors import FeedError, InvalidInput, LedgerError
from gate_server.commands.duty import Outcomes, Sender
from gate_server.commands.services import Caller
from gate_server.duty_forms import Message, Outcome, read_answer, write_posting
from gate_server.feeds.http import Limits, PlatformHttp
from gate_server.ledger.ledger import utc_now

LIMITS: Final = Limits(connect_s=5.0, silence_s=10.0, whole_s=10.0, most_bytes=1 << 16)
LOOK_S: Final = 2.0
"""Between two looks for something new; while messages are on their way, LOOK_AGAIN_S."""
LOOK_AGAIN_S: Final = 0.2

log = logging.getLogger("gatehouse.duty")


class DutyTask:
    """Fetches what is to be sent, sends it, and says what came of it."""

    name = "duty"

    def __init__(self) -> None:
        self._sender = secrets.token_hex(8)
        self._look_at = 0.0
        self._ended: SimpleQueue[Outcome] = SimpleQueue()
        self._kept: list[Outcome] = []
        self._under_way: dict[str, threading.Thread] = {}

    def due_s(self) -> float:
        """Return the seconds until it should look again."""
        return self._look_at - time.monotonic()

    def run(self, caller: Caller) -> None:
        """Tell the server what came of messages, and begin to send the next.

        Raises:
            AdmissionError: the server could not be asked; what ended meanwhile is kept.
        """
        self._look_at = time.monotonic() + LOOK_S
        self._settle(caller)
        found = caller.call("duty due", Sender(sender=self._sender))
        for message in msgspec.convert(found, list[Message]):
            thread = threading.Thread(
                target=self._send, args=(message,), name="duty message", daemon=True
            )
            self._under_way[message.message_id] = thread
            thread.start()
        if self._under_way:
            self._look_at = time.monotonic() + LOOK_AGAIN_S

    def _settle(self, caller: Caller) -> None:
        while True:
            try:
                self._kept.append(self._ended.get_nowait())
            except Empty:
                break
        if not self._kept:
            return
        try:
            caller.call("duty settle", Outcomes(outcomes=self._kept))
        except LedgerError as error:
            log.warning("what came of %d messages is told again: %s", len(self._kept), error)
            raise
        for outcome in self._kept:
            self._under_way.pop(outcome.message_id, None)
        self._kept = []

    def _send(self, message: Message) -> None:
        outcome = send(message)
        if outcome.problem is not None:
            log.warning("%s was not taken: %s", message.message_id, outcome.problem)
        self._ended.put(outcome)


def send(message: Message, *, limits: Limits = LIMITS) -> Outcome:
    """Send one message; whatever happens is an outcome, in our own words."""
    posting = write_posting(message, utc_now())
    parts = urlsplit(posting.url)
    path = posting.url.partition(parts.netloc)[2]
    try:
        http = PlatformHttp(f"{parts.scheme}://{parts.netloc}", "", limits=limits)
    except InvalidInput as error:
        return Outcome(message_id=message.message_id, problem=error.problem)
    try:
        answer = http.send("POST", path, posting.body, posting.headers)
    except FeedError as error:
        return Outcome(message_id=message.message_id, problem=_words(error))
    finally:
        http.close()
    return read_answer(message.message_id, message.form, answer.status, answer.headers, answer.body)


def _words(error: FeedError) -> str:
    # Who is called is no platform that sells.
    return str(error).replace("the platform", "it")
