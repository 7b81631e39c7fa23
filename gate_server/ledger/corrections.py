"""What is done about a recorded scan later: annul, override, strike; and counts by hand."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from admission.calendar import from_ms, to_ms
from admission.corrections import (
    check_strike,
    people_to_annul,
    people_to_override,
    people_turned,
)
from admission.errors import InvalidInput, LedgerConflict, NotFound
from admission.history import Record, fold
from admission.scans import Direction
from admission.verdicts import Reason
from admission.voids import CostBearer
from gate_server.ledger.changes import count_records
from gate_server.ledger.conflicts import reconcile_scan
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
from gate_server.ledger.tallies import COUNTED, Delta

LEAST_OF_NONCE = 6


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something: a device or a member of staff.

    Attributes:
        supervisor: whether the time limits of a device do not bind.
        told_late: a scanner took it back by itself; nothing that is on record speaks against it.
    """

    name: str
    supervisor: bool = False
    told_late: bool = False


@dataclass(frozen=True, slots=True)
class Count:
    """People counted by hand."""

    count_id: int
    nonce: str
    gate_id: str
    kind: str
    people: int
    direction: Direction
    counted_at: datetime
    annulled: int


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
    row = row_of(tx, scan)
    records = all_records(tx, scan, row)
    others = [] if by.told_late else [each for each in records if not _is(each, scan.record)]
    terms, late = terms_of(row), by.supervisor or by.told_late
    wanted = people_to_annul(scan.record, others, terms, people=people, now=now, by_supervisor=late)
    if wanted == 0:
        return scan
    changed = _write_annul(tx, scan, wanted, reason=reason, by=by, now=now)
    back = scan.record.passed - changed.passed
    delta = _delta(scan, scan.record.passed_at, row)
    if scan.record.direction is Direction.EXIT:
        delta.left_out = -back
    else:
        delta.entered = -back
    _recount(tx, changed, row, records, delta)
    reconcile_scan(tx, changed, scan.credential_key, now=now)
    return get_scan(tx, device_id, nonce)


def _write_annul(
    tx: Session, scan: StoredScan, people: int, *, reason: str, by: Actor, now: datetime
) -> Record:
    """Write that people are taken back in all; return the record as it stands then."""
    record = scan.record
    fields = {"scan_id": scan.scan_id, "people": people, "by": by.name, "reason": reason}
    # What a supervisor saw outranks what the turnstile counted.
    turned = None if by.supervisor else record.turned
    if turned is not record.turned:
        fields["unwatched"] = True
    revision = tx.record_event("annul", fields)
    tx.db.execute(
        "UPDATE scans SET annulled = ?, annuls = annuls + 1, annulled_at = ?, turned = ?,"
        " corrected = ? WHERE scan_id = ?",
        (people, to_ms(now), turned, revision, scan.scan_id),
    )
    return replace(
        record, annulled=people, annuls=record.annuls + 1, annulled_at=now, turned=turned
    )


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
    if counts:
        delta = _delta(scan, changed.passed_at, row)
        more = changed.passed - scan.record.passed
        if changed.direction is Direction.EXIT:
            delta.left_out = more
        else:
            delta.entered = more
        _recount(tx, changed, row, records, delta)
        reconcile_scan(tx, changed, scan.credential_key, now=now)
    return get_scan(tx, device_id, nonce)


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
    revision = tx.record_event("override", {**fields, "cost_bearer": cost_bearer.value})
    tx.db.execute(
        "UPDATE scans SET overridden = ?, overridden_at = ?, overridden_by = ?, cost_bearer = ?,"
        " corrected = ? WHERE scan_id = ?",
        (people, to_ms(now), by.name, cost_bearer.value, revision, scan.scan_id),
    )
    changed = replace(scan.record, overridden=people, overridden_at=now)
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


# --- counts by hand ------------------------------------------------------------------------------


def find_count(tx: Session, counted_by: str, nonce: str) -> Count | None:
    """Return what somebody counted under a nonce."""
    row = tx.db.execute(
        "SELECT count_id, nonce, gate_id, kind, people, direction, counted_at, annulled"
        " FROM counts WHERE counted_by = ? AND nonce = ?",
        (counted_by, nonce),
    ).fetchone()
    if row is None:
        return None
    count_id, nonce, gate_id, kind, people, direction, counted_at, annulled = row
    return Count(
        count_id,
        nonce,
        gate_id,
        kind,
        people,
        direction=Direction(direction),
        counted_at=from_ms(counted_at),
        annulled=annulled,
    )


def record_count(
    tx: Session,
    counted_by: str,
    nonce: str,
    *,
    gate_id: str,
    kind: str,
    people: int,
    direction: Direction,
    now: datetime,
) -> tuple[Count, bool]:
    """Record people without a voucher; the same nonce again is answered, not counted.

    Returns:
        the count, and whether it had been recorded before.

    Raises:
        LedgerConflict: `nonce-reused` for other people, kind or direction.
    """
    found = find_count(tx, counted_by, nonce)
    if found is not None:
        if (found.kind, found.people, found.direction) != (kind, people, direction):
            raise LedgerConflict("nonce-reused", "this nonce belongs to another count")
        return found, True
    fields = {
        "by": counted_by,
        "nonce": nonce,
        "gate_id": gate_id,
        "kind": kind,
        "people": people,
        "direction": direction.value,
    }
    count_id = tx.record_event("count", fields)
    tx.db.execute(
        "INSERT INTO counts (count_id, counted_by, nonce, gate_id, kind, people, direction,"
        " counted_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (count_id, counted_by, nonce, gate_id, kind, people, direction.value, to_ms(now)),
    )
    tx.count(_count_delta(gate_id, kind, people, direction, to_ms(now)))
    return Count(count_id, nonce, gate_id, kind, people, direction, now, 0), False


def annul_count(
    tx: Session, count: Count, *, people: int | None, reason: str, by: Actor, now: datetime
) -> Count:
    """Take back counted people; `people` is their number in all, None: everybody."""
    wanted = count.people if people is None else people
    if wanted > count.people:
        raise LedgerConflict("not-admitted", f"the count was of {count.people} people")
    if wanted <= count.annulled:
        return count
    tx.db.execute(
        "UPDATE counts SET annulled = ?, annulled_at = ? WHERE count_id = ?",
        (wanted, to_ms(now), count.count_id),
    )
    fields = {"count_id": count.count_id, "people": wanted, "by": by.name, "reason": reason}
    tx.record_event("annul_count", fields)
    back = wanted - count.annulled
    at_ms = to_ms(count.counted_at)
    tx.count(_count_delta(count.gate_id, count.kind, -back, count.direction, at_ms))
    return replace(count, annulled=wanted)


def _count_delta(gate_id: str, kind: str, people: int, direction: Direction, at_ms: int) -> Delta:
    delta = Delta(at_ms, gate_id, COUNTED + kind, scans=1 if people > 0 else 0)
    if direction is Direction.EXIT:
        delta.left_out, delta.inside = people, -people
    else:
        delta.entered = delta.people = delta.persons = people
        delta.inside = people
    return delta
