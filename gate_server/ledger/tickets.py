"""Tickets in the ledger: print them for a voucher, print one anew, take them back, list them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass, replace
from datetime import date, datetime
from typing import Final

from admission.calendar import to_ms
from admission.cases import Family
from admission.closures import valid_until
from admission.codes import tail
from admission.deals import Deal
from admission.errors import NotFound
from admission.history import Record
from admission.tickets import (
    Living,
    check_reprint,
    days_of,
    is_used,
    join_family,
    name_of,
    price_shares,
    tickets_to_annul,
)
from admission.tokens import Purpose, Token, credential_key, write_token
from gate_server.keyring import Keyring
from gate_server.ledger.lanes import ANNULLED, ISSUED, REPRINTED, LaneDelta, correction
from gate_server.ledger.numbers import take_voucher_numbers
from gate_server.ledger.scans import NewScan, StoredScan, VoucherRow, find_voucher, records_of
from gate_server.ledger.session import Row, Session

# The fields of a Ticket, in their order.
_COLUMNS: Final = (
    "voucher_id, ticket, parent_id, scan_id, place, row_of, key_id, number, deal_no, first_day,"
    " last_day, dead_at, replaced_by"
)
_OF: Final = f"SELECT {_COLUMNS} FROM tickets"  # noqa: S608 - names of ours
_INSERT: Final = f"""
INSERT INTO tickets ({_COLUMNS}, made_at, made_by, operator) VALUES ({", ".join("?" * 16)})
"""  # noqa: S608
_NEWEST: Final = "SELECT MAX(voucher_id) FROM vouchers"
# Its status and its window are its parent's, whatever stands here.
_CHILD: Final = """
INSERT INTO vouchers (voucher_id, credential_key, platform, deal_no, tail, admits, valid_from,
    valid_until, status, sold_at, updated_at, buyer_no, price_paid_minor, parent_id, revision)
SELECT ?, ?, platform, deal_no, ?, 1, valid_from, valid_until, 'valid', sold_at, ?, buyer_no,
    ?, voucher_id, ? FROM vouchers WHERE voucher_id = ?
"""
_LIVING: Final = "SELECT COUNT(*) FROM vouchers WHERE parent_id = ? AND NOT dead"
_CHILDREN: Final = "SELECT voucher_id FROM vouchers WHERE parent_id = ? ORDER BY voucher_id"


@dataclass(frozen=True, slots=True)
class Ticket:
    """One ticket as the ledger has it.

    Attributes:
        place, row_of: the first of two that were printed together is 1 of 2.
        key_id to last_day: what its token states.
        replaced_by: the ticket that was printed in its place.
    """

    voucher_id: int
    ticket: str
    parent_id: int
    scan_id: int
    place: int
    row_of: int
    key_id: int
    number: int
    deal_no: int
    first_day: date
    last_day: date
    dead_at: int | None = None
    replaced_by: int | None = None

    @property
    def token(self) -> Token:
        """What its code says; the same for ever."""
        days = self.first_day, self.last_day
        return Token(self.key_id, self.number, self.deal_no, *days, 1, Purpose.TICKET)


@dataclass(frozen=True, slots=True)
class Maker:
    """Who makes tickets: a device or a member of staff, and the operator who stood there."""

    name: str
    operator: str | None = None


@dataclass(frozen=True, slots=True)
class Taking:
    """How tickets are taken back.

    Attributes:
        people: in all; None: all of them.
        person: who did it at the lane, for the audit.
        unhurried: the time limit of a device does not bind.
    """

    people: int | None
    reason: str
    by: str
    person: Mapping[str, str]
    unhurried: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """A ticket with what is printed on it."""

    ticket: Ticket
    code: str
    tail: str
    deal: Deal
    valid_from: datetime
    valid_until: datetime


# --- the family ----------------------------------------------------------------------------------


def find_parent(tx: Session, row: VoucherRow) -> VoucherRow:
    """Return the voucher as sold: of a ticket its parent, else the row itself."""
    parent_id = row.voucher.parent_id
    parent = row if parent_id is None else find_voucher(tx, parent_id)
    return row if parent is None else parent


def find_tickets(tx: Session, parent: VoucherRow) -> list[VoucherRow]:
    """Return every ticket that a voucher was exchanged for, dead ones too."""
    found = tx.db.execute(_CHILDREN, (parent.voucher.voucher_id,)).fetchall()
    rows = (find_voucher(tx, each[0]) for each in found)
    return [row for row in rows if row is not None]


def find_family(tx: Session, row: VoucherRow) -> Family | None:
    """Return what a voucher and its tickets have in common; None where there are none."""
    if not row.has_family:
        return None
    parent = find_parent(tx, row)
    tickets = [record for each in find_tickets(tx, parent) for record in _records(tx, each)]
    return join_family(parent.voucher, parent.deal, _records(tx, parent), tickets, tx.venue)


def _records(tx: Session, row: VoucherRow) -> list[Record]:
    return [record for record, _ in records_of(tx, row)]


# --- print ---------------------------------------------------------------------------------------


def record_tickets(
    tx: Session, keys: Keyring, scan: NewScan, row: VoucherRow, scan_id: int, *, people: int
) -> list[Ticket]:
    """Exchange people of a voucher for tickets, one each, inside the exchange's transaction."""
    by = Maker(scan.device.device_id, scan.operator)
    first = take_voucher_numbers(tx, people)
    key_id = keys.signing_key(tx.clock()).key_id
    days = days_of(row.voucher, row.deal, tx.venue)
    voucher_id = tx.db.execute(_NEWEST).fetchone()[0]
    made = [
        Ticket(
            voucher_id + place,
            name_of(key_id, first + place - 1),
            row.voucher.voucher_id,
            scan_id,
            place,
            people,
            key_id,
            first + place - 1,
            row.deal.deal_no,
            *days,
        )
        for place in range(1, people + 1)
    ]
    before = tx.db.execute(_LIVING, (row.voucher.voucher_id,)).fetchone()[0]
    shares = [*price_shares(row.voucher.price_paid_minor, row.voucher.admits)]
    for ticket, number in zip(made, range(before, before + people), strict=True):
        _insert(tx, keys, ticket, price_minor=shares[number % len(shares)], by=by)
    _recount(tx, row.voucher.voucher_id)
    names = [ticket.ticket for ticket in made]
    tx.record_event("tickets", {"scan_id": scan_id, "tickets": names, "by": by.name})
    lane = (to_ms(scan.scan_at), scan.gate.gate_id, by.name, by.operator or "", ISSUED)
    tx.count_lane(LaneDelta(*lane, scans=people))
    return made


def _insert(
    tx: Session, keys: Keyring, ticket: Ticket, *, price_minor: int | None, by: Maker
) -> None:
    token, at = ticket.token, to_ms(tx.clock())
    code = write_token(token, keys.token_key(token.key_id).private_key)
    key = credential_key(token)
    values = (ticket.voucher_id, key, tail(code), at, price_minor, tx.next_revision())
    tx.db.execute(_CHILD, (*values, ticket.parent_id))
    said = (each.isoformat() if isinstance(each, date) else each for each in astuple(ticket))
    tx.db.execute(_INSERT, (*said, at, by.name, by.operator))


def _recount(tx: Session, parent_id: int) -> None:
    """Let a voucher say how many of its people are on living tickets, and scanners hear of it."""
    living = tx.db.execute(_LIVING, (parent_id,)).fetchone()[0]
    sql = "UPDATE vouchers SET exchanged = ?, revision = ? WHERE voucher_id = ?"
    tx.db.execute(sql, (living, tx.next_revision(), parent_id))


# --- print anew, take back -----------------------------------------------------------------------


def get_ticket(tx: Session, name: str) -> Ticket:
    """Return a ticket by its name.

    Raises:
        NotFound: there is none.
    """
    row = tx.db.execute(f"{_OF} WHERE ticket = ?", (name,)).fetchone()
    if row is None:
        raise NotFound(f"no ticket {name[:40]}")
    return _read(row)


def reprint_ticket(tx: Session, keys: Keyring, name: str, *, reason: str, by: Maker) -> Ticket:
    """Put a new ticket in the place of one; the first is dead from now on.

    Raises:
        NotFound: there is none of that name.
        LedgerConflict: `ticket-dead`, `ticket-used`.
    """
    old = get_ticket(tx, name)
    check_reprint(used=is_used_ticket(tx, old), dead=old.dead_at is not None)
    row = find_voucher(tx, old.voucher_id)
    number, signing = take_voucher_numbers(tx, 1), keys.signing_key(tx.clock())
    parent = find_voucher(tx, old.parent_id)
    days = (old.first_day, old.last_day)
    if parent is not None:
        days = days_of(parent.voucher, parent.deal, tx.venue)
    new = replace(
        old,
        voucher_id=tx.db.execute(_NEWEST).fetchone()[0] + 1,
        ticket=name_of(signing.key_id, number),
        key_id=signing.key_id,
        number=number,
        first_day=days[0],
        last_day=days[1],
    )
    price = None if row is None else row.voucher.price_paid_minor
    _insert(tx, keys, new, price_minor=price, by=by)
    _end(tx, old, by=by.name, replaced_by=new.voucher_id)
    _recount(tx, old.parent_id)
    fields = {"ticket": old.ticket, "new": new.ticket, "reason": reason, "by": by.name}
    person = {} if by.operator is None else {"operator": by.operator}
    tx.record_event("ticket_reprint", fields, personal=person)
    _count_reprint(tx, new, by)
    return new


def _count_reprint(tx: Session, new: Ticket, by: Maker) -> None:
    """Count a ticket that was printed anew at the desk that did it, else at that of its row."""
    device = tx.catalogue.devices.get(by.name)
    if device is None:
        sql = "SELECT gate_id, device_id FROM scans WHERE scan_id = ?"
        gate_id, device_id = tx.db.execute(sql, (new.scan_id,)).fetchone()
    else:
        gate_id, device_id = device.gate_id, device.device_id
    lane = (to_ms(tx.clock()), gate_id, device_id, by.operator or "", REPRINTED)
    tx.count_lane(LaneDelta(*lane, scans=1))


def _end(tx: Session, ticket: Ticket, *, by: str, replaced_by: int | None = None) -> None:
    tx.db.execute(
        "UPDATE tickets SET dead_at = ?, dead_by = ?, replaced_by = ? WHERE voucher_id = ?",
        (to_ms(tx.clock()), by, replaced_by, ticket.voucher_id),
    )
    sql = "UPDATE vouchers SET dead = 1, revision = ? WHERE voucher_id = ?"
    tx.db.execute(sql, (tx.next_revision(), ticket.voucher_id))


def annul_tickets(tx: Session, scan: StoredScan, asked: Taking, *, now: datetime) -> None:
    """Take back unused tickets of an exchange; their people are on the voucher again."""
    made = {each.voucher_id: each for each in tickets_of_scan(tx, scan.scan_id)}
    living = [
        Living(each.voucher_id, each.place, is_used_ticket(tx, each)) for each in made.values()
    ]
    record, people = scan.record, asked.people
    late = asked.unhurried
    ended = tickets_to_annul(record, living, people=people, now=now, by_supervisor=late)
    if not ended:
        return
    for each in ended:
        _end(tx, made[each.voucher_id], by=asked.by)
    _recount(tx, made[ended[0].voucher_id].parent_id)
    in_all = record.annulled + len(ended)
    names = [made[each.voucher_id].ticket for each in ended]
    fields = {"scan_id": scan.scan_id, "people": in_all, "by": asked.by, "reason": asked.reason}
    revision = tx.record_event("annul", {**fields, "tickets": names}, personal=asked.person)
    tx.db.execute(
        "UPDATE scans SET annulled = ?, annuls = annuls + 1, annulled_at = ?, corrected = ?"
        " WHERE scan_id = ?",
        (in_all, to_ms(now), revision, scan.scan_id),
    )
    tx.count_lane(correction(record, record, scan.operator, annuls=1))
    lane = (to_ms(record.scan_at), record.gate_id, record.device_id, scan.operator or "", ANNULLED)
    tx.count_lane(LaneDelta(*lane, scans=len(ended)))


def is_used_ticket(tx: Session, ticket: Ticket) -> bool:
    """Say whether a ticket has let somebody in who was not taken back."""
    row = find_voucher(tx, ticket.voucher_id)
    return row is not None and is_used(_records(tx, row))


_UNEQUAL: Final = """
SELECT v.voucher_id, COALESCE(v.exchanged, 0), COUNT(t.voucher_id)
FROM vouchers v LEFT JOIN vouchers t ON t.parent_id = v.voucher_id AND NOT t.dead
WHERE v.exchanged IS NOT NULL
   OR v.voucher_id IN (SELECT parent_id FROM vouchers WHERE parent_id IS NOT NULL)
GROUP BY v.voucher_id HAVING COALESCE(v.exchanged, 0) <> COUNT(t.voucher_id) LIMIT 100
"""
_ASTRAY: Final = """
SELECT v.voucher_id FROM vouchers v LEFT JOIN tickets t USING (voucher_id)
WHERE v.parent_id IS NOT NULL
  AND (t.ticket IS NULL OR t.parent_id <> v.parent_id OR v.dead <> (t.dead_at IS NOT NULL))
LIMIT 100
"""


def differences(db: sqlite3.Connection) -> list[str]:
    """Return where vouchers and their tickets do not agree; empty where all do."""
    unequal = db.execute(_UNEQUAL).fetchall()
    astray = db.execute(_ASTRAY).fetchall()
    return [
        *(f"voucher {number} says {said} on tickets, not {here}" for number, said, here in unequal),
        *(f"voucher {number} is a ticket without its record" for (number,) in astray),
    ]


# --- list ----------------------------------------------------------------------------------------


def tickets_of_scan(tx: Session, scan_id: int) -> list[Ticket]:
    """Return the living tickets of an exchange, in the order of their row."""
    sql = f"{_OF} WHERE scan_id = ? AND dead_at IS NULL ORDER BY place"
    return [_read(row) for row in tx.db.execute(sql, (scan_id,)).fetchall()]


def scan_of(tx: Session, ticket: Ticket | str) -> tuple[str, str]:
    """Return the device and the nonce of the exchange that a ticket, or its name, comes from."""
    known = get_ticket(tx, ticket) if isinstance(ticket, str) else ticket
    sql = "SELECT device_id, nonce FROM scans WHERE scan_id = ?"
    device_id, nonce = tx.db.execute(sql, (known.scan_id,)).fetchone()
    return device_id, nonce


def tickets_of(tx: Session, parent_id: int) -> list[Ticket]:
    """Return every ticket of a voucher, dead ones too, the oldest first."""
    sql = f"{_OF} WHERE parent_id = ? ORDER BY voucher_id"
    return [_read(row) for row in tx.db.execute(sql, (parent_id,)).fetchall()]


def show_tickets(tx: Session, keys: Keyring, tickets: Iterable[Ticket]) -> list[Shown]:
    """Return tickets with their codes, made again from their rows, and what else is printed."""
    shown = []
    for ticket in tickets:
        parent = find_voucher(tx, ticket.parent_id)
        if parent is None:
            raise NotFound(f"the voucher of ticket {ticket.ticket} is gone")
        code = write_token(ticket.token, keys.token_key(ticket.key_id).private_key)
        voucher, deal = parent.voucher, parent.deal
        window = voucher.valid_from or deal.valid_from, valid_until(voucher, deal, tx.venue)
        shown.append(Shown(ticket, code, tail(code), deal, *window))
    return shown


def _read(row: Row) -> Ticket:
    (voucher_id, ticket, parent_id, scan_id, place, row_of, key_id, number, deal_no, first_day,
     last_day, dead_at, replaced_by) = row  # fmt: skip
    return Ticket(
        voucher_id,
        ticket,
        parent_id,
        scan_id,
        place,
        row_of,
        key_id,
        number,
        deal_no,
        date.fromisoformat(first_day),
        date.fromisoformat(last_day),
        dead_at,
        replaced_by,
    )
