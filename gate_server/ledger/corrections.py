"""What is done about a recorded scan later: annul, override, strike, passage."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from admission.calendar import to_ms
from admission.corrections import (
    check_call,
    check_strike,
    people_to_annul,
    people_to_override,
    people_turned,
)
from admission.errors import InvalidInput, NotFound
from admission.history import Record, fold
from admission.scans import Direction, Mode
from admission.verdicts import Reason
from admission.voids import CostBearer
from gate_server.ledger.changes import count_records
from gate_server.ledger.conflicts import reconcile_scan
from gate_server.ledger.lanes import correction
from gate_server.ledger.recent import answered_calls
from gate_server.ledger.scans import (
    StoredScan,
    VoucherRow,
    find_scan,
    find_voucher,
    find_vouchers,
    records_of,
    records_of_code,
    terms_of,
)
from gate_server.ledger.session import Session
from gate_server.ledger.tallies import Delta
from gate_server.ledger.tickets import Taking, annul_tickets

LEAST_OF_NONCE = 6


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something: a device or a member of staff.

    Attributes:
        supervisor: whether the time limits of a device do not bind.
        told_late: a scanner took it back by itself; nothing that is on record speaks against it.
        operator: who did it at the lane.
    """

    name: str
    supervisor: bool = False
    told_late: bool = False
    operator: str | None = None

    @property
    def person(self) -> dict[str, str]:
        """Who did it, for the audit; a number of staff is a personal field."""
        return {} if self.operator is None else {"operator": self.operator}


def get_scan(tx: Session, device_id: str, nonce: str) -> StoredScan:
    """Return a recorded scan.

    Raises:
        NotFound: this device recorded nothing under this nonce.
    """
    found = find_scan(tx, device_id, nonce)
    if found is None:
        raise NotFound(f"device {device_id} has no scan with the nonce {nonce}")
    return found


def find_nonce(tx: Session, device_id: str, ending: str) -> str:
    """Return the nonce of a device's scan, given whole or by an end that no other one has.

    Raises:
        NotFound: no scan of this device ends so.
        InvalidInput: too short, or several scans end so.
    """
    if find_scan(tx, device_id, ending) is not None:
        return ending
    if len(ending) < LEAST_OF_NONCE:
        raise InvalidInput("NONCE", f"give all of it, or its last {LEAST_OF_NONCE} characters")
    found = tx.db.execute(
        "SELECT nonce FROM scans WHERE device_id = ? AND substr(nonce, -?) = ? LIMIT 2",
        (device_id, len(ending), ending),
    ).fetchall()
    if not found:
        raise NotFound(f"device {device_id} has no scan with the nonce {ending}")
    if len(found) > 1:
        raise InvalidInput(
            "NONCE", f"several scans of {device_id} end in {ending}; give more of it"
        )
    return str(found[0][0])


def row_of(tx: Session, scan: StoredScan) -> VoucherRow | None:
    """Return the voucher of a recorded scan: the one it was decided on, or came since."""
    if scan.voucher_id is not None:
        return find_voucher(tx, scan.voucher_id)
    if scan.credential_key is None:
        return None
    found = find_vouchers(tx, [scan.credential_key])
    return found[0] if len(found) == 1 else None


def all_records(tx: Session, scan: StoredScan, row: VoucherRow | None) -> list[Record]:
    """Return every recorded scan of what a scan was about, itself among them."""
    if row is not None:
        return [record for record, _ in records_of(tx, row)]
    if scan.credential_key is None:
        return [scan.record]
    return [record for record, _ in records_of_code(tx, scan.credential_key)]


def _is(record: Record, other: Record) -> bool:
    return record.device_id == other.device_id and record.nonce == other.nonce


def annul_scan(
    tx: Session,
    device_id: str,
    nonce: str,
    *,
    people: int | None,
    reason: str,
    by: Actor,
    now: datetime,
) -> StoredScan:
    """Take back people whom a scan let in or out, and return the scan as it stands then."""
    scan = get_scan(tx, device_id, nonce)
    late = by.supervisor or by.told_late
    if scan.record.mode is Mode.EXCHANGE:
        asked = Taking(people, reason, by.name, by.person, unhurried=late)
        annul_tickets(tx, scan, asked, now=now)
        return get_scan(tx, device_id, nonce)
    row = row_of(tx, scan)
    records = all_records(tx, scan, row)
    others = [] if by.told_late else [each for each in records if not _is(each, scan.record)]
    terms = terms_of(row)
    wanted = people_to_annul(scan.record, others, terms, people=people, now=now, by_supervisor=late)
    if wanted == 0:
        return scan
    fields = {"scan_id": scan.scan_id, "people": wanted, "by": by.name, "reason": reason}
    fields["done_at"] = to_ms(now)
    changed = _annulled(scan.record, wanted, by, now)
    if changed.turned is not scan.record.turned:
        fields["unwatched"] = True
    revision = tx.record_event("annul", fields, personal=by.person)
    tx.db.execute(
        "UPDATE scans SET annulled = ?, annuls = annuls + 1, annulled_at = ?, turned = ?,"
        " corrected = ? WHERE scan_id = ?",
        (wanted, to_ms(now), changed.turned, revision, scan.scan_id),
    )
    return _counted(tx, scan, changed, row, records, annuls=1, now=now)


def _annulled(record: Record, people: int, by: Actor, now: datetime) -> Record:
    # What a supervisor saw outranks what the turnstile counted.
    turned = None if by.supervisor else record.turned
    annuls = record.annuls + 1
    return replace(record, annulled=people, annuls=annuls, annulled_at=now, turned=turned)


def record_passage(
    tx: Session, device_id: str, nonce: str, *, people: int, now: datetime
) -> StoredScan:
    """Take how many people of a scan the turnstile has counted through by now.

    Whoever had been given back passed all the same, and one who was moved had not been: then two
    came in, which is a conflict.
    """
    scan = get_scan(tx, device_id, nonce)
    turned = people_turned(scan.record, people)
    if turned == scan.record.turned:
        return scan
    changed = replace(scan.record, turned=turned)
    counts = changed.passed != scan.record.passed or changed.moved > 0
    row = row_of(tx, scan) if counts else None
    records = all_records(tx, scan, row) if counts else []
    revision = tx.record_event("passage", {"scan_id": scan.scan_id, "people": turned})
    sql = "UPDATE scans SET turned = ?, corrected = ? WHERE scan_id = ?"
    tx.db.execute(sql, (turned, revision, scan.scan_id))
    if not counts:
        return get_scan(tx, device_id, nonce)
    return _counted(tx, scan, changed, row, records, now=now)


def override_scan(
    tx: Session,
    device_id: str,
    nonce: str,
    *,
    party: int | None,
    reason: str,
    cost_bearer: CostBearer,
    by: Actor,
    now: datetime,
) -> StoredScan:
    """Let the holder of a refused or referred scan in, and return the scan as it stands then."""
    scan = get_scan(tx, device_id, nonce)
    row = row_of(tx, scan)
    records = all_records(tx, scan, row)
    history = fold(records, terms_of(row), tx.venue)
    available = history.available(scan.record.area, tx.venue.day_of(now))
    people = people_to_override(
        scan.record,
        history if row is not None else None,
        party=party,
        available=available,
        now=now,
    )
    fields = {"scan_id": scan.scan_id, "people": people, "by": by.name, "reason": reason}
    fields |= {"cost_bearer": cost_bearer.value, "done_at": to_ms(now)}
    revision = tx.record_event("override", fields, personal=by.person)
    tx.db.execute(
        "UPDATE scans SET overridden = ?, overridden_at = ?, overridden_by = ?, cost_bearer = ?,"
        " overridden_operator = ?, corrected = ? WHERE scan_id = ?",
        (people, to_ms(now), by.name, cost_bearer.value, by.operator, revision, scan.scan_id),
    )
    changed = replace(scan.record, overridden=people, overridden_at=now)
    tx.count_lane(correction(scan.record, changed, scan.operator, overrides=1))
    delta = _delta(scan, now, row, reason=Reason.OVERRIDDEN)
    delta.entered = people
    _recount(tx, changed, row, records, delta)
    reconcile_scan(tx, changed, scan.credential_key, now=now)
    return get_scan(tx, device_id, nonce)


def strike_scan(
    tx: Session, device_id: str, nonce: str, *, reason: str, by: Actor, now: datetime
) -> StoredScan:
    """Make an arrival stamp count for nothing; striking it again changes nothing."""
    scan = get_scan(tx, device_id, nonce)
    check_strike(scan.record)
    if scan.record.struck:
        return scan
    fields = {"scan_id": scan.scan_id, "by": by.name, "reason": reason}
    revision = tx.record_event("strike", fields)
    sql = "UPDATE scans SET struck_at = ?, corrected = ? WHERE scan_id = ?"
    tx.db.execute(sql, (to_ms(now), revision, scan.scan_id))
    reconcile_scan(tx, scan.record, scan.credential_key, now=now)
    return get_scan(tx, device_id, nonce)


def answer_call(tx: Session, device_id: str, nonce: str, *, reason: str, by: Actor) -> StoredScan:
    """Put on record that a call was answered and nobody let in; the scan stays as it is.

    Repeating it changes nothing.
    """
    scan = get_scan(tx, device_id, nonce)
    said = scan.detail.get("say")
    check_call(scan.record, shown_twice=isinstance(said, dict) and "copied_at" in said)
    if scan.scan_id not in answered_calls(tx.db):
        fields = {"scan_id": scan.scan_id, "by": by.name, "reason": reason}
        tx.record_event("call_answered", fields)
    return scan


def _counted(
    tx: Session,
    scan: StoredScan,
    changed: Record,
    row: VoucherRow | None,
    records: list[Record],
    *,
    annuls: int = 0,
    now: datetime,
) -> StoredScan:
    """Count that more people passed than stood on record, or fewer; return the scan as it is."""
    tx.count_lane(correction(scan.record, changed, scan.operator, annuls=annuls))
    more = changed.passed - scan.record.passed
    delta = _delta(scan, changed.passed_at, row)
    if changed.direction is Direction.EXIT:
        delta.left_out = more
    else:
        delta.entered = more
    _recount(tx, changed, row, records, delta)
    reconcile_scan(tx, changed, scan.credential_key, now=now)
    return get_scan(tx, changed.device_id, changed.nonce)


def _delta(
    scan: StoredScan, at: datetime, row: VoucherRow | None, *, reason: Reason | None = None
) -> Delta:
    if reason is None:
        reason = Reason.OVERRIDDEN if scan.record.overridden else scan.record.reason
    deal_no = None if row is None else row.deal.deal_no
    return Delta(to_ms(at), scan.record.gate_id, reason.value, deal_no=deal_no)


def _recount(
    tx: Session, changed: Record, row: VoucherRow | None, records: list[Record], delta: Delta
) -> None:
    """Count a correction; `records` hold the scan as it was, `changed` as it is now."""
    after = [changed if _is(record, changed) else record for record in records]
    terms = terms_of(row)
    deal_no = None if row is None else row.deal.deal_no
    count_records(tx, fold(records, terms, tx.venue), after, deal_no, delta)
