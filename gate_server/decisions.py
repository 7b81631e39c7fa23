"""A decision with what its answer shows, made now or read back from the record."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from admission.calendar import from_ms
from admission.cases import Facts, Found
from admission.codes import CodeForm, CodeRead, TokenState
from admission.history import fold
from admission.refusal_slips import read_proof
from admission.scans import Mode
from admission.verdicts import FirstUse, Reason, Verdict
from admission.wire_arrivals import AttestedAnswer
from gate_server.ledger.corrections import all_records
from gate_server.ledger.numbered_slips import find_handout
from gate_server.ledger.scans import StoredScan, VoucherRow, find_voucher, terms_of
from gate_server.ledger.session import Session
from gate_server.ledger.tickets import Shown

SKEW_TOLD = timedelta(minutes=2)
DRY = frozenset({Mode.CHECK, Mode.ARRIVE})
"""Modes by which nobody passes."""


@dataclass(slots=True)
class Decision:
    """A verdict with what the answer shows beside it.

    Attributes:
        scan_id: None where nothing was recorded.
        row: the voucher; `several` are all of them where the code finds more than one.
        tickets: with their codes, for the device that prints them.
        credential_key: of the code that was presented; None where nothing of it is kept.
        attested: the earlier arrival that it counts as, by the word of staff.
    """

    verdict: Verdict
    nonce: str
    decided_at: datetime
    revision: int
    area: str
    scan_id: int | None = None
    replayed: bool = False
    row: VoucherRow | None = None
    several: tuple[tuple[VoucherRow, int], ...] = ()
    arrival_number: str | None = None
    skew_s: float | None = None
    dry: bool = False
    credential_key: bytes | None = None
    tickets: tuple[Shown, ...] = ()
    attested: AttestedAnswer | None = None

    @property
    def about(self) -> frozenset[bytes]:
        """The keys of what was presented: of its vouchers, and of the code itself."""
        rows = [row for row, _ in self.several]
        if self.row is not None:
            rows.append(self.row)
        keys = {row.credential_key for row in rows}
        return frozenset(keys if self.credential_key is None else keys | {self.credential_key})


def stored_decision(tx: Session, stored: StoredScan, row: VoucherRow | None) -> Decision:
    """Return a recorded scan as a decision: its final verdict, or the override that came since."""
    record, detail = stored.record, stored.detail
    reason = Reason.OVERRIDDEN if record.overridden else record.reason
    verdict = Verdict(
        reason,
        record.passed,
        _remaining(tx, stored, row),
        say=_say(detail),
        void_version=stored.void_version,
        marked=bool(detail.get("marked")),
        arrived_at=_time(detail.get("arrived_at")),
        first_use=_first_use(detail),
        tickets=_tickets(stored),
    )
    several: list[tuple[VoucherRow, int]] = []
    picks = detail.get("several")
    if isinstance(picks, list) and not record.overridden:
        for voucher_id, remaining in picks:
            found = find_voucher(tx, voucher_id)
            if found is not None:
                several.append((found, remaining))
    return Decision(
        verdict,
        record.nonce,
        record.overridden_at or stored.received_at,
        stored.scan_id,
        record.area,
        scan_id=stored.scan_id,
        replayed=True,
        row=row,
        several=tuple(several),
        arrival_number=stored.arrival_number,
        skew_s=skew_of(stored.scanned_at, stored.received_at),
        dry=record.mode in DRY,
        attested=find_attested(tx, detail, stored.operator or record.device_id),
    )


def find_attested(tx: Session, detail: Mapping[str, object], by: str) -> AttestedAnswer | None:
    """Return the earlier arrival that a scan counts as; None: it counts as of itself.

    Args:
        detail: what is stored beside its verdict.
        by: who made the scan.
    """
    at, queue, slip = (detail.get(name) for name in ("attested_at", "queue", "slip"))
    if not isinstance(at, int):
        return None
    if isinstance(slip, int):
        handed = find_handout(tx.db, slip)
        by_hand = None if handed is None else handed.operator or handed.made_by
        return AttestedAnswer(at=from_ms(at), by=by_hand, slip=slip)
    return AttestedAnswer(at=from_ms(at), by=by, queue=str(queue))


def corrected_decision(
    tx: Session, stored: StoredScan, row: VoucherRow | None, *, changed: bool
) -> Decision:
    """Return a recorded scan as a correction of it left it.

    Args:
        changed: False where the same correction was made before.
    """
    decision = stored_decision(tx, stored, row)
    decision.replayed = not changed
    return decision


def _remaining(tx: Session, stored: StoredScan, row: VoucherRow | None) -> int:
    """Return how many the voucher still lets in: as told then, or after a correction since."""
    record = stored.record
    corrected_at = record.annulled_at or record.overridden_at
    if corrected_at is None:
        return stored.remaining
    history = fold(all_records(tx, stored, row), terms_of(row), tx.venue)
    day = tx.venue.day_of(corrected_at)
    if record.mode is Mode.EXCHANGE:
        return history.exchangeable(day)
    return history.available(record.area, day)


def skew_of(scanned_at: datetime | None, received_at: datetime) -> float | None:
    """Return how far a device's time is off, seconds; None within what nobody needs to know."""
    if scanned_at is None or abs(scanned_at - received_at) <= SKEW_TOLD:
        return None
    return round((scanned_at - received_at).total_seconds(), 3)


def write_detail(verdict: Verdict, facts: Facts, decision: Decision) -> dict[str, object]:
    """Return what is stored beside a verdict: the facts outside the ledger, and what it said."""
    detail: dict[str, object] = {"inside": facts.inside}
    if facts.stale:
        detail["stale"] = True
    if facts.limit is not None:
        detail["limit"] = facts.limit
    if facts.most_arrivals:
        detail |= {"arrivals": facts.arrivals, "most_arrivals": facts.most_arrivals}
    said = {"tickets": verdict.tickets, "marked": verdict.marked}
    detail |= {name: value for name, value in said.items() if value}
    if verdict.say:
        detail["say"] = dict(verdict.say)
    if verdict.arrived_at is not None:
        detail["arrived_at"] = verdict.arrived_at
    if verdict.first_use is not None:
        detail["first_use"] = [verdict.first_use.at, verdict.first_use.gate_id]
    if decision.several:
        detail["several"] = [[row.voucher.voucher_id, n] for row, n in decision.several]
    return detail


def write_read(code: CodeRead | None, found: tuple[Found, ...]) -> dict[str, object]:
    """Return what else a verdict depended on and the ledger does not keep: for a replay.

    Args:
        code: what was read; of an ordinary code, or a picked voucher, there is nothing to keep.
    """
    kept: dict[str, object] = {}
    if code is not None and code.form is not CodeForm.OPAQUE:
        kept["form"] = code.form.value
    if code is not None and code.token_state is not TokenState.NONE:
        kept["token"] = code.token_state.value
    proof = None if code is None else read_proof(code.token)
    if proof is not None:
        kept["proof"] = [proof.number, proof.day, proof.people]
    honour = found[0].void.honour if len(found) == 1 and found[0].void is not None else None
    if honour is not None and honour.max_people is not None:
        kept["honoured"] = found[0].honoured_people
    return kept


def _say(detail: Mapping[str, object]) -> dict[str, object]:
    say = detail.get("say")
    if not isinstance(say, dict):
        return {}
    times = ("valid_from", "valid_until", "copied_at", "arrived_by", "slip_at")
    read: dict[str, Callable[[object], object]] = dict.fromkeys(times, _time)
    read["notice"] = lambda notice: tuple(notice) if isinstance(notice, list) else None
    read["hours"] = lambda hours: [time.fromisoformat(at) for at in hours or ()]  # type: ignore[attr-defined]
    return {key: read[key](value) if key in read else value for key, value in say.items()}


def _tickets(stored: StoredScan) -> int:
    printed = stored.detail.get("tickets")
    return printed - stored.record.annulled if isinstance(printed, int) else 0


def _first_use(detail: Mapping[str, object]) -> FirstUse | None:
    first = detail.get("first_use")
    at = _time(first[0]) if isinstance(first, list) else None
    return FirstUse(at, str(first[1])) if at is not None and isinstance(first, list) else None


def _time(text: object) -> datetime | None:
    return datetime.fromisoformat(text) if isinstance(text, str) else None
