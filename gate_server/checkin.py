"""The one use case: a scanned code becomes a recorded verdict."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from admission.arrival_rates import is_counted, is_fresh, is_new
from admission.arrivals import find_number, is_numbered
from admission.cases import Case, Facts, Found
from admission.codes import CodeForm, CodeRead, read_code
from admission.corrections import check_replay
from admission.errors import CodeUnknown, InvalidInput
from admission.history import History, Record, fold
from admission.moves import decide_moving
from admission.operators import check_operator
from admission.scans import Device, Direction, Gate, Mode, Profile, Scan
from admission.verdicts import Reason, Verdict
from gate_server.decisions import (
    DRY,
    Decision,
    find_attested,
    skew_of,
    stored_decision,
    write_detail,
    write_read,
)
from gate_server.keyring import Keyring
from gate_server.ledger.claims import (
    detail_of,
    find_claim,
    new_arrivals,
    note_bulk,
    note_claim,
    said_of,
)
from gate_server.ledger.conflicts import reconcile
from gate_server.ledger.refusal_slips import find_proof
from gate_server.ledger.scans import (
    NewScan,
    StoredScan,
    VoucherRow,
    find_scan,
    find_voucher,
    find_vouchers,
    next_arrival,
    record_scan,
    records_of,
    records_of_code,
    terms_of,
)
from gate_server.ledger.session import Session
from gate_server.ledger.tickets import (
    find_family,
    record_tickets,
    show_tickets,
    tickets_of_scan,
)

_OPAQUE = CodeRead(CodeForm.OPAQUE)


@dataclass(slots=True)
class Presented:
    """A scan as it was received, its code already read.

    Attributes:
        code: what the text is; None where the voucher was picked.
        voucher_id: the voucher picked by a handle; `pick_problem` says why the handle is no good.
        stamped_at: when the holder stood there, of a stamp that was kept while the server was away.
        passage: the lane watches its turnstile and will report who passed.
        ask_first: a platform can be asked for the code, should nobody know it.
        unanswered: one was asked, and has not answered yet.
        queue: the closed queue that the holder stood in; `slip` the numbered slip that they show.
    """

    device: Device
    nonce: str
    mode: Mode
    direction: Direction
    party: int | None
    received_at: datetime
    scanned_at: datetime | None
    operator: str | None
    code: CodeRead | None = None
    voucher_id: int | None = None
    pick_problem: str | None = None
    stamped_at: datetime | None = None
    passage: bool = False
    ask_first: bool = False
    unanswered: bool = False
    queue: str | None = None
    slip: CodeRead | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """What of the settings a decision depends on."""

    people: int | None
    stale_after_s: float
    operator_required: bool = False
    most_arrivals: int = 0


class CheckIn:
    """Decides and records scans inside the ledger's transaction."""

    def __init__(self, keys: Keyring, limits: Limits) -> None:
        self._keys = keys
        self._limits = limits

    def read(self, text: str) -> CodeRead:
        """Read a code's text; done before the writer is asked, for a signature takes its time."""
        return read_code(text, self._keys.reader)

    def run(self, tx: Session, scan: Presented) -> Decision:
        """Answer one scan: from the record if it was answered before, else decide and record.

        Raises:
            LedgerConflict: the nonce belongs to another scan, or the scan was annulled.
            InvalidInput: the picked voucher cannot be used.
            Forbidden: nobody has signed in where somebody must have.
            CodeUnknown: nobody knows the code, and a platform is to be asked first.
        """
        if scan.mode is not Mode.CHECK:
            stored = find_scan(tx, scan.device.device_id, scan.nonce)
            if stored is not None:
                return self._again(tx, scan, stored)
            check_operator(
                scan.operator,
                scan.direction,
                # Whoever attests that somebody stood in a queue answers for it.
                required=self._limits.operator_required or scan.queue is not None,
                staffed=scan.device.staffed,
                emergency=tx.catalogue.emergency,
            )
        return self._decide(tx, scan)

    def _decide(self, tx: Session, scan: Presented) -> Decision:
        gate = tx.catalogue.gates[scan.device.gate_id]
        rows = self._find(tx, scan)
        if scan.ask_first and not rows:
            raise CodeUnknown("nobody knows the code, and somebody can be asked for it")
        new = self._new_scan(scan, gate, rows)
        gathered = _Gathered(tx, new, rows)
        said = said_of(scan.code, queue=scan.queue, slip=scan.slip)
        claim = find_claim(tx, said, rows, area=gate.area, at=new.scan_at)
        facts = self._facts(tx, new.scan_at, scan.unanswered)
        facts = self._with_arrivals(tx, new, gathered, facts)
        case, device_id = _case(tx, scan, gate, gathered, facts), scan.device.device_id
        case.claim = None if claim is None else claim.claim
        verdict = decide_moving(case, gathered.records, new.scan_at, device_id=device_id)
        decision = Decision(
            verdict,
            scan.nonce,
            new.received_at,
            tx.revision,
            gate.area,
            row=new.row,
            skew_s=skew_of(scan.scanned_at, scan.received_at),
            dry=scan.mode in DRY,
            credential_key=new.credential_key,
        )
        if verdict.reason in _SEVERAL:
            decision.several = gathered.several(gate.area, tx.venue.day_of(new.scan_at))
        if scan.mode is not Mode.CHECK:
            detail = write_detail(verdict, facts, decision) | write_read(scan.code, case.found)
            self._record(tx, new, decision, gathered, detail | detail_of(said, claim))
            if decision.scan_id is not None and verdict.reason is not Reason.BULK_ARRIVALS:
                note_claim(tx, said, claim, new, decision.scan_id)
        decision.attested = find_attested(tx, detail_of(said, claim), scan.operator or device_id)
        return decision

    def _with_arrivals(self, tx: Session, new: NewScan, gathered: _Gathered, facts: Facts) -> Facts:
        """Add how many arrived at this device just now, where this would be one more."""
        most, device = self._limits.most_arrivals, new.device
        if not most or not is_counted(new.mode, new.direction, staffed=device.staffed):
            return facts
        new.fresh = is_fresh(
            gathered.arrivals,
            tx.venue,
            device_id=device.device_id,
            mode=new.mode,
            voucher=None if new.row is None else new.row.voucher,
            party=new.party,
            now=new.scan_at,
        )
        if not new.fresh:
            return facts
        before = len(new_arrivals(tx, device.device_id, new.scan_at))
        return replace(facts, arrivals=before, most_arrivals=most)

    def _find(self, tx: Session, scan: Presented) -> list[VoucherRow]:
        if scan.code is not None:
            return find_vouchers(tx, scan.code.keys)
        if scan.voucher_id is None:
            raise InvalidInput("pick", scan.pick_problem or "scan the code")
        row = find_voucher(tx, scan.voucher_id)
        if row is None:
            raise InvalidInput("pick", "this voucher is not in the ledger any more; scan the code")
        return [row]

    def _new_scan(self, scan: Presented, gate: Gate, rows: list[VoucherRow]) -> NewScan:
        new = NewScan(
            scan.device,
            gate,
            scan.nonce,
            scan.mode,
            scan.direction,
            scan.party,
            scan.received_at,
            # Online the server's receipt is the scan time: a visitor never pays for our clocks.
            scan.stamped_at or scan.received_at,
            scan.scanned_at,
            scan.operator,
            offline=scan.stamped_at is not None,
            watched=scan.passage and scan.mode in _LETS_IN,
        )
        if len(rows) == 1:
            new.row = rows[0]
            new.credential_key, new.tail = rows[0].credential_key, rows[0].voucher.tail
        elif scan.code is not None and (rows or scan.code.form is not CodeForm.PAYMENT):
            # Of a payment code nothing is stored, not even a hash.
            new.credential_key, new.tail = self._key_of(scan.code, scan.received_at), scan.code.tail
        return new

    def _key_of(self, code: CodeRead, now: datetime) -> bytes | None:
        """Return the key under which a later voucher row will find this scan."""
        if len(code.keys) < 2:
            return code.keys[0] if code.keys else None
        number = self._keys.code_key(now).number
        return next((key for key in code.keys if key[0] == number), code.keys[0])

    def _facts(self, tx: Session, now: datetime, unanswered: bool) -> Facts:
        catalogue, stale_after_s = tx.catalogue, self._limits.stale_after_s
        return Facts(
            emergency=catalogue.emergency,
            inside=tx.inside,
            limit=self._limits.people,
            # A platform that was asked and is silent may yet know the code: that is our own lag.
            stale=unanswered or (bool(catalogue.feeds) and catalogue.stale(now, stale_after_s)),
        )

    def _record(
        self,
        tx: Session,
        new: NewScan,
        decision: Decision,
        gathered: _Gathered,
        detail: dict[str, object],
    ) -> None:
        verdict = decision.verdict
        if new.mode is Mode.ARRIVE:
            decision.arrival_number = _arrival_number(tx, new, verdict, gathered)
        arrives = new.fresh and is_new(verdict.reason, new.mode)
        decision.scan_id = record_scan(
            tx,
            new,
            verdict,
            detail
            | ({"passage": True} if new.watched else {})
            | ({"new_arrival": True} if arrives else {}),
            history=gathered.history,
            records=gathered.records,
            arrival_number=decision.arrival_number,
        )
        if verdict.elsewhere is not None:
            reconcile(tx, new.row, new.credential_key, now=new.received_at)
        if arrives:
            most, device_id = self._limits.most_arrivals, new.device.device_id
            note_bulk(tx, device_id, new.scan_at, most=most, now=new.received_at)
        if verdict.tickets and new.row is not None:
            scan_id, people = decision.scan_id, verdict.tickets
            made = record_tickets(tx, self._keys, new, new.row, scan_id, people=people)
            decision.tickets = tuple(show_tickets(tx, self._keys, made))
        decision.revision = tx.revision

    def _again(self, tx: Session, scan: Presented, stored: StoredScan) -> Decision:
        record = stored.record
        check_replay(record, same=self._same(tx, scan, stored))
        row = None if stored.voucher_id is None else find_voucher(tx, stored.voucher_id)
        decision = stored_decision(tx, stored, row)
        if decision.verdict.tickets:
            tickets = tickets_of_scan(tx, stored.scan_id)
            decision.tickets = tuple(show_tickets(tx, self._keys, tickets))
        return decision

    def _same(self, tx: Session, scan: Presented, stored: StoredScan) -> bool:
        record = stored.record
        asked = scan.mode, scan.direction, scan.party
        if asked != (record.mode, record.direction, record.party):
            return False
        if scan.code is None:
            # The handle may have run out since; a recorded verdict is still answered.
            return scan.voucher_id is None or scan.voucher_id == stored.voucher_id
        if stored.credential_key is None:
            return scan.code.form in _UNSTORED
        if stored.credential_key in scan.code.keys:
            return True
        if stored.voucher_id is None:
            return False
        rows = find_vouchers(tx, scan.code.keys)
        return any(row.voucher.voucher_id == stored.voucher_id for row in rows)


class _Gathered:
    """The vouchers that a scan finds, each with its history."""

    def __init__(self, tx: Session, new: NewScan, rows: list[VoucherRow]) -> None:
        self._tx = tx
        self._rows = rows
        self.arrivals: list[tuple[Record, str | None]] = []
        self.found = tuple(self._look_at(row, new.scan_at) for row in rows)
        if len(rows) == 1:
            self.history = self.found[0].history
        else:
            if not rows and new.credential_key is not None:
                self.arrivals = records_of_code(tx, new.credential_key)
            self.history = fold((r for r, _ in self.arrivals), terms_of(None), tx.venue)
        self.records = [record for record, _ in self.arrivals]

    def _look_at(self, row: VoucherRow, now: datetime) -> Found:
        tx, deal_no = self._tx, row.deal.deal_no
        catalogue = tx.catalogue
        records = records_of(tx, row)
        if len(self._rows) == 1:
            self.arrivals = records
        terms = terms_of(row)
        void = catalogue.voids.get(deal_no)
        family = find_family(tx, row) if row.has_family else None
        return Found(
            row.voucher,
            row.deal,
            fold([r for r, _ in records], terms, tx.venue) if records else History(terms),
            void,
            catalogue.holds.get(deal_no),
            catalogue.buyer_blocked(row.buyer_no, now),
            family,
            tx.honoured_people(deal_no) if void is not None else 0,
        )

    def several(self, area: str, day: object) -> tuple[tuple[VoucherRow, int], ...]:
        """Return each voucher with the people that it still lets in."""
        return tuple(
            (row, found.history.available(area, day))  # type: ignore[arg-type]
            for row, found in zip(self._rows, self.found, strict=True)
        )


def _case(tx: Session, scan: Presented, gate: Gate, gathered: _Gathered, facts: Facts) -> Case:
    code, device = scan.code or _OPAQUE, scan.device
    party_default = device.party_default
    return Case(
        venue=tx.venue,
        gate=gate,
        scan=Scan(
            scan.mode,
            scan.direction,
            scan.party,
            party_default,
            device.staffed,
            desk=device.profile is Profile.EXCHANGE,
        ),
        found=gathered.found,
        facts=facts,
        form=code.form,
        token=code.token_state,
        proof=None if code.token is None else find_proof(tx, code.token),
    )


def _arrival_number(tx: Session, new: NewScan, verdict: Verdict, gathered: _Gathered) -> str | None:
    """Return the number a stamp answers with: the day's first, or a new one for more people."""
    if not is_numbered(verdict.reason):
        return None
    voucher = new.row.voucher if new.row is not None else None
    known = find_number(
        gathered.arrivals, tx.venue, voucher=voucher, party=new.party, now=new.scan_at
    )
    return known or next_arrival(tx, new.device.device_id)


_LETS_IN = frozenset({Mode.ADMIT, Mode.REENTRY})
_SEVERAL = frozenset({Reason.SEVERAL_VOUCHERS, Reason.AMBIGUOUS_CODE})
_UNSTORED = frozenset({CodeForm.MALFORMED, CodeForm.PAYMENT})
