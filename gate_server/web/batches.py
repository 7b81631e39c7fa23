"""Batches over HTTP: what scanners did while the gate server was away."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from admission import wire
from admission.codes import CodeRead
from admission.errors import InvalidInput, LedgerUnavailable
from admission.scans import Device, Direction, Mode
from admission.wire_outage import (
    NDJSON,
    BatchAnswer,
    BatchLine,
    OfflineAnnul,
    OfflineCount,
    OfflinePassage,
    OfflineScan,
    OfflineStamp,
    nonce_of,
)
from gate_server.breath import Breath
from gate_server.checkin import Presented
from gate_server.ledger.evidence import keep_evidence
from gate_server.ledger.journal_heads import Chains, bound_earlier, keep_tip
from gate_server.ledger.offline import Recorder, Taken, is_line_to_blame
from gate_server.ledger.session import Session
from gate_server.web.callers import DEVICES
from gate_server.web.operations import Call, Noun, Reply
from gate_server.web.services import Services

batches = Noun("batches")

# A slice lasts so long where nobody waits, and ends after the shorter time where somebody does.
MOST_S: Final = 0.005
LEAST_S: Final = 0.0015
MOST_LINES: Final = 100_000

# One batch at a time: what reads many lines takes the interpreter away from live scans.
AT_ONCE: Final = threading.BoundedSemaphore(1)

log = logging.getLogger("gatehouse.web")


@batches.operation(
    "POST",
    "/scans/batch",
    who=DEVICES,
    body=OfflineScan,
    answer=BatchAnswer,
    problems=("evidence-full",),
    content_type=NDJSON,
    lines=True,
    revoked=True,
)
def take_batch(call: Call) -> Reply:
    """Record what a scanner decided by itself; one answer a line, in the order of the lines.

    NDJSON: each line is an offline scan, `{"annul", "scanned_at", "reason"}`, `{"passage",
    "scanned_at", "people"}` (who has turned so far), a count, or `{"stamp": nonce, "scanned_at",
    "code"}`, an arrival that nobody decided about, which is decided now by the time at which it was
    made. What was shown is recorded, never judged again; `conflicts` names what does not fit. A
    line that cannot be read is `rejected` and keeps no other back. The same lines again are
    `replayed`. Lines of a revoked device are kept as untrusted evidence.
    """
    services, device = call.services, call.device
    if call.body.count(b"\n") > MOST_LINES:
        raise InvalidInput("", f"at most {MOST_LINES} lines in a batch")
    texts = call.body.split(b"\n")
    if texts and not texts[-1]:
        texts.pop()
    now = services.ledger.clock()
    if device.revoked:
        answers = _keep_evidence(services, device, texts, now)
    else:
        with AT_ONCE:
            answers = _Batch(services, device, texts, now).record()
    body = b"".join(_encode(answer) + b"\n" for answer in answers)
    return Reply(body, content_type=NDJSON)


def _keep_evidence(
    services: Services, device: Device, texts: list[bytes], now: datetime
) -> list[BatchAnswer]:
    lines = [(_nonce_of(text), text) for text in texts]
    services.ledger.write(
        lambda tx: keep_evidence(tx, device.device_id, lines, now=now), patient=True
    )
    problem = "kept as untrusted evidence: the device was revoked"
    return [BatchAnswer(nonce=nonce, status="accepted", problem=problem) for nonce, _ in lines]


@dataclass(slots=True)
class _Read:
    """One line as it was read, or why it could not be."""

    line: BatchLine | None
    code: CodeRead | None = None
    answer: BatchAnswer | None = None


class _Batch:
    """The lines of one request on their way into the ledger, in slices."""

    def __init__(
        self, services: Services, device: Device, texts: list[bytes], received_at: datetime
    ) -> None:
        self._services = services
        self._device = device
        self._received_at = received_at
        breath = Breath()
        self._read = []
        for text in texts:
            self._read.append(self._read_line(text))
            breath.take()
        ledger = services.ledger
        chains = ledger.read(lambda db: Chains(db, device.device_id, offset_ms=device.offset_ms))
        self._links = chains.links([each.line for each in self._read])
        self._tip = chains.tip

    def _read_line(self, text: bytes) -> _Read:
        try:
            line = read_line(text)
            code = None
            if isinstance(line, OfflineScan | OfflineStamp) and line.code is not None:
                code = self._services.check_in.read(line.code)
        except InvalidInput as error:
            nonce = _nonce_of(text)
            answer = BatchAnswer(nonce=nonce, status="rejected", problem=str(error))
            return _Read(None, None, answer)
        return _Read(line, code)

    def record(self) -> list[BatchAnswer]:
        """Record all lines; each slice is on disk before the next is begun."""
        answers: list[BatchAnswer] = []
        while len(answers) < len(self._read):
            answers += self._slice(len(answers))
        return answers

    def _slice(self, start: int) -> list[BatchAnswer]:
        """Record some lines; one that cannot be recorded keeps no other back for ever.

        Raises:
            LedgerUnavailable: the disk or the queue, not a line, is to blame; send them again.
        """
        ledger, name = self._services.ledger, self._device.name
        for most in (MOST_LINES, 1):
            try:
                return ledger.write(partial(self._take, start, most), patient=True)
            except Exception as error:
                if isinstance(error, LedgerUnavailable) and not is_line_to_blame(error):
                    raise
                log.exception("lines of %s cannot be recorded, %d at once", name, most)
        problem = "a defect of the gate server; its log says more"
        nonce = _name(self._read[start].line)
        return [BatchAnswer(nonce=nonce, status="rejected", problem=problem)]

    def _take(self, start: int, most: int, tx: Session) -> list[BatchAnswer]:
        begun, breath = time.monotonic(), Breath()
        recorder = Recorder(
            tx,
            self._device,
            self._received_at,
            partial(self._decide, tx),
            most_arrivals=self._services.settings.anomalies.most_arrivals,
        )
        answers: list[BatchAnswer] = []
        ledger = self._services.ledger
        for read, link in zip(
            self._read[start : start + most], self._links[start : start + most], strict=True
        ):
            if read.line is None or link is None:
                answers.append(read.answer or BatchAnswer(nonce="", status="rejected"))
            else:
                answers.append(recorder.take(Taken(read.line, link, read.code)))
            worked_s = time.monotonic() - begun
            breath.take()
            if worked_s > MOST_S or (worked_s > LEAST_S and ledger.crowded):
                break
        if start + len(answers) == len(self._read):
            self._finish(tx)
        return answers

    def _decide(
        self, tx: Session, line: OfflineStamp, code: CodeRead | None, at: datetime
    ) -> int | None:
        """Decide about a stamp that nobody decided about; return its scan_id."""
        presented = Presented(
            self._device,
            line.stamp,
            Mode.ARRIVE,
            Direction.ENTRY,
            line.party,
            self._received_at,
            line.scanned_at,
            line.operator,
            code,
            stamped_at=at,
            queue=line.queue,
        )
        return self._services.check_in.run(tx, presented).scan_id

    def _finish(self, tx: Session) -> None:
        """Note how far the device's record has come, and what that proves of earlier lines."""
        device_id, first, link = self._device.device_id, self._read[0].line, self._links[0]
        if self._tip[0]:
            keep_tip(tx, device_id, self._tip)
        if first is None or first.seq is None or link is None or not link.proven:
            return
        if link.bounded_at is not None:
            bound_earlier(tx, device_id, first.seq, link.bounded_at)


class _Peek(Struct):
    """What tells the kinds of lines apart."""

    annul: Raw | UnsetType = UNSET
    stamp: Raw | UnsetType = UNSET
    passage: Raw | UnsetType = UNSET
    kind: Raw | UnsetType = UNSET
    nonce: Raw | UnsetType = UNSET


def read_line(text: bytes) -> BatchLine:
    """Read one line of a batch.

    Raises:
        InvalidInput: see `wire.read`.
    """
    try:
        peek = msgspec.json.decode(text, type=_Peek)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidInput("", "the line is not a JSON object in UTF-8") from error
    if peek.annul is not UNSET:
        return wire.read(OfflineAnnul, text)
    if peek.stamp is not UNSET:
        return wire.read(OfflineStamp, text)
    if peek.passage is not UNSET:
        return wire.read(OfflinePassage, text)
    if peek.kind is not UNSET:
        return wire.read(OfflineCount, text)
    return wire.read(OfflineScan, text)


def _nonce_of(text: bytes) -> str:
    """Return the nonce of a line that may be anything; "" where it has none."""
    try:
        peek = msgspec.json.decode(text, type=_Peek)
        about = (peek.annul, peek.passage, peek.stamp)
        raw = next((each for each in about if each is not UNSET), peek.nonce)
        nonce = "" if raw is UNSET else msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""
    return nonce[:64] if isinstance(nonce, str) else ""


def _name(line: BatchLine | None) -> str:
    return "" if line is None else nonce_of(line)


_encode = msgspec.json.Encoder().encode
