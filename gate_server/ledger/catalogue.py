"""The part of the ledger that every scan needs, in memory: deals, voids, holds, gates, devices.

The writer reads it anew after each commit that changed it, so a reader in another thread never
sees what is not on disk.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time
from threading import Event
from typing import Any, Final, TypeAlias

import msgspec

from admission.broadcasts import Broadcast, Priority
from admission.calendar import from_ms
from admission.deals import AtGate, Category, Closure, Deal, Hold, HoldScope, Reentry, Right
from admission.remedies import Remedy
from admission.scans import Device, Gate, GateState, PartyDefault, Profile
from admission.voids import CostBearer, Honour, Void
from admission.wire_passage import FaultAnswer
from gate_server.ledger.closure_rows import list_in_force
from gate_server.ledger.duty_watch import DutyWatch, read_watch
from gate_server.ledger.faults import read_faults
from gate_server.ledger.feeds import Feed, list_feeds
from gate_server.ledger.operators import Operator, Shift, list_operators, list_running


@dataclass(frozen=True, slots=True)
class User:
    """A member of staff, or a partner's, who may call the server.

    Attributes:
        must_change: the password is the first one, and is to be changed at the next log-in.
        session_no: of the sessions in browsers that are valid.
    """

    name: str
    role: str
    platform: str | None
    token_hash: bytes
    disabled: bool
    must_change: bool
    created_at: datetime
    session_no: int


def _read_user(row: tuple[Any, ...]) -> User:
    name, role, platform, token_hash, disabled_at, must_change, created_at, session_no = row
    marks = disabled_at is not None, bool(must_change)
    return User(name, role, platform, token_hash, *marks, from_ms(created_at), session_no)


@dataclass(frozen=True, slots=True)
class Seen:
    """A device's last word.

    Attributes:
        heartbeat: its last heartbeat as sent, {} before the first.
    """

    seen_at: datetime | None
    heartbeat: dict[str, object]


Mark: TypeAlias = tuple[object, ...]
"""What `Catalogue.mark` returns; compare with `same_mark`."""

URGENT: Final = frozenset({"venue", "gates", "deals", "voids", "holds", "blocks"})
"""The parts that change what scanners decide, so that they must know of them at once."""
TOLD: Final = URGENT | {"broadcasts"}
"""The parts whose changes somebody waits to tell of."""
MOST_BROADCASTS: Final = 200


class Catalogue:
    """All small tables, as the rules and the edges want them.

    Attributes:
        changed: set after each reading of something of TOLD, for the one who tells of it.
        broadcasts: those that have not expired, by id, ended ones too.
    """

    def __init__(self) -> None:
        self.changed = Event()
        self.emergency = False
        self.gates: dict[str, Gate] = {}
        self.devices: dict[str, Device] = {}
        self.device_hashes: dict[str, bytes] = {}
        self.seen: dict[str, Seen] = {}
        self.users: dict[str, User] = {}
        self.deals: dict[int, Deal] = {}
        self.deal_nos: dict[str, int] = {}
        self.honoured: dict[int, int] = {}
        self.voids: dict[int, Void] = {}
        self.holds: dict[int, Hold] = {}
        self.blocked: dict[int, datetime | None] = {}
        self.feeds: dict[int, Feed] = {}
        self.broadcasts: dict[str, Broadcast] = {}
        self.faults: dict[str, FaultAnswer] = {}
        self.operators: dict[str, Operator] = {}
        self.badges: dict[bytes, str] = {}
        self.badge_names: dict[str, str] = {}
        self.on_duty: dict[str, Shift] = {}
        self.duty = DutyWatch()

    def load(self, db: sqlite3.Connection, parts: set[str] | None = None) -> None:
        """Read what is named, or all of it, from the ledger."""
        for name, read in _READERS.items():
            if parts is None or name in parts:
                read(self, db)
        if parts is None or not TOLD.isdisjoint(parts):
            self.changed.set()

    def mark(self) -> Mark:
        """Return what is another, by identity, after each change of something urgent."""
        parts = self.deals, self.voids, self.holds, self.gates, self.blocked
        return (*parts, self.emergency)

    def deal(self, deal_id: str) -> Deal | None:
        """Return a deal by its platform's name for it."""
        number = self.deal_nos.get(deal_id)
        return None if number is None else self.deals[number]

    def buyer_blocked(self, buyer_no: int | None, now: datetime) -> bool:
        """Say whether a buyer's account must see a supervisor now."""
        if buyer_no is None or buyer_no not in self.blocked:
            return False
        expires_at = self.blocked[buyer_no]
        return expires_at is None or now <= expires_at

    def stale(self, now: datetime, stale_after_s: float) -> bool:
        """Say whether an enabled feed has not been heard for too long."""
        return any(
            feed.accepted_at is None or (now - feed.accepted_at).total_seconds() > stale_after_s
            for feed in self.feeds.values()
        )

    def operator_at(self, device_id: str, now: datetime) -> str | None:
        """Return who stands at a device."""
        shift = self.on_duty.get(device_id)
        return None if shift is None or now > shift.closes_at else shift.operator

    def operator_named(self, told: str) -> str:
        """Return the number of whom a scanner names, be it by what it calls a badge's owner."""
        return self.badge_names.get(told, told)

    def _venue(self, db: sqlite3.Connection) -> None:
        self.emergency = bool(db.execute("SELECT emergency FROM venue").fetchone()[0])

    def _gates(self, db: sqlite3.Connection) -> None:
        rows = db.execute("SELECT gate_id, name, area, state FROM gates ORDER BY gate_id")
        self.gates = {row[0]: Gate(row[0], row[1], row[2], GateState(row[3])) for row in rows}

    def _devices(self, db: sqlite3.Connection) -> None:
        devices, hashes, seen = {}, {}, {}
        for row in db.execute(
            "SELECT device_id, name, gate_id, profile, party_default, revoked_at, suspended_at,"
            " offset_ms, token_hash, seen_at, heartbeat FROM devices ORDER BY enrolled_at"
        ):
            devices[row[0]] = Device(
                row[0],
                row[1],
                row[2],
                Profile(row[3]),
                PartyDefault(row[4]),
                revoked=row[5] is not None,
                suspended=row[6] is not None,
                offset_ms=row[7],
            )
            hashes[row[0]] = row[8]
            seen[row[0]] = Seen(instant(row[9]), msgspec.json.decode(row[10]) if row[10] else {})
        self.devices, self.device_hashes, self.seen = devices, hashes, seen

    def _users(self, db: sqlite3.Connection) -> None:
        rows = db.execute(
            "SELECT name, role, platform, token_hash, disabled_at, must_change, created_at,"
            " session_no FROM users ORDER BY name"
        )
        self.users = {row[0]: _read_user(row) for row in rows}

    def _deals(self, db: sqlite3.Connection) -> None:
        deals, numbers, honoured = {}, {}, {}
        closures = list_in_force(db)
        for row in db.execute(_DEALS):
            deal = read_deal(row, closures.get(row[0], ()))
            deals[deal.deal_no], numbers[deal.deal_id] = deal, deal.deal_no
            honoured[deal.deal_no] = row[-1]
        self.deals, self.deal_nos, self.honoured = deals, numbers, honoured

    def _voids(self, db: sqlite3.Connection) -> None:
        newest = {row[1]: read_void(row) for row in db.execute(f"{VOIDS} ORDER BY version")}
        self.voids = {number: void for number, void in newest.items() if not void.restored}

    def _holds(self, db: sqlite3.Connection) -> None:
        rows = db.execute(
            "SELECT deal_no, since, reason, sold_from, sold_until, price_at_most_minor, at_gate,"
            " any_price_from FROM holds WHERE ended_at IS NULL"
        )
        self.holds = {
            row[0]: Hold(
                from_ms(row[1]),
                row[2],
                HoldScope(instant(row[3]), instant(row[4]), row[5], instant(row[7])),
                AtGate(row[6]),
            )
            for row in rows
        }

    def _blocks(self, db: sqlite3.Connection) -> None:
        blocked: dict[int, datetime | None] = {}
        for buyer_no, expires_at in db.execute(
            "SELECT buyer_no, expires_at FROM blocks WHERE lifted_at IS NULL"
        ):
            until = instant(expires_at)
            if buyer_no in blocked:
                other = blocked[buyer_no]
                until = None if until is None or other is None else max(until, other)
            blocked[buyer_no] = until
        self.blocked = blocked

    def _feeds(self, db: sqlite3.Connection) -> None:
        self.feeds = {feed.feed_id: feed for feed in list_feeds(db) if feed.enabled}

    def _broadcasts(self, db: sqlite3.Connection) -> None:
        lately = "expires_at >= (SELECT committed_at FROM venue)"
        order = "ended_at IS NOT NULL, revision DESC"
        sql = f"{BROADCASTS} WHERE {lately} ORDER BY {order} LIMIT ?"
        rows = db.execute(sql, (MOST_BROADCASTS,))
        self.broadcasts = {row[0]: read_broadcast(row) for row in rows}

    def _faults(self, db: sqlite3.Connection) -> None:
        self.faults = read_faults(db)


def _read_operators(catalogue: Catalogue, db: sqlite3.Connection) -> None:
    operators = list_operators(db)
    catalogue.operators = {each.operator: each for each in operators}
    catalogue.badges = {each.badge_hash: each.operator for each in operators}
    catalogue.badge_names = {each.badge_name: each.operator for each in operators}


def _read_shifts(catalogue: Catalogue, db: sqlite3.Connection) -> None:
    catalogue.on_duty = {shift.device_id: shift for shift in list_running(db)}


def _read_duty(catalogue: Catalogue, db: sqlite3.Connection) -> None:
    catalogue.duty = read_watch(db)


def same_mark(one: Mark, other: Mark) -> bool:
    """Say whether nothing urgent has changed between two marks."""
    return all(a is b for a, b in zip(one, other, strict=True))


_READERS: dict[str, Callable[[Catalogue, sqlite3.Connection], None]] = {
    "venue": Catalogue._venue,
    "gates": Catalogue._gates,
    "devices": Catalogue._devices,
    "users": Catalogue._users,
    "deals": Catalogue._deals,
    "voids": Catalogue._voids,
    "holds": Catalogue._holds,
    "blocks": Catalogue._blocks,
    "feeds": Catalogue._feeds,
    "broadcasts": Catalogue._broadcasts,
    "faults": Catalogue._faults,
    "operators": _read_operators,
    "shifts": _read_shifts,
    "incidents": _read_duty,
}

DEAL_COLUMNS = (
    "deal_no, deal_id, platform, title, product, category, rights, face_price_minor,"
    " sale_price_minor, settle_price_minor, currency, quota, sale_from, sale_until, valid_from,"
    " valid_until, weekdays, not_on, hours, early_minutes, late_minutes, gates, reentry, updated_at"
)

_DEALS = f"SELECT {DEAL_COLUMNS}, honoured_people FROM deals"  # noqa: S608 - names of ours

VOIDS = (
    "SELECT revision, deal_no, version, committed_at, restored, reason, arrived_from, arrived_by,"
    " admit_until, max_people, cost_bearer, settlement_unit_minor, statuses_since, notice,"
    " remedy FROM voids"
)

BROADCASTS = (
    "SELECT broadcast_id, zh, en, priority, gates, made_at, expires_at, ended_at, made_by,"
    " ended_by, end_reason, profiles, template, loud_zh, loud_en FROM broadcasts"
)


def instant(ms: int | None) -> datetime | None:
    """Return a stored instant, or None."""
    return None if ms is None else from_ms(ms)


def read_deal(row: tuple[Any, ...], closures: tuple[Closure, ...] = ()) -> Deal:
    """Make a deal of a row of DEAL_COLUMNS and the closures in force for it."""
    (deal_no, deal_id, platform, title, product, category, rights, face, sale, settle, currency,
     quota, sale_from, sale_until, valid_from, valid_until, weekdays, not_on, hours, early, late,
     gates, reentry, updated_at) = row[:24]  # fmt: skip
    return Deal(
        deal_no=deal_no,
        deal_id=deal_id,
        platform=platform,
        title=title,
        product=product,
        category=Category(category),
        rights=tuple(Right(*right) for right in msgspec.json.decode(rights)),
        face_price_minor=face,
        sale_price_minor=sale,
        settle_price_minor=settle,
        currency=currency,
        quota=quota,
        sale_from=instant(sale_from),
        sale_until=instant(sale_until),
        valid_from=from_ms(valid_from),
        valid_until=from_ms(valid_until),
        weekdays=frozenset(msgspec.json.decode(weekdays)),
        not_on=frozenset(date.fromisoformat(day) for day in msgspec.json.decode(not_on)),
        hours=_hours(hours),
        early_minutes=early,
        late_minutes=late,
        gates=frozenset(msgspec.json.decode(gates)),
        reentry=Reentry(reentry),
        updated_at=from_ms(updated_at),
        closures=closures,
    )


def write_deal(deal: Deal) -> dict[str, object]:
    """Return the texts of a deal's compound columns."""
    hours = [at.isoformat("minutes") for at in deal.hours] if deal.hours else []
    return {
        "rights": _json([(right.area, right.uses, right.per_day) for right in deal.rights]),
        "weekdays": _json(sorted(deal.weekdays)),
        "not_on": _json(sorted(day.isoformat() for day in deal.not_on)),
        "hours": _json(hours),
        "gates": _json(sorted(deal.gates)),
    }


def read_void(row: tuple[Any, ...]) -> Void:
    """Make a void of a row of VOIDS."""
    (_, _, version, committed_at, restored, reason, arrived_from, arrived_by, admit_until,
     max_people, cost_bearer, unit, statuses_since, notice, remedy) = row  # fmt: skip
    honour = None
    if arrived_by is not None:
        honour = Honour(
            from_ms(arrived_from), from_ms(arrived_by), from_ms(admit_until), max_people
        )
    return Void(
        version=version,
        committed_at=from_ms(committed_at),
        reason=reason,
        honour=honour,
        cost_bearer=CostBearer(cost_bearer),
        statuses_since=from_ms(statuses_since),
        settlement_unit_minor=unit,
        notice=tuple(msgspec.json.decode(notice)) if notice else None,
        restored=bool(restored),
        remedy=msgspec.json.decode(remedy, type=Remedy) if remedy else None,
    )


def read_broadcast(row: tuple[Any, ...]) -> Broadcast:
    """Make a broadcast of a row of BROADCASTS."""
    broadcast_id, zh, en, priority, gates, made_at, expires_at, ended_at, *_ = row
    profiles, template, loud_zh, loud_en = row[11:]
    return Broadcast(
        broadcast_id=broadcast_id,
        zh=zh,
        en=en,
        priority=Priority(priority),
        gates=frozenset(msgspec.json.decode(gates)),
        made_at=from_ms(made_at),
        expires_at=from_ms(expires_at),
        ended_at=instant(ended_at),
        profiles=frozenset(Profile(each) for each in msgspec.json.decode(profiles)),
        template=template,
        loud=None if loud_zh is None else (loud_zh, loud_en),
    )


def _hours(text: str) -> tuple[time, time] | None:
    hours = msgspec.json.decode(text)
    return (time.fromisoformat(hours[0]), time.fromisoformat(hours[1])) if hours else None


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
