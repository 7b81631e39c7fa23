"""A ledger on paper: plays a scenario through the real rules, with no other rule of its own."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from admission.cases import Case
from admission.closures import in_order
from admission.codes import CodeForm, CodeRead
from admission.corrections import (
    check_replay,
    check_strike,
    people_to_annul,
    people_to_override,
    people_turned,
)
from admission.deals import AtGate, Hold
from admission.errors import LedgerConflict
from admission.history import Record, Terms
from admission.moves import decide_moving
from admission.scans import Device, Direction, GateState, Mode, Profile, Scan
from admission.verdicts import Reason, Verdict
from admission.voids import CostBearer, Honour, Void, default_statuses_since
from tests.paper_arrivals import Arrivals
from tests.paper_book import Entry
from tests.paper_rows import Row, read_closure, read_scope

Answer = dict[str, Any]


class Paper(Arrivals):
    """A book with desk, refunds and attested arrivals that takes the steps of a scenario."""

    def play(self, step: Row) -> Answer:
        """Play one step; a problem is an answer too."""
        now = datetime.fromisoformat(step["at"])
        name = next(key for key in step if key not in {"at", "expect"})
        body = step[name]
        try:
            answer = getattr(self, f"take_{name}")(now, body)
        except LedgerConflict as conflict:
            return {"problem": conflict.slug}
        self.settle()
        return answer or {}

    # --- scans -------------------------------------------------------------------------------

    def take_scan(self, now: datetime, body: Row) -> Answer:
        device, read, scan = self._presented(body)
        nonce = body.get("nonce", f"nonce-{len(self.entries) + 1:04}")
        request = _request(body, scan)
        known = self.entries.get((device.device_id, nonce))
        if known is not None and scan.mode is not Mode.CHECK:
            return _again(known, request)
        case = self.case(read, device, scan, now)
        records = self.records_of(read)
        case.claim = self.claim(body, case, now)
        verdict = decide_moving(case, records, now, device_id=device.device_id)
        if scan.mode is not Mode.CHECK:
            entry = self._entry(case, read, verdict, (device, nonce, now), request)
            attested_at = None if case.claim is None else case.claim.at
            turned = _turned(body)
            entry.record = replace(entry.record, turned=turned, attested_at=attested_at)
            self.entries[device.device_id, nonce] = entry
            self.note_claim(body, read, case)
            self.print_tickets(case.found, entry)
        return answer_of(verdict)

    def take_record(self, now: datetime, body: Row) -> None:
        """Take an offline scan that arrives late: what was shown is what happened."""
        device, read, scan = self._presented(body)
        shown, scan_at = body["verdict"], datetime.fromisoformat(body["scanned_at"])
        verdict = Verdict(Reason(shown["reason"]), shown["admitted"])
        case = self.case(read, device, scan, now)
        where = (device, body["nonce"], scan_at)
        entry = self._entry(case, read, verdict, where, _request(body, scan))
        entry.record = replace(entry.record, turned=_turned(body))
        self.entries[device.device_id, body["nonce"]] = entry

    def _presented(self, body: Row) -> tuple[Device, CodeRead, Scan]:
        device = self.devices[body["device"]]
        scan = Scan(
            Mode(body.get("mode", "admit")),
            Direction(body.get("direction", "entry")),
            body.get("party"),
            device.party_default,
            device.staffed,
            desk=device.profile is Profile.EXCHANGE,
        )
        return device, self.read(body), scan

    def _entry(
        self,
        case: Case,
        read: CodeRead,
        verdict: Verdict,
        where: tuple[Device, str, datetime],
        request: tuple[object, ...],
    ) -> Entry:
        (device, nonce, scan_at), scan = where, case.scan
        record = Record(
            device_id=device.device_id,
            nonce=nonce,
            scan_at=scan_at,
            gate_id=case.gate.gate_id,
            area=case.gate.area,
            reason=verdict.reason,
            mode=scan.mode,
            direction=scan.direction,
            people=verdict.people,
            party=scan.party,
            staffed=scan.staffed,
        )
        # Of a payment code that the ledger does not know, nothing is stored.
        stored = () if read.form is CodeForm.PAYMENT and not case.found else read.keys
        one = case.found[0] if len(case.found) == 1 else case.provisional
        return Entry(
            record,
            frozenset(stored),
            (one.voucher.voucher_id or None) if one is not None else None,
            Terms() if one is None else Terms.of(one.voucher, one.deal),
            request,
            verdict,
        )

    # --- corrections -------------------------------------------------------------------------

    def take_annul(self, now: datetime, body: Row) -> Answer:
        entry = self.entries[body["device"], body["nonce"]]
        others = [e.record for e in self.beside(entry) if e is not entry]
        record = entry.record
        if record.mode is Mode.EXCHANGE:
            return self.annul_tickets(entry, body, now)
        people = people_to_annul(
            record,
            others,
            self.terms_now(entry),
            people=body.get("people"),
            now=now,
            by_supervisor=body.get("by") == "supervisor",
        )
        if people:
            # What a supervisor saw outranks what the turnstile counted.
            turned = None if body.get("by") == "supervisor" else record.turned
            annuls = record.annuls + 1
            entry.record = replace(
                record, annulled=people, annuls=annuls, annulled_at=now, turned=turned
            )
        return {"people": people}

    def take_passage(self, now: datetime, body: Row) -> Answer:
        entry = self.entries[body["device"], body["nonce"]]
        turned = people_turned(entry.record, body["people"])
        entry.record = replace(entry.record, turned=turned)
        self.settle()
        return {"turned": turned, "passed": entry.record.passed}

    def take_override(self, now: datetime, body: Row) -> Answer:
        entry = self.entries[body["device"], body["nonce"]]
        sold = self.sold_of(entry)
        history = self.history(sold) if sold is not None else None
        day = self.venue.day_of(now)
        people = people_to_override(
            entry.record,
            history,
            party=body.get("party"),
            available=history.available(entry.record.area, day) if history is not None else 0,
            now=now,
        )
        entry.record = replace(entry.record, overridden=people, overridden_at=now)
        return {"reason": Reason.OVERRIDDEN, "admitted": people}

    def take_strike(self, now: datetime, body: Row) -> None:
        entry = self.entries[body["device"], body["nonce"]]
        check_strike(entry.record)
        entry.record = replace(entry.record, struck=True)

    # --- deals, buyers, venue ----------------------------------------------------------------

    def take_void(self, now: datetime, body: Row) -> None:
        deal_id = body["deal_id"]
        versions, hold = self.voids.setdefault(deal_id, []), self.holds.pop(deal_id, None)
        since = body.get("statuses_since")
        versions.append(
            Void(
                version=len(versions) + 1,
                committed_at=now,
                reason=body.get("reason", "withdrawn"),
                honour=self._honour(body.get("honour")),
                cost_bearer=CostBearer(body.get("cost_bearer", "platform")),
                statuses_since=datetime.fromisoformat(since)
                if since
                else default_statuses_since(versions, hold, now),
            )
        )

    def _honour(self, row: Row | None) -> Honour | None:
        if row is None:
            return None
        given = {name: row[name] for name in ("arrived_from", "admit_until") if row.get(name)}
        instants = {name: datetime.fromisoformat(text) for name, text in given.items()}
        arrived_by = datetime.fromisoformat(row["arrived_by"])
        return Honour.of(arrived_by, self.venue, **instants, max_people=row.get("max_people"))

    def take_restore(self, now: datetime, body: Row) -> None:
        versions = self.voids[body["deal_id"]]
        self.holds.pop(body["deal_id"], None)
        versions.append(
            replace(versions[-1], version=len(versions) + 1, committed_at=now, restored=True)
        )

    def take_hold(self, now: datetime, body: Row) -> None:
        deal_id = body["deal_id"]
        if self.void_of(deal_id) is not None:
            raise LedgerConflict("deal-voided", "the deal is voided; there is nothing to hold")
        scope = read_scope(body.get("scope"), self.venue)
        at_gate = AtGate(body.get("at_gate", "refer"))
        self.holds[deal_id] = Hold(now, body.get("reason", "price"), scope, at_gate)

    def take_release(self, now: datetime, body: Row) -> None:
        self.holds.pop(body["deal_id"], None)

    def take_closure(self, now: datetime, body: Row) -> None:
        """Declare, amend or restore a closure of the deals named."""
        earlier = self.closures.get(body["name"], [])
        ends = bool(body.get("restore"))
        given = (earlier[-1][1] if earlier else {}) | body
        closure = read_closure(given, self.venue, now, version=len(earlier) + 1, restored=ends)
        self.closures.setdefault(body["name"], []).append((closure, given))
        for deal_id, deal in self.deals.items():
            newest = [(versions[-1]) for versions in self.closures.values()]
            bound = [c for c, row in newest if not c.restored and deal_id in row["deals"]]
            self.deals[deal_id] = replace(deal, closures=in_order(bound))

    def take_block(self, now: datetime, body: Row) -> None:
        until = body.get("expires_at")
        name = (body["platform"], body["buyer_ref"])
        self.blocks[name] = datetime.fromisoformat(until) if until else None

    def take_lift(self, now: datetime, body: Row) -> None:
        self.blocks.pop((body["platform"], body["buyer_ref"]), None)

    def take_gate(self, now: datetime, body: Row) -> None:
        gate = self.gates[body["gate_id"]]
        self.gates[gate.gate_id] = replace(gate, state=GateState(body["state"]))

    def take_emergency(self, now: datetime, body: Row) -> None:
        self.facts = replace(self.facts, emergency=body["on"])

    def take_stale(self, now: datetime, stale: bool) -> None:
        # The list of keys reaches a scanner with its replica; the server's own is never old.
        self.facts = replace(self.facts, stale=stale, key_list_stale=stale and not self.online)

    def take_count(self, now: datetime, body: Row) -> None:
        people = body["people"] if body.get("direction", "entry") == "entry" else -body["people"]
        self.counts.append((self.venue.day_of(now), people))


def _turned(body: Row) -> int | None:
    return 0 if body.get("passage") else None


def _request(body: Row, scan: Scan) -> tuple[object, ...]:
    names = ("code", "token", "ticket", "slip", "refusal", "numbered")
    shown = next(str(body[name]) for name in names if name in body)
    return (shown, scan.mode, scan.direction, scan.party)


def _again(known: Entry, request: tuple[object, ...]) -> Answer:
    check_replay(known.record, same=request == known.request)
    verdict = known.verdict
    if known.record.overridden:
        verdict = replace(verdict, reason=Reason.OVERRIDDEN, people=known.record.overridden)
    return answer_of(verdict) | {"replayed": True}


def answer_of(verdict: Verdict) -> Answer:
    """Return what a scenario may expect of a verdict."""
    first, other = verdict.first_use, verdict.elsewhere
    return {
        "reason": verdict.reason,
        "outcome": verdict.outcome,
        "admitted": verdict.people,
        "remaining": verdict.remaining,
        "tickets": verdict.tickets,
        "named": [*say] if isinstance(say := verdict.say.get("tickets"), tuple | list) else None,
        "void_version": verdict.void_version,
        "marked": verdict.marked,
        "arrived_at": verdict.arrived_at,
        "first_use": None if first is None else {"at": first.at, "gate_id": first.gate_id},
        "elsewhere": None if other is None else {"at": other.at, "gate_id": other.gate_id},
        "replayed": False,
    }
