"""Plays a scenario of tests/vectors with every scan decided offline, by real scanners.

The ledger is real too: before each scan its replica is downloaded, and after it the scanner hands
over what it showed, so that the other scanners see it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from admission import wire
from admission.replica_columns import read_line
from admission.scans import Direction, Mode, PartyDefault, Profile
from admission.wire_outage import OfflinePassage, StateLine
from gate_server.ledger import corrections
from gate_server.ledger.journal_heads import Chains
from gate_server.ledger.offline import Recorder, Taken
from gate_server.segments import Segments
from gate_server.settings import read_settings
from gate_server.web.batches import read_line as read_batch_line
from scanner_client.annulment import Annulment
from scanner_client.clock import SteadyClock
from scanner_client.journal import Journal
from scanner_client.journal_rows import Owner, Settled
from scanner_client.offline import Offline
from scanner_client.replica import Replica
from scanner_client.replica_intake import open_intake
from scanner_client.seal import load_seal
from scanner_client.state import Told
from tests.ledger_player import Player
from tests.paper import Answer
from tests.paper_rows import Row

OLD = timedelta(minutes=10)


def never_asked(*_: object) -> int | None:
    """Decide about no stamp: a scanner that has a replica decides by itself."""
    raise AssertionError("a scanner with a replica sends no undecided stamp")


@dataclass
class Scanner:
    """A device that is cut off but for downloads and hand-overs."""

    device_id: str
    journal: Journal
    replica: Replica
    offline: Offline


class OfflinePlayer(Player):
    """A venue whose scanners decide everything by themselves."""

    def __init__(self, directory: Path, scenario: Row) -> None:
        super().__init__(directory, scenario)
        self.directory = directory
        self.stale = False
        venue = scenario.get("venue") or {}
        self.settings = replace(
            read_settings(directory),
            zone=venue.get("zone", "Asia/Shanghai"),
            day_starts_at=venue.get("day_starts_at", "00:00"),
            limit=venue.get("limit") or 0,
        )
        self.segments = Segments(self.ledger, self.keys, self.settings)
        self.scanners: dict[str, Scanner] = {}

    def close(self) -> None:
        for scanner in self.scanners.values():
            scanner.replica.close()
            scanner.journal.close()
        super().close()

    def _scanner(self, name: str) -> Scanner:
        if name not in self.scanners:
            self.scanners[name] = self._enrol(self.devices[name])
        scanner = self.scanners[name]
        device = self.ledger.catalogue.devices[scanner.device_id]
        gate = self.ledger.catalogue.gates[device.gate_id]
        default = PartyDefault(device.party_default)
        where = gate.gate_id, gate.name, gate.area
        scanner.offline.told = Told(device.device_id, *where, device.staffed, default)
        return scanner

    def _enrol(self, device_id: str) -> Scanner:
        directory = self.directory / device_id
        directory.mkdir()
        seal = load_seal(directory, print)
        owner = Owner(device_id, self.ledger.epoch, "boot")
        journal = Journal(directory, seal, owner, print)
        replica = Replica(directory, seal, print)
        told = Told(device_id, "", "", "", True, PartyDefault.ALL)
        offline = Offline(
            told,
            replica,
            journal,
            code_key="1." + "A" * 43,
            max_age=timedelta(days=9999),
            desk=self.ledger.catalogue.devices[device_id].profile is Profile.EXCHANGE,
        )
        return Scanner(device_id, journal, replica, offline)

    # --- the two ways between them ---------------------------------------------------------------

    def download(self, scanner: Scanner) -> None:
        """Bring a scanner's replica up to date; where the scenario is stale, with old news."""
        intake = open_intake(scanner.replica)
        cut = self.segments.cut()
        intake.begin(self.ledger.epoch)
        done = False
        for data in (cut.lines(intake.since) + cut.end).splitlines():
            done = intake.take(self._dated(data))
        assert done

    def _dated(self, data: bytes) -> bytes:
        line = read_line(data)
        if not isinstance(line, StateLine) or not self.stale:
            return data
        told_at = self.ledger.clock() - OLD
        return msgspec.json.encode(msgspec.structs.replace(line, server_time=told_at))

    def hand_over(self, scanner: Scanner) -> None:
        """Have the ledger record what a scanner showed."""
        waiting = scanner.journal.waiting(100)
        lines: list[Any] = [read_batch_line(each.body) for each in waiting]
        device, now = self.ledger.catalogue.devices[scanner.device_id], self.ledger.clock()
        chains = self.ledger.read(lambda db: Chains(db, device.device_id, offset_ms=None))
        links = chains.links(lines)

        def record(tx: Any) -> list[Any]:
            recorder = Recorder(tx, device, now, never_asked)
            return [
                recorder.take(Taken(line, link)) for line, link in zip(lines, links, strict=True)
            ]

        answers = self.ledger.write(record)
        assert [answer.problem for answer in answers] == [None] * len(lines)
        settled = [Settled(each.entry_id) for each in waiting]
        scanner.journal.settle(
            settled, epoch=self.ledger.epoch, revision=self.ledger.revision, now=now
        )

    # --- moves -----------------------------------------------------------------------------------

    def take_scan(self, now: datetime, body: Row) -> Answer:
        if body.get("mode") == "exchange":
            return super().take_scan(now, body)  # the server's alone
        scanner = self._scanner(body["device"])
        text = self._text(body)
        if "beside" in body:
            self.slip_code(body["beside"])
        self.download(scanner)
        request = wire.ScanRequest(
            nonce=body.get("nonce", f"nonce-{self.ledger.revision:06}"),
            code=text,
            mode=Mode(body.get("mode", "admit")),
            direction=Direction(body.get("direction", "entry")),
            party=body.get("party"),
            scanned_at=now,
            passage=body.get("passage", False),
            queue=self.queue_of(body),
            slip=self.slip_code(body["beside"]) if "beside" in body else None,
            operator="4711" if "queue" in body else None,
        )
        answer = scanner.offline.decide(request, now).answer
        self.hand_over(scanner)
        return _answer(answer)

    def take_annul(self, now: datetime, body: Row) -> Answer:
        if body.get("by") == "supervisor" or body.get("desk"):
            return super().take_annul(now, body)
        scanner = self._scanner(body["device"])
        self.download(scanner)
        own = scanner.journal.find(body["nonce"])
        assert own is not None
        clock = SteadyClock(wall=lambda: now, monotonic=lambda: 0.0, boot="boot")
        annulment = Annulment(None, None, scanner.journal, scanner.replica, clock)  # type: ignore[arg-type]
        before = annulment._look_up(own)[0].annulled
        request = wire.AnnulRequest(reason="-", people=body.get("people"))
        people = annulment._annul(own, request).people
        self.hand_over(scanner)
        return {"people": people if people != before else 0}

    def take_passage(self, now: datetime, body: Row) -> Answer:
        scanner = self._scanner(body["device"])
        line = OfflinePassage(passage=body["nonce"], people=body["people"], scanned_at=now)
        scanner.journal.amend(line, now)
        self.hand_over(scanner)
        device = self.devices[body["device"]]
        record = self.ledger.write(
            lambda tx: corrections.get_scan(tx, device, body["nonce"])
        ).record
        return {"turned": record.turned, "passed": record.passed}

    def take_stale(self, now: datetime, stale: bool) -> None:
        self.stale = stale
        super().take_stale(now, stale)


def _answer(answer: wire.ScanAnswer) -> Answer:
    voucher = answer.voucher
    first = voucher.first_use if voucher is not None else None
    other = (voucher.elsewhere or None) if voucher is not None else None
    return {
        "reason": answer.reason,
        "outcome": answer.outcome,
        "admitted": answer.admitted,
        "remaining": answer.remaining,
        "void_version": answer.void_version,
        "arrived_at": voucher.arrived_at if voucher is not None else None,
        "first_use": None if first is None else {"at": first.at, "gate_id": first.gate_id},
        "elsewhere": None if other is None else {"at": other.at, "gate_id": other.gate_id},
        "replayed": answer.replayed,
    }
