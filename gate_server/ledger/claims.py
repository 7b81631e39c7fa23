"""What a scan says of an earlier arrival, looked up; and what is kept of it beside the verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from admission.arrival_rates import SPAN, find_bulk, is_counted, is_fresh, is_new
from admission.attested import Claim, claim_by_slip, claim_in_queue
from admission.calendar import from_ms, to_ms
from admission.codes import CodeRead
from admission.findings import Policy
from admission.replica_columns import key_of
from admission.tokens import Purpose, Token, credential_key
from admission.verdicts import Reason
from admission.wire_outage import OfflineScan
from gate_server.ledger.findings import record_finding
from gate_server.ledger.numbered_slips import bind_slip, bound_vouchers, find_handout, is_printed
from gate_server.ledger.queues import find_queue
from gate_server.ledger.scans import NewScan, VoucherRow, records_of, records_of_code
from gate_server.ledger.session import Session

# Whoever looks only wants to know whether they are too many.
_MOST_COUNTED: Final = 500
_NEW: Final = f"""
SELECT scan_at FROM scans WHERE device_id = ? AND new_arrival = 1 AND scan_at > ? AND scan_at <= ?
LIMIT {_MOST_COUNTED}
"""  # noqa: S608 - a number of ours


@dataclass(frozen=True, slots=True)
class Said:
    """What a scan says beside its code.

    Attributes:
        queue: the closing that the holder stood in.
        slip: a numbered slip, by its token's identity: key and number.
        alone: the slip is all that is shown.
    """

    queue: str | None = None
    slip: tuple[bytes, int] | None = None
    alone: bool = False


NOTHING_SAID: Final = Said()


def said_of(code: CodeRead | None, *, queue: str | None, slip: CodeRead | None) -> Said:
    """Return what a scan says: of a queue, of a slip beside its code, or by a slip that is it."""
    alone = _slip_of(code)
    if alone is not None:
        return Said(queue, alone, alone=True)
    beside = _slip_of(slip)
    if beside is not None:
        return Said(queue, beside)
    return NOTHING_SAID if queue is None else Said(queue)


def _slip_of(code: CodeRead | None) -> tuple[bytes, int] | None:
    token: Token | None = None if code is None else code.token
    if token is None or token.purpose is not Purpose.NUMBERED_SLIP:
        return None
    return credential_key(token), token.voucher_number


@dataclass(frozen=True, slots=True)
class Found:
    """A claim, with what is kept of it where it holds.

    Attributes:
        by: whose word it is: an operator's number, a device, an account; None: the scan's own.
    """

    claim: Claim
    by: str | None = None


def find_claim(
    tx: Session, said: Said, rows: Sequence[VoucherRow], *, area: str, at: datetime
) -> Found | None:
    """Return what a scan says of an earlier arrival; None: nothing.

    Args:
        rows: the vouchers that its code finds.
    """
    if said.slip is not None:
        return _by_slip(tx, said, said.slip, rows, at)
    if said.queue is None:
        return None
    queue = find_queue(tx.db, said.queue)
    return Found(claim_in_queue(None if queue is None else queue.closing, area=area, now=at))


def _by_slip(
    tx: Session, said: Said, slip: tuple[bytes, int], rows: Sequence[VoucherRow], at: datetime
) -> Found | None:
    key, number = slip
    bound = set(bound_vouchers(tx, key))
    if said.alone and bound:
        return None  # it finds its voucher, and the arrival stands in that one's history
    ours = is_printed(tx.db, key, number)
    handed = find_handout(tx.db, number) if ours else None
    here = {row.voucher.voucher_id for row in rows}
    claim = claim_by_slip(
        None if handed is None else handed.handout.handed_at,
        bound_elsewhere=bool(bound) and not bound & here,
        alone=said.alone,
        venue=tx.venue,
        now=at,
    )
    return Found(claim, None if handed is None else handed.operator or handed.made_by)


def detail_of(said: Said, found: Found | None) -> dict[str, object]:
    """Return what is kept beside a verdict of a claim that holds; it is part of the chained row."""
    if found is None or found.claim.at is None:
        return {}
    kept: dict[str, object] = {"attested_at": to_ms(found.claim.at)}
    if said.slip is not None:
        # Whose word it was stands with the hand-out, from where it can be erased.
        return kept | {"slip": said.slip[1]}
    return kept | {"queue": said.queue}


def note_claim(tx: Session, said: Said, found: Found | None, new: NewScan, scan_id: int) -> None:
    """Bind the slip of a claim that holds to the voucher that it was shown with."""
    if said.slip is None or new.row is None or found is None or found.claim.at is None:
        return
    key, number = said.slip
    bind_slip(tx, key, number, new.row, scan_id=scan_id)


# --- what a scanner said by itself ---------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Claimed:
    """What an offline scan says of an earlier arrival, as the record bears it out.

    Attributes:
        detail: what is kept beside the verdict.
        missing: the scanner showed an earlier arrival, and the record does not bear it out; the
            scan then counts as of its own time.
        arrives: it is a new arrival.
    """

    said: Said
    found: Found | None
    detail: Mapping[str, object]
    missing: bool
    arrives: bool

    def note(self, tx: Session, new: NewScan, scan_id: int, *, most: int, now: datetime) -> None:
        """Bind the slip where the claim holds, and look whether too many arrive.

        Args:
            most: new arrivals a minute that are not odd; 0: nobody looks.
        """
        note_claim(tx, self.said, self.found, new, scan_id)
        if self.arrives:
            note_bulk(tx, new.device.device_id, new.scan_at, most=most, now=now)


def claim_of_line(tx: Session, line: OfflineScan, new: NewScan) -> Claimed:
    """Judge by the record what an offline scan says of an earlier arrival; its time is corrected.

    Whoever attests must have been named: a device alone attests nothing.
    """
    slip = None if line.slip_key is None else key_of(line.slip_key)
    # Six bytes are a token's identity; whatever else it is, no slip of ours has that number.
    said = Said(line.queue, None if slip is None else (slip, int.from_bytes(slip[2:6], "big")))
    rows = [] if new.row is None else [new.row]
    found = find_claim(tx, said, rows, area=new.gate.area, at=new.scan_at)
    if said.queue is not None and said.slip is None and not line.operator:
        found = None
    detail = detail_of(said, found)
    if _arrives(tx, line, new):
        detail |= {"new_arrival": True}
    shown = line.attested_at is not None
    held = found is not None and found.claim.at is not None
    return Claimed(said, found, detail, shown and not held, "new_arrival" in detail)


def _arrives(tx: Session, line: OfflineScan, new: NewScan) -> bool:
    """Say whether a scan that a scanner decided is a new arrival by what it was answered."""
    if not is_counted(new.mode, new.direction, staffed=new.device.staffed):
        return False
    if not is_new(Reason(line.verdict.reason), new.mode):
        return False
    if new.row is not None:
        stamps = records_of(tx, new.row)
    else:
        stamps = [] if new.credential_key is None else records_of_code(tx, new.credential_key)
    return is_fresh(
        stamps,
        tx.venue,
        device_id=new.device.device_id,
        mode=new.mode,
        voucher=None if new.row is None else new.row.voucher,
        party=new.party,
        now=new.scan_at,
    )


# --- how many, how fast --------------------------------------------------------------------------


def new_arrivals(tx: Session, device_id: str, at: datetime) -> list[datetime]:
    """Return the new arrivals at a device within the minute up to an instant."""
    bounds = to_ms(at - SPAN), to_ms(at)
    return [from_ms(ms) for (ms,) in tx.db.execute(_NEW, (device_id, *bounds))]


def note_bulk(tx: Session, device_id: str, at: datetime, *, most: int, now: datetime) -> None:
    """Record a finding where a device has seen more arrive within a minute than people can."""
    if most == 0:
        return
    finding = find_bulk(device_id, new_arrivals(tx, device_id, at), most=most, venue=tx.venue)
    if finding is None:
        return
    record_finding(tx, None, finding, Policy.WARN, rehold_factor=2.0, now=now)
