"""Take what platforms push: read its rows, put them in, and answer the same push the same way."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from hashlib import sha256
from threading import Lock
from typing import Final

import msgspec

from admission.errors import FeedRejected, InvalidInput, LedgerConflict, LedgerUnavailable
from admission.rows import RowReader
from admission.wire_base import read
from admission.wire_feeds import MOST_PUSH_ROWS, PushAnswer, PushEnvelope, RowProblem
from gate_server.breath import Breath
from gate_server.feeds.contract import Kind, Part, SourceRow
from gate_server.intake import Taken, prepare, retry, take
from gate_server.keyring import Keyring
from gate_server.ledger.feeds import Feed, note_failed
from gate_server.ledger.ledger import Ledger
from gate_server.ledger.prepared import Preparer
from gate_server.ledger.pushes import KeptPush, find_push, keep_push
from gate_server.ledger.session import Session
from gate_server.settings import Settings

AHEAD: Final = timedelta(minutes=5)
"""So far ahead of our clock may a push's timestamp be."""
MOST_WAITING: Final = 16
LONGEST_WAIT_S: Final = 20.0
RETRIED_AT_ONCE: Final = 500
_SHOWN_ID: Final = 60
_KEY: Final = re.compile(rb'"\s*:')
_KEYS_OF_ENVELOPE: Final = 3

_rows = msgspec.json.Decoder(dict[str, str | int | float | bool | None])
_encode = msgspec.json.encode


class Pushes:
    """Takes pushes one after the other: reading many rows takes the interpreter from live scans.

    Attributes:
        waiting: pushes that are being taken or wait for their turn.
    """

    def __init__(self, ledger: Ledger, keys: Keyring, settings: Settings) -> None:
        self._ledger = ledger
        self._keys = keys
        self._most_aside = settings.feeds.set_aside
        self._count = Lock()
        self._turn = Lock()
        self.waiting = 0

    def take(self, feed: Feed, webhook_id: str, body: bytes) -> bytes:
        """Take a push whose signature was verified, and return its answer as JSON.

        The same again, be it while the first is still under way, gets the first answer. After a
        crash half way it is taken anew, which comes to the same.

        Raises:
            InvalidInput: it cannot be read; the feed counts a failure.
            LedgerConflict: `push-reused`: another body came under this id.
            LedgerUnavailable: too many wait, or the ledger cannot write; nothing is lost.
        """
        with self._one_at_a_time():
            now, digest = self._ledger.clock(), sha256(body).digest()
            first = self._ledger.read(lambda db: find_push(db, feed.feed_id, webhook_id, now=now))
            if first is not None:
                return _same(first, digest)
            part = self._part(feed, webhook_id, body, now)
            return self._take(feed, webhook_id, part, digest)

    @contextmanager
    def _one_at_a_time(self) -> Iterator[None]:
        busy = "other pushes are being taken; send the same again"
        with self._count:
            if self.waiting >= MOST_WAITING:
                raise LedgerUnavailable(busy)
            self.waiting += 1
        try:
            if not self._turn.acquire(timeout=LONGEST_WAIT_S):
                raise LedgerUnavailable(busy)
            try:
                yield
            finally:
                self._turn.release()
        finally:
            with self._count:
                self.waiting -= 1

    def _part(self, feed: Feed, webhook_id: str, body: bytes, now: datetime) -> Part:
        try:
            return read_push(body, webhook_id, now=now)
        except InvalidInput as error:
            problem = f"a push cannot be read: {error}"
            self._ledger.write(
                lambda tx: note_failed(tx, feed.feed_id, problem, now=now), alone=True
            )
            raise

    def _take(self, feed: Feed, webhook_id: str, part: Part, digest: bytes) -> bytes:
        ledger, keys, breath = self._ledger, self._keys, Breath()
        answers: list[bytes] = []

        def keep(tx: Session, taken: Taken) -> None:
            answers[:] = [_answer(taken)]
            kept = KeptPush(digest, answers[0].decode())
            keep_push(tx, feed.feed_id, webhook_id, kept, now=tx.clock())

        platforms = {deal.deal_id: deal.platform for deal in ledger.catalogue.deals.values()}
        preparer = Preparer(keys, platforms, now=ledger.clock(), platform=feed.platform)
        prepared = prepare(part, preparer, RowReader(ledger.venue), pause=breath.take)
        most = self._most_aside
        take(ledger, keys, feed, prepared, by=feed.name, also=keep, most_aside=most)
        retry(ledger, keys, feed, most=RETRIED_AT_ONCE, pause=breath.take, most_aside=most)
        return answers[0]


def read_push(body: bytes, webhook_id: str, *, now: datetime) -> Part:
    """Read a push, each of its rows by itself: a wrong one spoils no other.

    Raises:
        InvalidInput: it is not what `PushRequest` describes, or its time is ahead of ours.
    """
    envelope = read(PushEnvelope, body)
    if envelope.timestamp > now + AHEAD:
        raise InvalidInput("timestamp", "is more than 5 minutes ahead of the gate server's clock")
    if len(envelope.data) > MOST_PUSH_ROWS:
        raise InvalidInput("data", f"has more than {MOST_PUSH_ROWS} rows; send several pushes")
    breath, name = Breath(), webhook_id[:_SHOWN_ID]
    rows, around, end = [], bytearray(), 0
    for number, raw in enumerate(envelope.data, 1):
        text = bytes(raw)
        rows.append(_row(f"push {name} row {number}", text))
        begin = body.find(text, end)
        around += body[end:begin]
        end = begin + len(text)
        breath.take()
    if len(_KEY.findall(around + body[end:])) != _KEYS_OF_ENVELOPE:
        raise InvalidInput("", "a field stands twice")
    return Part(Kind(envelope.type), rows, envelope.timestamp, whole=True)


def _row(place: str, text: bytes) -> SourceRow:
    try:
        row = _rows.decode(text)
        if len(_KEY.findall(text)) != len(row):
            json.loads(text, object_pairs_hook=_once)
    except (msgspec.DecodeError, RecursionError) as error:
        # Only what is wrong with it is kept: it could not be tried again.
        problem = FeedRejected("", f"is not an object of texts and numbers: {error}")
        return SourceRow(place, {"": sha256(text).hexdigest()}, problem=problem)
    except FeedRejected as problem:
        return SourceRow(place, row, problem=problem)
    return SourceRow(place, row)


def _once(pairs: list[tuple[str, object]]) -> None:
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen:
            raise FeedRejected(name, "stands twice")
        seen.add(name)


def _same(first: KeptPush, digest: bytes) -> bytes:
    if first.body_hash != digest:
        problem = "another body came under this webhook-id before; give each push an id of its own"
        raise LedgerConflict("push-reused", problem)
    return first.answer.encode()


def _answer(taken: Taken) -> bytes:
    rejected = [
        RowProblem(row=each.line, field=each.field, problem=each.problem) for each in taken.rejected
    ]
    return _encode(PushAnswer(accepted=taken.accepted, rejected=rejected))
