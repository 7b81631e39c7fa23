"""Make a venue with very many vouchers quickly, straight into the ledger's tables."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

from admission.calendar import to_ms
from admission.keys import code_hash
from admission.scans import Gate, Profile
from gate_server.keyring import Keyring
from gate_server.ledger import actions, devices
from gate_server.ledger.ledger import OpenDirectory, create_ledger, utc_now
from gate_server.ledger.session import Session
from gate_server.secrets import new_enrolment_code
from gate_server.settings import default_file, read_settings

GATES = 12
_CODE = "{:08d}-GATE-2015"


@dataclass(frozen=True, slots=True)
class SeededVenue:
    """A venue made for a benchmark.

    Attributes:
        tokens: bearer tokens of its enrolled devices.
    """

    directory: Path
    tokens: tuple[str, ...]
    vouchers: int

    def code(self, number: int) -> str:
        """Return the code of a voucher, by its number from 0."""
        return _CODE.format(number)


def seed(
    directory: Path, *, vouchers: int, devices_wanted: int = 32, orders: bool = False
) -> SeededVenue:
    """Make DIR with gates, enrolled devices, one deal and its vouchers as a night sale sold them.

    Args:
        orders: whether the platform told the orders' numbers.
    """
    directory.mkdir(parents=True)
    now = utc_now()
    create_ledger(directory, now=now)
    keys = Keyring.create(directory / "keys", now=now)
    (directory / "gate.toml").write_text(default_file(), "utf-8")
    with OpenDirectory(directory, read_settings(directory).venue) as ledger:
        for number in range(1, GATES + 1):
            ledger.write(partial(_add_gate, number=number), alone=True)
        tokens = tuple(
            ledger.write(partial(_enrol, number=number), alone=True)
            for number in range(devices_wanted)
        )
        ledger.write(lambda tx: _sell(tx, keys, vouchers, orders=orders), patient=True)
    return SeededVenue(directory, tokens, vouchers)


def _add_gate(tx: Session, number: int) -> None:
    actions.add_gate(tx, Gate(f"G{number}", f"Gate {number}", "park"), by="bench")


def _enrol(tx: Session, number: int) -> str:
    now, code = tx.clock(), new_enrolment_code()
    devices.new_enrolment(
        tx,
        code.stored,
        gate_id=f"G{number % GATES + 1}",
        name=f"lane {number}",
        profile=Profile.GATE,
        by="bench",
        now=now,
    )
    made = devices.enrol_device(tx, code.stored, nonce=f"bench-{number:04}", name=None, now=now)
    if isinstance(made, Exception):
        raise made
    return made[1]


def _sell(tx: Session, keys: Keyring, vouchers: int, *, orders: bool) -> None:
    now = tx.clock()
    first, last = to_ms(now - timedelta(days=1)), to_ms(now + timedelta(days=30))
    tx.db.execute(
        "INSERT INTO deals (deal_no, deal_id, platform, title, product, category, rights,"
        " face_price_minor, currency, valid_from, valid_until, weekdays, not_on, hours,"
        " early_minutes, late_minutes, gates, reentry, updated_at, revision)"
        " VALUES (1, 'BENCH', 'bench', 'Combined ticket', '', 'adult', '[[\"park\",1,false]]',"
        " 26000, 'CNY', ?, ?, '[1,2,3,4,5,6,7]', '[]', '[]', 0, 0, '[]', 'none', 0, ?)",
        (first, last, tx.next_revision()),
    )
    tx.db.executemany(
        "INSERT INTO vouchers (credential_key, platform, deal_no, tail, admits, price_paid_minor,"
        " status, updated_at, sold_at, status_at, buyer_no, order_ref, revision)"
        " VALUES (?1, 'bench', 1, '2015', 1, ?2, 'valid', ?4, ?3, ?3, ?5, ?6, ?7)",
        _rows(tx, keys, vouchers, orders=orders),
    )
    tx.touched.add("deals")


def _rows(
    tx: Session, keys: Keyring, vouchers: int, *, orders: bool
) -> Iterator[tuple[object, ...]]:
    """Yield vouchers of orders of one to five, sold in two hours; one buyer in 20 comes again."""
    key, chance = keys.code_key(tx.clock()), random.Random(2015)
    sold_ms, buyers, buyer, left, order = to_ms(tx.clock()) - 86_400_000, 0, 0, 0, 0
    for number in range(vouchers):
        if not left:
            left, order = chance.choice((1, 1, 2, 2, 2, 3, 4, 5)), order + 1
            sold_ms += round(chance.expovariate(1 / 55))
            buyers += (new := not buyers or chance.random() > 0.05)
            buyer = buyers if new else chance.randint(1, buyers)
        left -= 1
        order_ref = f"8{order:014}" if orders else None
        code = code_hash(_CODE.format(number), key)
        yield code, 1, sold_ms, 0, buyer, order_ref, tx.next_revision()
