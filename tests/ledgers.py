"""A real ledger in a directory of its own, with a clock that the test sets."""

from __future__ import annotations

import atexit
import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from zoneinfo import ZoneInfo

from admission.calendar import Venue, to_ms
from admission.keys import code_hash
from admission.scans import Device, Direction, Gate, Mode, Profile
from gate_server.checkin import CheckIn, Decision, Limits, Presented
from gate_server.keyring import Keyring
from gate_server.ledger import actions, devices
from gate_server.ledger.directory import LEDGER
from gate_server.ledger.ledger import Ledger, create_ledger
from gate_server.ledger.session import Session, lay_reserve
from gate_server.secrets import new_enrolment_code

SHANGHAI = Venue(ZoneInfo("Asia/Shanghai"))
NINE = datetime(2015, 2, 12, 1, 0, tzinfo=UTC)  # 09:00 at the venue


class SetClock:
    """A clock that shows what it was told."""

    def __init__(self, at: datetime = NINE) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def advance(self, **by: float) -> None:
        self.at += timedelta(**by)


@cache
def _empty_ledger(now: datetime) -> Path:
    """Return a new ledger to be copied: to bring one through all migrations takes 80 ms."""
    directory = Path(mkdtemp(prefix="gatehouse-ledger-"))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    create_ledger(directory, now=now)
    return directory / LEDGER


class OpenVenue:
    """A venue with one deal `D` at gate `G1`, its ledger open, and one staffed device `D1`."""

    def __init__(self, directory: Path, *, clock: SetClock | None = None, limit: int | None = None):
        self.directory = directory
        self.clock = clock or SetClock()
        self.keys = Keyring.create(directory / "keys", now=self.clock())
        shutil.copy(_empty_ledger(self.clock()), directory)
        lay_reserve(directory)
        self.ledger = self.open()
        self.checkin = CheckIn(self.keys, Limits(limit, 300.0))
        self.change(lambda tx: actions.add_gate(tx, Gate("G1", "North", "park"), by="test"))
        self.device = self.enrol()
        self.sell([])

    def open(self) -> Ledger:
        return Ledger.open(self.directory, SHANGHAI, now=self.clock)

    def reopen(self) -> None:
        self.ledger.close()
        self.ledger = self.open()

    def change(self, work):
        return self.ledger.write(work, alone=True, urgent=True)

    def enrol(self, profile: Profile = Profile.GATE, gate: str = "G1") -> Device:
        code, now = new_enrolment_code(), self.clock()
        self.change(
            lambda tx: devices.new_enrolment(
                tx, code.stored, gate_id=gate, name="lane", profile=profile, by="test", now=now
            )
        )
        made = self.change(
            lambda tx: devices.enrol_device(tx, code.stored, nonce=None, name=None, now=now)
        )
        assert not isinstance(made, Exception)
        return made[0]

    def sell(self, codes: list[str], *, admits: int = 1) -> None:
        self.ledger.write(lambda tx: self._sell(tx, codes, admits), alone=True)

    def _sell(self, tx: Session, codes: list[str], admits: int) -> None:
        first, last = (to_ms(self.clock() + timedelta(days=days)) for days in (-2, 30))
        tx.db.execute(
            "INSERT INTO deals (deal_no, deal_id, platform, title, product, category, rights,"
            " face_price_minor, currency, valid_from, valid_until, weekdays, not_on, hours,"
            " early_minutes, late_minutes, gates, reentry, updated_at, revision)"
            " VALUES (1, 'D', 'P', 'Combined ticket', '', 'adult', ?, 26000, 'CNY', ?, ?, ?,"
            " '[]', '[]', 0, 0, '[]', 'none', 0, ?) ON CONFLICT DO NOTHING",
            (json.dumps([["park", 1, False]]), first, last, json.dumps([*range(1, 8)]),
             tx.next_revision()),
        )  # fmt: skip
        key = self.keys.code_key(self.clock())
        for code in codes:
            tx.db.execute(
                "INSERT INTO vouchers (credential_key, platform, deal_no, tail, admits, status,"
                " updated_at, revision) VALUES (?, 'P', 1, ?, ?, 'valid', 0, ?)",
                (code_hash(code, key), code[-4:], admits, tx.next_revision()),
            )
        tx.touched.add("deals")

    def presented(self, code: str, nonce: str, **options) -> Presented:
        device = options.get("device", self.device)
        return Presented(
            device=device,
            nonce=nonce,
            mode=options.get("mode", Mode.ADMIT),
            direction=options.get("direction", Direction.ENTRY),
            party=options.get("party"),
            received_at=self.ledger.clock(),
            scanned_at=options.get("scanned_at"),
            operator=None,
            code=self.checkin.read(code),
        )

    def scan(self, code: str, nonce: str, **options) -> Decision:
        presented = self.presented(code, nonce, **options)
        return self.ledger.write(lambda tx: self.checkin.run(tx, presented))

    def rows(self, sql: str, *values: object) -> list[tuple]:
        return self.ledger.read(lambda db: db.execute(sql, values).fetchall())


@contextmanager
def a_venue(directory: Path, **options) -> Iterator[OpenVenue]:
    """Make a venue and close its ledger at the end."""
    venue = OpenVenue(directory, **options)
    try:
        yield venue
    finally:
        venue.ledger.close()


def tamper(directory: Path, *statements: str) -> None:
    """Change a closed ledger behind the server's back."""
    db = sqlite3.connect(directory / "ledger.db", isolation_level=None)
    for statement in statements:
        db.execute(statement)
    db.close()
