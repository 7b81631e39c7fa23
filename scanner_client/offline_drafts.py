"""Put what was decided into the line that is recorded and handed over."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import replace as with_changes
from datetime import datetime

from msgspec.structs import replace

from admission import wire
from admission.arrival_rates import is_new
from admission.arrivals import find_number, is_numbered
from admission.calendar import Venue
from admission.codes import CodeForm, CodeRead
from admission.history import Record, fold
from admission.moves import with_moves
from admission.replica_columns import key_text
from admission.scans import Gate, Mode
from admission.uses import NO_SHARE, Share
from admission.wire_outage import OfflineScan, OfflineVerdict
from scanner_client.journal_rows import Draft, signed
from scanner_client.offline_answers import Decision
from scanner_client.offline_case import Gathered
from scanner_client.state import Told


@dataclass(frozen=True, slots=True)
class Key:
    """What a scan is recorded under, as the server would: of a payment code, nothing."""

    key: bytes | None = None
    platform: str = ""
    tail: str | None = None
    deal_no: int | None = None


@dataclass(frozen=True, slots=True)
class Where:
    """Which device stands where, since which start of its machine."""

    told: Told
    gate: Gate
    boot_id: str


def key_of(read: CodeRead, gathered: Gathered) -> Key:
    """Return what a scan of a code is recorded under."""
    held = gathered.held
    if len(held) == 1:
        one = held[0]
        return Key(one.credential_key, one.platform, one.voucher.tail or None, one.deal.deal_no)
    if not read.keys or (read.form is CodeForm.PAYMENT and not held):
        return Key()
    return Key(read.keys[0], "", read.tail)


def record_of(request: wire.ScanRequest, decision: Decision, gate: Gate, told: Told) -> Record:
    """Return what a fold will see of a scan."""
    return Record(
        device_id=told.device_id,
        nonce=request.nonce,
        scan_at=decision.decided_at,
        gate_id=gate.gate_id,
        area=gate.area,
        reason=decision.verdict.reason,
        mode=request.mode,
        direction=request.direction,
        people=decision.verdict.people,
        party=request.party,
        staffed=told.staffed,
        turned=0 if request.passage else None,
        attested_at=None if decision.attested is None else decision.attested.at,
    )


def draft_of(request: wire.ScanRequest, decision: Decision, record: Record, key: Key) -> Draft:
    """Return what is recorded of a scan that was decided here."""
    verdict = decision.verdict
    shown = OfflineVerdict(outcome=verdict.outcome, reason=verdict.reason, admitted=verdict.people)
    line = replace(
        _line(request, shown, key, decision.decided_at),
        gate_id=record.gate_id,
        replica_revision=decision.revision,
        remaining=verdict.remaining,
        void_version=verdict.void_version,
        online=decision.replayed,
    )
    return Draft(
        line=line,
        gate_id=record.gate_id,
        area=record.area,
        platform=key.platform,
        staffed=record.staffed,
        deal_no=key.deal_no,
        revision=decision.revision if decision.replayed else None,
        arrives=decision.fresh and is_new(verdict.reason, request.mode),
    )


def placed(draft: Draft, record: Record, gathered: Gathered, venue: Venue) -> Draft:
    """Add to a draft what it changes of the counts, and an arrival's number."""
    line, one = draft.line, gathered.one
    if line.mode is Mode.ARRIVE and is_numbered(record.reason):
        number = find_number(
            gathered.stamps,
            venue,
            voucher=one.voucher if one is not None else None,
            party=record.party,
            now=record.scan_at,
        )
        line = replace(line, arrival_number=number)
        draft = with_changes(draft, line=line, numbered=number is None)
    if not record.people:
        return draft
    share = _share(record, gathered, venue)
    return with_changes(draft, inside=share.inside, honoured=share.honoured)


def online_draft(
    request: wire.ScanRequest, answer: wire.ScanAnswer, where: Where, key: Key
) -> Draft:
    """Return what is recorded of a scan that the server decided."""
    shown = OfflineVerdict(outcome=answer.outcome, reason=answer.reason, admitted=answer.admitted)
    line = replace(
        _line(request, shown, key, answer.decided_at),
        boot_id=where.boot_id,
        gate_id=where.gate.gate_id,
        remaining=answer.remaining,
        void_version=answer.void_version,
        arrival_number=answer.arrival_number,
        online=True,
    )
    return Draft(
        line=line,
        gate_id=where.gate.gate_id,
        area=answer.voucher.area if answer.voucher is not None else where.gate.area,
        platform=key.platform,
        staffed=where.told.staffed,
        deal_no=key.deal_no,
        inside=signed(line, answer.admitted),
        revision=answer.ledger_revision,
    )


def _line(
    request: wire.ScanRequest, shown: OfflineVerdict, key: Key, decided_at: datetime
) -> OfflineScan:
    return OfflineScan(
        # By the device's own clock, of which the server measures how far it is off.
        scanned_at=request.scanned_at or decided_at,
        nonce=request.nonce,
        verdict=shown,
        code_key=None if key.key is None else key_text(key.key),
        tail=key.tail,
        mode=request.mode,
        direction=request.direction,
        party=request.party,
        operator=request.operator,
        watched=request.passage,
    )


def _share(record: Record, gathered: Gathered, venue: Venue) -> Share:
    """Return what a scan adds to the counts: persons, not presentations."""
    after = fold(
        with_moves([*gathered.records, record], gathered.terms, venue), gathered.terms, venue
    )
    return after.shares.get((record.device_id, record.nonce), NO_SHARE)
