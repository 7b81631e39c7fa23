"""Record what scanners decided by themselves: what was shown is what happened."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeAlias

from admission.calendar import to_ms
from admission.codes import CodeRead
from admission.errors import AdmissionError, LedgerUnavailable, NotFound
from admission.history import Record, fold
from admission.offline_lines import check_count, check_known, check_offline_scan, check_stamp
from admission.reconcile import Conflict, ConflictKind, Name
from admission.scan_times import ScanTime, scan_time
from admission.scans import Device, Direction
from admission.verdicts import Reason, Verdict
from admission.wire_outage import (
    BatchAnswer,
    BatchLine,
    OfflineAnnul,
    OfflineCount,
    OfflinePassage,
    OfflineScan,
    OfflineStamp,
    nonce_of,
)
from gate_server.ledger.changes import count_records
from gate_server.ledger.claims import claim_of_line
from gate_server.ledger.conflicts import (
    conflicts_of,
    fits_alone,
    open_conflict,
    reconcile,
    reconcile_scan,
)
from gate_server.ledger.corrections import (
    Actor,
    all_records,
    annul_scan,
    get_scan,
    record_passage,
    row_of,
)
from gate_server.ledger.counts import annul_count, find_count, record_count
from gate_server.ledger.journal_heads import Link, note_clone
from gate_server.ledger.lanes import correction
from gate_server.ledger.offline_parts import keys_of, pick_one, verdict_of
from gate_server.ledger.scans import (
    NewScan,
    StoredScan,
    VoucherRow,
    find_scan,
    find_vouchers,
    record_scan,
    records_of,
    records_of_code,
    terms_of,
)
from gate_server.ledger.session import Session
from gate_server.ledger.tallies import Delta


@dataclass(frozen=True, slots=True)
class Taken:
    """One line of a batch, read and placed; `code` is read where the line has one."""

    line: BatchLine
    link: Link
    code: CodeRead | None = None


Decide: TypeAlias = Callable[[OfflineStamp, CodeRead | None, datetime], int | None]
"""Decides about a stamp as of when it was made, records it, and returns its scan_id."""


class Recorder:
    """Records the lines of one device inside the ledger's transaction.

    Args:
        received_at: of the batch.
        most_arrivals: new ones a minute that are not odd; 0: nobody looks.
    """

    def __init__(
        self,
        tx: Session,
        device: Device,
        received_at: datetime,
        decide: Decide,
        *,
        most_arrivals: int = 0,
    ) -> None:
        self._tx = tx
        self._device = device
        self._received_at = received_at
        self._decide = decide
        self._most_arrivals = most_arrivals

    def take(self, taken: Taken) -> BatchAnswer:
        """Record one line; what cannot be recorded is an answer, not an error."""
        line = taken.line
        nonce = nonce_of(line)
        try:
            status, conflicts = self._record(taken)
        except AdmissionError as error:
            # Whatever is raised is raised before anything of the line was written.
            return BatchAnswer(nonce=nonce, status="rejected", problem=str(error))
        return BatchAnswer(nonce=nonce, status=status, conflicts=conflicts)  # type: ignore[arg-type]

    def _record(self, taken: Taken) -> tuple[str, list[str]]:
        line = taken.line
        self._note_clone(line)
        time = self._time(line, taken.link)
        if isinstance(line, OfflineAnnul):
            return self._annul(line, time)
        if isinstance(line, OfflinePassage):
            return self._passage(line)
        if isinstance(line, OfflineCount):
            return self._count(line, time)
        stored = find_scan(self._tx, self._device.device_id, nonce_of(line))
        if isinstance(line, OfflineStamp):
            # On record already: sent again, or answered online while nobody heard the answer.
            return ("replayed", []) if stored else ("accepted", self._stamp(line, taken, time))
        check_offline_scan(line, self._device.profile)
        if stored is not None:
            check_known(line, stored.record)
            return self._known(line, stored)
        return "accepted", self._scan(line, taken, time)

    def _time(self, line: BatchLine, link: Link) -> ScanTime:
        by = self._received_at
        if link.bounded_at is not None:
            by = min(by, link.bounded_at)
        return scan_time(line.scanned_at, link.offset_ms, contact_at=link.contact_at, by=by)

    def _note_clone(self, line: BatchLine) -> None:
        """Report a sequence number that stands on two different lines."""
        if line.seq is None or line.head is None:
            return
        device_id = self._device.device_id
        sql = "SELECT head FROM offline_scans WHERE device_id = ? AND seq = ?"
        known = self._tx.db.execute(sql, (device_id, line.seq)).fetchone()
        if known is not None and known[0] != line.head:
            note_clone(self._tx, device_id, {"seq": line.seq}, self._received_at)

    def _operator(self, line: BatchLine) -> str | None:
        named = None if isinstance(line, OfflinePassage) else line.operator
        return self._tx.catalogue.operator_named(named) if named else None

    # --- scans -----------------------------------------------------------------------------------

    def _new(self, line: OfflineScan, code: CodeRead | None, at: datetime) -> NewScan:
        device, gates = self._device, self._tx.catalogue.gates
        new = NewScan(
            device,
            gates.get(line.gate_id or device.gate_id) or gates[device.gate_id],
            line.nonce,
            line.mode,
            line.direction,
            line.party,
            self._received_at,
            at,
            line.scanned_at,
            self._operator(line),
            offline=True,
            watched=line.watched,
        )
        keys = keys_of(line, code)
        new.row = pick_one(line, find_vouchers(self._tx, keys))
        if new.row is not None:
            new.credential_key, new.tail = new.row.credential_key, new.row.voucher.tail
        else:
            new.credential_key = keys[0] if keys else None
            new.tail = line.tail or (code.tail if code is not None else None)
        return new

    def _scan(self, line: OfflineScan, taken: Taken, time: ScanTime) -> list[str]:
        tx, verdict = self._tx, verdict_of(line)
        new = self._new(line, taken.code, time.at)
        records = self._records(new)
        history = fold(records, terms_of(new.row), tx.venue)
        decided_on = line.replica_revision
        detail: dict[str, object] = {} if decided_on is None else {"replica_revision": decided_on}
        if line.watched:
            detail["passage"] = True
        claimed = claim_of_line(tx, line, new)
        detail |= claimed.detail
        scan_id = record_scan(
            tx,
            new,
            verdict,
            detail,
            history=history,
            records=records,
            arrival_number=line.arrival_number,
        )
        self._keep(scan_id, line, taken.link)
        claimed.note(tx, new, scan_id, most=self._most_arrivals, now=self._received_at)
        if claimed.missing:
            self._open(ConflictKind.NOT_ATTESTED, line.nonce, new.row, (scan_id,))
        if time.skewed:
            self._open(ConflictKind.CLOCK_SKEW, line.nonce, new.row, (scan_id,))
        told = [ConflictKind.NOT_ATTESTED.value] if claimed.missing else []
        return told + self._conflicts(new, records, verdict, skewed=time.skewed)

    def _stamp(self, line: OfflineStamp, taken: Taken, time: ScanTime) -> list[str]:
        check_stamp(self._device.profile)
        scan_id = self._decide(line, taken.code, time.at)
        if scan_id is None:
            return []
        self._keep(scan_id, line, taken.link)
        if not time.skewed:
            return []
        self._open(ConflictKind.CLOCK_SKEW, line.stamp, None, (scan_id,))
        return [ConflictKind.CLOCK_SKEW.value]

    def _records(self, new: NewScan) -> list[Record]:
        if new.row is not None:
            return [record for record, _ in records_of(self._tx, new.row)]
        if new.credential_key is None:
            return []
        return [record for record, _ in records_of_code(self._tx, new.credential_key)]

    def _keep(self, scan_id: int, line: OfflineScan | OfflineStamp, link: Link) -> None:
        self._tx.db.execute(
            "INSERT INTO offline_scans VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                scan_id,
                self._device.device_id,
                line.boot_id,
                line.seq,
                line.head,
                int(link.proven),
                to_ms(line.scanned_at),
                None if link.contact_at is None else to_ms(link.contact_at),
                None if link.bounded_at is None else to_ms(link.bounded_at),
                line.replica_revision if isinstance(line, OfflineScan) else None,
            ),
        )

    def _conflicts(
        self, new: NewScan, records: list[Record], verdict: Verdict, *, skewed: bool
    ) -> list[str]:
        kinds = [ConflictKind.CLOCK_SKEW.value] if skewed else []
        if not verdict.people and not any(record.passed for record in records):
            return kinds
        if not records and fits_alone(self._tx, new.row, new.record(verdict)):
            return kinds
        found = reconcile(self._tx, new.row, new.credential_key, now=self._received_at)
        return [*kinds, *self._kinds_of(new.nonce, found)]

    def _kinds_of(self, nonce: str, found: tuple[Conflict, ...]) -> list[str]:
        name = Name(self._device.device_id, nonce)
        return list(dict.fromkeys(each.kind.value for each in found if name in each.scans))

    def _open(
        self, kind: ConflictKind, nonce: str, row: VoucherRow | None, scans: tuple[int, ...]
    ) -> None:
        device_id = self._device.device_id
        open_conflict(
            self._tx,
            kind,
            f"{kind}:{device_id}/{nonce}",
            device_id=device_id,
            row=row,
            scans=scans,
            now=self._received_at,
        )

    # --- what is on record already ---------------------------------------------------------------

    def _known(self, line: OfflineScan, stored: StoredScan) -> tuple[str, list[str]]:
        """Take a nonce that is on record: sent again, or answered while nobody heard the answer."""
        verdict, record = verdict_of(line), stored.record
        known = {(record.reason, record.people), (Reason.OVERRIDDEN, record.overridden)}
        if stored.offline or (verdict.reason, verdict.people) in known:
            return "replayed", []
        tx, scan_id = self._tx, stored.scan_id
        revision = tx.record_event(
            "shown",
            {
                "scan_id": scan_id,
                "reason": verdict.reason.value,
                "people": verdict.people,
                "device_id": self._device.device_id,
            },
        )
        row = row_of(tx, stored)
        records = all_records(tx, stored, row)
        tx.db.execute(
            "UPDATE scans SET shown_reason = ?, shown_people = ?, shown_at = ?, corrected = ?"
            " WHERE scan_id = ?",
            (verdict.reason.value, verdict.people, to_ms(self._received_at), revision, scan_id),
        )
        changed = replace(record, reason=verdict.reason, people=verdict.people)
        tx.count_lane(correction(record, changed, stored.operator))
        self._recount(changed, row, records)
        self._open(ConflictKind.ANSWER_DIFFERS, line.nonce, row, (scan_id,))
        found = reconcile_scan(tx, record, stored.credential_key, now=self._received_at)
        return "accepted", [ConflictKind.ANSWER_DIFFERS.value, *self._kinds_of(line.nonce, found)]

    def _recount(self, changed: Record, row: VoucherRow | None, records: list[Record]) -> None:
        before = next(
            each
            for each in records
            if (each.device_id, each.nonce) == (changed.device_id, changed.nonce)
        )
        after = [changed if each is before else each for each in records]
        deal_no = None if row is None else row.deal.deal_no
        delta = Delta(
            to_ms(changed.passed_at), changed.gate_id, changed.reason.value, deal_no=deal_no
        )
        more = changed.passed - before.passed
        if changed.direction is Direction.EXIT:
            delta.left_out = more
        else:
            delta.entered = more
        history = fold(records, terms_of(row), self._tx.venue)
        count_records(self._tx, history, after, deal_no, delta)

    # --- annulments and counts -------------------------------------------------------------------

    def _annul(self, line: OfflineAnnul, time: ScanTime) -> tuple[str, list[str]]:
        device_id = self._device.device_id
        if find_scan(self._tx, device_id, line.annul) is None:
            return self._annul_count(line)
        before = get_scan(self._tx, device_id, line.annul)
        after = annul_scan(
            self._tx,
            device_id,
            line.annul,
            people=line.people,
            reason=line.reason,
            # The scanner has looked at the time; what it took back is taken back.
            by=Actor(device_id, told_late=True, operator=self._operator(line)),
            now=max(time.at, before.record.passed_at),
        )
        if after.record.annulled == before.record.annulled:
            return "replayed", []
        return "accepted", []

    def _passage(self, line: OfflinePassage) -> tuple[str, list[str]]:
        tx, device_id, nonce = self._tx, self._device.device_id, line.passage
        before = get_scan(tx, device_id, nonce).record
        after = record_passage(
            tx, device_id, nonce, people=line.people, now=self._received_at
        ).record
        if after == before:
            return "replayed", []
        kinds = conflicts_of(tx, device_id, nonce) if before.moved or before.annulled else []
        return "accepted", kinds

    def _annul_count(self, line: OfflineAnnul) -> tuple[str, list[str]]:
        device_id = self._device.device_id
        count = find_count(self._tx, device_id, line.annul)
        if count is None:
            raise NotFound(f"this device has no scan or count with the nonce {line.annul}")
        after = annul_count(
            self._tx,
            count,
            people=line.people,
            reason=line.reason,
            by=Actor(device_id, told_late=True, operator=self._operator(line)),
            now=self._received_at,
        )
        return ("replayed" if after.annulled == count.annulled else "accepted"), []

    def _count(self, line: OfflineCount, time: ScanTime) -> tuple[str, list[str]]:
        device = self._device
        check_count(device.profile)
        _, replayed = record_count(
            self._tx,
            device.device_id,
            line.nonce,
            gate_id=line.gate_id if line.gate_id in self._tx.catalogue.gates else device.gate_id,
            kind=line.kind,
            people=line.people,
            direction=line.direction,
            now=time.at,
            operator=self._operator(line),
        )
        return ("replayed" if replayed else "accepted"), []


def is_line_to_blame(error: LedgerUnavailable) -> bool:
    """Say whether the ledger refused what was written, so that it would refuse it for ever."""
    return isinstance(error.__cause__, sqlite3.IntegrityError | sqlite3.DataError)
