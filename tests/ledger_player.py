"""Plays a scenario of tests/vectors through the real ledger, its writer and the check-in."""

from __future__ import annotations

import shutil
from datetime import date, datetime, time
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any
from zoneinfo import ZoneInfo

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from admission.calendar import Venue
from admission.deals import AtGate
from admission.errors import LedgerConflict
from admission.keys import buyer_hash
from admission.rows import RowReader
from admission.scans import Direction, Gate, GateState, Mode, PartyDefault, Profile
from admission.tokens import Purpose, Token, credential_key, write_token
from admission.verdicts import Reason, Verdict
from admission.voids import CostBearer
from admission.wire_staff import HonourWire, VoidRequest
from gate_server.checkin import CheckIn, Limits, Presented
from gate_server.decisions import Decision, stored_decision
from gate_server.keyring import Keyring
from gate_server.ledger import actions, corrections, counts, devices, refunds, slips, tickets
from gate_server.ledger.imports import Batch, import_deals, import_vouchers
from gate_server.ledger.ledger import Ledger, create_ledger
from gate_server.ledger.prepared import PreparedDeal, Preparer
from gate_server.ledger.scans import find_vouchers, record_scan, records_of, terms_of
from gate_server.secrets import new_enrolment_code
from tests.ledger_slips import RefusalSlips
from tests.ledgers import SetClock
from tests.paper import Answer, answer_of
from tests.paper_rows import Row, read_scope
from tests.player_arrivals import ArrivalSteps
from tests.player_closures import ClosureSteps

START = datetime.fromisoformat("2015-01-01T00:00:00Z")
STRANGER = Ed25519PrivateKey.from_private_bytes(bytes(32))


@cache
def template() -> tuple[Path, Keyring]:
    """Return an empty ledger's directory to copy, and the keys that every scenario shares."""
    directory = Path(mkdtemp(prefix="gatehouse-template-"))
    keys = Keyring.create(directory / "keys", now=START)
    create_ledger(directory, now=START)
    return directory, keys


class Player(ArrivalSteps, ClosureSteps, RefusalSlips):
    """A venue as a scenario describes it, in a ledger of its own."""

    def __init__(self, directory: Path, scenario: Row) -> None:
        source, self.keys = template()
        shutil.copy(source / "ledger.db", directory / "ledger.db")
        row = scenario.get("venue") or {}
        starts_at = time.fromisoformat(row.get("day_starts_at", "00:00"))
        self.venue = Venue(ZoneInfo(row.get("zone", "Asia/Shanghai")), starts_at)
        self.clock = SetClock(START)
        self.ledger = Ledger.open(directory, self.venue, now=self.clock)
        self.checkin = CheckIn(self.keys, Limits(row.get("limit"), 300.0))
        self.devices: dict[str, str] = {}
        self.blocks: dict[tuple[str, str], int] = {}
        self.tickets: list[tickets.Shown] = []
        self.slips: list[slips.Slip] = []
        super().__init__()
        self.start_arrivals()
        self.start_closures()
        for gate in scenario["gates"]:
            self._add_gate(gate)
        for device in scenario["devices"]:
            self._add_device(device)
        self.take_deals(START, scenario.get("deals") or [])
        self.take_vouchers(START, scenario.get("vouchers") or [])

    def close(self) -> None:
        self.ledger.close()

    def play(self, step: Row) -> Answer:
        """Play one step; a problem is an answer too."""
        now = self.clock.at = datetime.fromisoformat(step["at"])
        name = next(key for key in step if key not in {"at", "expect"})
        try:
            answer = getattr(self, f"take_{name}")(now, step[name])
        except LedgerConflict as conflict:
            return {"problem": conflict.slug}
        return answer or {}

    def _act(self, work: Any) -> Any:
        return self.ledger.write(work, alone=True, urgent=True)

    def _add_gate(self, row: Row) -> None:
        state = GateState(row.get("state", "open"))
        gate = Gate(row["gate_id"], row.get("name", "-"), row.get("area", "park"), state)
        self._act(lambda tx: actions.add_gate(tx, gate, by="test"))

    def _add_device(self, row: Row) -> None:
        code, profile = new_enrolment_code(), Profile(row.get("profile", "gate"))

        def enrol(tx: Any) -> Any:
            where = {"gate_id": row["gate_id"], "name": "-", "profile": profile}
            devices.new_enrolment(tx, code.stored, **where, by="test", now=START)
            return devices.enrol_device(tx, code.stored, nonce=None, name=None, now=START)

        made = self._act(enrol)
        self.devices[row["device_id"]] = made[0].device_id
        if "party_default" in row:
            party = PartyDefault(row["party_default"])
            self._act(lambda tx: devices.set_party_default(tx, made[0].device_id, party, by="t"))

    # --- scans -----------------------------------------------------------------------------------

    def _presented(self, now: datetime, body: Row) -> Presented:
        nonce = body.get("nonce", f"nonce-{self.ledger.revision:06}")
        text = self._text(body)
        return Presented(
            device=self.ledger.catalogue.devices[self.devices[body["device"]]],
            nonce=nonce,
            mode=Mode(body.get("mode", "admit")),
            direction=Direction(body.get("direction", "entry")),
            party=body.get("party"),
            received_at=now,
            scanned_at=None,
            operator="4711" if "queue" in body else None,
            code=self.checkin.read(text),
            passage=body.get("passage", False),
            queue=self.queue_of(body),
            slip=self.checkin.read(self.slip_code(body["beside"])) if "beside" in body else None,
        )

    def take_scan(self, now: datetime, body: Row) -> Answer:
        scan = self._presented(now, body)
        decision = self.ledger.write(lambda tx: self.checkin.run(tx, scan))
        if not decision.replayed:
            self.tickets += decision.tickets
        return _answer(decision)

    def _text(self, body: Row) -> str:
        if "ticket" in body:
            return self.tickets[body["ticket"] - 1].code
        if "numbered" in body:
            return self.slip_code(body["numbered"])
        if "slip" in body:
            return self.slips[body["slip"] - 1].code
        if "refusal" in body:
            return self.refusals[body["refusal"] - 1]
        return self._token(body["token"]) if "token" in body else str(body["code"])

    def take_reprint(self, now: datetime, body: Row) -> None:
        name = self.tickets[body["ticket"] - 1].ticket.ticket

        def reprint(tx: Any) -> Any:
            anne = tickets.Maker("anne")
            made = tickets.reprint_ticket(tx, self.keys, name, reason="-", by=anne)
            return tickets.show_tickets(tx, self.keys, [made])

        self.tickets += self.ledger.write(reprint)

    def take_slip(self, now: datetime, body: Row) -> None:
        device, nonce = self.devices[body["device"]], body["nonce"]

        def slip(tx: Any) -> Any:
            scan = corrections.get_scan(tx, device, nonce)
            return slips.record_slip(tx, self.keys, scan, by=device)

        self.slips.append(self.ledger.write(slip))

    def take_record(self, now: datetime, body: Row) -> None:
        """Record what an offline scanner showed, at its own time."""
        scan = self._presented(now, body)
        shown = Verdict(Reason(body["verdict"]["reason"]), body["verdict"]["admitted"])
        self.ledger.write(lambda tx: self._record(tx, scan, shown, body["scanned_at"]))

    def _record(self, tx: Any, scan: Presented, shown: Verdict, scanned_at: str) -> None:
        gate = tx.catalogue.gates[scan.device.gate_id]
        assert scan.code is not None
        rows = find_vouchers(tx, scan.code.keys)
        new = self.checkin._new_scan(scan, gate, rows)
        new.scan_at = datetime.fromisoformat(scanned_at)
        records = [record for record, _ in records_of(tx, rows[0])] if rows else []
        history = corrections.fold(records, terms_of(new.row), tx.venue)
        detail = {"passage": True} if new.watched else {}
        record_scan(tx, new, shown, detail, history=history, records=records)

    def _token(self, row: Row) -> str:
        signing = self.keys.signing_key(START)
        key_id, signer = {
            "known": (signing.key_id, signing.private_key),
            "forged": (signing.key_id, STRANGER),
            "unknown": (99, STRANGER),
        }[row["key"]]
        deal = self.ledger.catalogue.deal(row["deal_id"])
        token = Token(
            key_id=key_id,
            voucher_number=row["voucher_number"],
            deal_number=deal.deal_no if deal else 9999,
            first_day=date.fromisoformat(row["first_day"]),
            last_day=date.fromisoformat(row["last_day"]),
            admits=row["admits"],
            purpose=Purpose.VOUCHER,
        )
        text = write_token(token, signer)
        if row.get("held") and deal is not None:
            self._hold_row(text, credential_key(token), row)
        return text

    def _hold_row(self, text: str, key: bytes, row: Row) -> None:
        sql = "SELECT 1 FROM vouchers WHERE credential_key = ?"
        if not self.ledger.read(lambda db: db.execute(sql, (key,)).fetchone()):
            window = {"valid_from": row["first_day"], "valid_until": row["last_day"]}
            sold = {"code": text, "deal_id": row["deal_id"], "admits": row["admits"], **window}
            self.take_vouchers(START, [sold])

    # --- corrections -----------------------------------------------------------------------------

    def take_annul(self, now: datetime, body: Row) -> Answer:
        device, nonce = self.devices[body["device"]], body["nonce"]
        by = corrections.Actor(device, supervisor=body.get("by") == "supervisor")
        people = body.get("people")

        def annul(tx: Any) -> int:
            before = corrections.get_scan(tx, device, nonce).record.annulled
            after = corrections.annul_scan(
                tx, device, nonce, people=people, reason="-", by=by, now=now
            ).record.annulled
            return after if after != before else 0

        return {"people": self.ledger.write(annul)}

    def take_passage(self, now: datetime, body: Row) -> Answer:
        device, nonce, people = self.devices[body["device"]], body["nonce"], body["people"]
        record = self.ledger.write(
            lambda tx: corrections.record_passage(tx, device, nonce, people=people, now=now)
        ).record
        return {"turned": record.turned, "passed": record.passed}

    def take_override(self, now: datetime, body: Row) -> Answer:
        device, nonce = self.devices[body["device"]], body["nonce"]

        def override(tx: Any) -> Decision:
            stored = corrections.override_scan(
                tx,
                device,
                nonce,
                party=body.get("party"),
                reason="-",
                cost_bearer=CostBearer(body.get("cost_bearer", "venue")),
                by=corrections.Actor("anne", supervisor=True),
                now=now,
            )
            return stored_decision(tx, stored, corrections.row_of(tx, stored))

        return _answer(self.ledger.write(override))

    def take_strike(self, now: datetime, body: Row) -> None:
        device, by = self.devices[body["device"]], corrections.Actor("anne", supervisor=True)
        self.ledger.write(
            lambda tx: corrections.strike_scan(
                tx, device, body["nonce"], reason="-", by=by, now=now
            )
        )

    # --- deals, buyers, venue ---------------------------------------------------------------------

    def take_void(self, now: datetime, body: Row) -> None:
        honour = body.get("honour")
        instants = ("arrived_by", "arrived_from", "admit_until")
        if honour is not None:
            given = {
                key: datetime.fromisoformat(value) if key in instants else value
                for key, value in honour.items()
                if value is not None
            }
            honour = HonourWire(**given)
        since = body.get("statuses_since")
        terms = VoidRequest(
            reason=body.get("reason", "withdrawn"),
            honour=honour,
            cost_bearer=CostBearer(body.get("cost_bearer", "platform")),
            statuses_since=datetime.fromisoformat(since) if since else None,
        )
        self._act(lambda tx: actions.void_deal(tx, body["deal_id"], terms, by="anne", now=now))

    def take_restore(self, now: datetime, body: Row) -> None:
        deal_id = body["deal_id"]
        self._act(lambda tx: actions.restore_deal(tx, deal_id, reason="-", by="anne", now=now))

    def take_hold(self, now: datetime, body: Row) -> None:
        terms = {
            "reason": body.get("reason", "price"),
            "scope": read_scope(body.get("scope"), self.venue),
            "at_gate": AtGate(body.get("at_gate", "refer")),
        }
        self._act(lambda tx: actions.hold_deal(tx, body["deal_id"], **terms, by="anne", now=now))

    def take_release(self, now: datetime, body: Row) -> None:
        deal_id = body["deal_id"]
        self._act(lambda tx: actions.release_deal(tx, deal_id, reason="-", by="anne", now=now))

    def take_block(self, now: datetime, body: Row) -> None:
        who = body["platform"], body["buyer_ref"]
        buyer = buyer_hash(*who, self.keys.buyer_key())
        until = body.get("expires_at")
        expires_at = datetime.fromisoformat(until) if until else None
        self.blocks[who] = self._act(
            lambda tx: actions.block_buyer(
                tx, who[0], buyer, reason="-", expires_at=expires_at, by="anne", now=now
            )
        )

    def take_lift(self, now: datetime, body: Row) -> None:
        block_id = self.blocks[body["platform"], body["buyer_ref"]]
        self._act(lambda tx: actions.lift_block(tx, block_id, reason="-", by="anne", now=now))

    def take_deals(self, now: datetime, rows: list[Row]) -> None:
        reader = RowReader(self.venue)
        usual = {"platform": "lvtu", "face_price_minor": 26000, "currency": "CNY"}
        deals = [
            reader.deal({"title": row["deal_id"], **usual, **row}, updated_at=now) for row in rows
        ]
        prepared = [PreparedDeal(line, deal) for line, deal in enumerate(deals, 1)]
        assert not import_deals(self.ledger, prepared, source="test", by="test").rejected

    def take_vouchers(self, now: datetime, rows: list[Row]) -> None:
        platforms = {deal.deal_id: deal.platform for deal in self.ledger.catalogue.deals.values()}
        preparer, reader = Preparer(self.keys, platforms, now=now), RowReader(self.venue)
        sealed: dict[bytes, bytes] = {}
        prepared = [
            preparer.voucher(line, reader.voucher(row, updated_at=now), sealed)
            for line, row in enumerate(rows, 1)
        ]
        batch = Batch(prepared, sealed, "test", "test")
        assert not import_vouchers(self.ledger, batch, self.keys.code_keys).rejected

    def take_refund(self, now: datetime, body: Row) -> Answer:
        keys = self.checkin.read(body["code"]).keys
        asked = refunds.Asked(
            platform=body.get("platform", "lvtu"),
            request_id=body["id"],
            content=b"the same",
            people=body.get("people"),
            keys=keys,
        )
        answer = self.ledger.write(lambda tx: refunds.decide_request(tx, asked, now=now))
        return {
            "decision": answer.decision,
            "reason": answer.reason,
            "people": answer.people,
            "refundable": answer.refundable,
        }

    def take_withdraw(self, now: datetime, body: Row) -> None:
        platform, name = body.get("platform", "lvtu"), body["id"]
        self.ledger.write(lambda tx: refunds.withdraw_request(tx, platform, name, now=now))

    def take_gate(self, now: datetime, body: Row) -> None:
        state = GateState(body["state"])
        self._act(
            lambda tx: actions.set_gate_state(tx, body["gate_id"], state, reason="-", by="anne")
        )

    def take_emergency(self, now: datetime, body: Row) -> None:
        self._act(lambda tx: actions.set_emergency(tx, body["on"], reason="-", by="anne"))

    def take_stale(self, now: datetime, stale: bool) -> None:
        def feed(tx: Any) -> None:
            tx.db.execute("DELETE FROM feeds")
            tx.db.execute(
                "INSERT INTO feeds (platform, kind, accepted_at) VALUES ('lvtu', 'native', ?)",
                (None if stale else 2**42,),
            )
            tx.touched.add("feeds")

        self._act(feed)

    def take_count(self, now: datetime, body: Row) -> None:
        device = self.devices[body["device"]]
        gate_id = self.ledger.catalogue.devices[device].gate_id
        count = {
            "kind": body["kind"],
            "people": body["people"],
            "direction": Direction(body.get("direction", "entry")),
        }
        nonce = f"count-{self.ledger.revision:06}"
        self.ledger.write(
            lambda tx: counts.record_count(tx, device, nonce, gate_id=gate_id, **count, now=now)
        )


def _answer(decision: Decision) -> Answer:
    return answer_of(decision.verdict) | {"replayed": decision.replayed}
