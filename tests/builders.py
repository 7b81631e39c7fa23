"""Build valid rule values in few words; every builder takes only what its test is about."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from admission.calendar import Venue
from admission.cases import Case, Facts, Family, Found
from admission.deals import Deal
from admission.history import History, Record, Terms, fold
from admission.incidents import Figures, Incident, IncidentKind, NewIncident
from admission.scans import Gate, Scan
from admission.tickets import join_family
from admission.verdicts import Reason
from admission.voids import CostBearer, Honour, Void
from admission.vouchers import Voucher

DAY = date(2015, 2, 12)
SHANGHAI = ZoneInfo("Asia/Shanghai")
VENUE = Venue(SHANGHAI)


def at(clock: str, day: date = DAY, zone: ZoneInfo = SHANGHAI) -> datetime:
    """Return the instant at which the venue's clocks show `clock` (`16:58`) on a day."""
    return datetime.combine(day, time.fromisoformat(clock), tzinfo=zone).astimezone(UTC)


def a_venue(zone: str = "Asia/Shanghai", day_starts_at: str = "00:00") -> Venue:
    return Venue(ZoneInfo(zone), time.fromisoformat(day_starts_at))


def a_gate(**changes: Any) -> Gate:
    return Gate(**({"gate_id": "G1", "name": "South gate", "area": "park"} | changes))


def a_deal(**changes: Any) -> Deal:
    """A deal of 2015 that opens `park` once, all day and every day."""
    fields: dict[str, Any] = {
        "deal_id": "DAY",
        "platform": "lvtu",
        "title": "One day",
        "face_price_minor": 26000,
        "currency": "CNY",
        "valid_from": at("00:00", date(2015, 1, 1)),
        "valid_until": at("23:59:59.999", date(2015, 12, 31)),
    }
    return Deal(**(fields | changes))


def a_voucher(**changes: Any) -> Voucher:
    fields: dict[str, Any] = {"voucher_id": 1, "tail": "8K2F"}
    return Voucher(**(fields | changes))


def a_record(clock: str = "10:00", **changes: Any) -> Record:
    """An admission of one person at a staffed gate, at `clock` of the day."""
    fields: dict[str, Any] = {
        "device_id": "D1",
        "nonce": f"n-{clock}",
        "scan_at": at(clock),
        "gate_id": "G1",
        "area": "park",
        "reason": Reason.ADMITTED,
        "people": 1,
    }
    return Record(**(fields | changes))


def a_history(
    *records: Record, deal: Deal | None = None, voucher: Voucher | None = None
) -> History:
    return fold(records, Terms.of(voucher or a_voucher(), deal or a_deal()), VENUE)


def a_void(arrived_by: str | None = "17:00", **changes: Any) -> Void:
    """A void of the day's morning that honours arrivals until a time; None: nobody."""
    honour = None if arrived_by is None else Honour.of(at(arrived_by), VENUE)
    fields: dict[str, Any] = {
        "version": 1,
        "committed_at": at("09:00"),
        "reason": "flash-sale limit failed",
        "honour": honour,
        "cost_bearer": CostBearer.PLATFORM,
        "statuses_since": at("09:00"),
    }
    return Void(**(fields | changes))


def a_found(*records: Record, **changes: Any) -> Found:
    """A voucher with its deal and the history that its records fold to."""
    deal = changes.pop("deal", None) or a_deal()
    voucher = changes.pop("voucher", None) or a_voucher()
    return Found(voucher, deal, a_history(*records, deal=deal, voucher=voucher), **changes)


def a_family(*records: Record, tickets: tuple[Record, ...] = ()) -> Family:
    """What the tickets of a voucher share: its own records, and theirs."""
    return join_family(a_voucher(voucher_id=9), a_deal(), records, tickets, VENUE)


def a_scan(**changes: Any) -> Scan:
    return Scan(**changes)


def a_case(*found: Found, **changes: Any) -> Case:
    """A scan at an open gate of `park` that finds one fresh voucher, or what is given."""
    fields: dict[str, Any] = {
        "venue": VENUE,
        "gate": a_gate(),
        "scan": a_scan(),
        "found": found or (a_found(),),
        "facts": Facts(),
    }
    return Case(**(fields | changes))


def figures(**changes: Any) -> Figures:
    """206 vouchers for one person each, sold for 0.01 yuan of 260."""
    fields: dict[str, Any] = {
        "what_zh": "实付每人0.01元，票面260元",
        "what_en": "sold at 0.01 yuan a person, face price 260 yuan",
        "since": at("22:10"),
        "until": at("22:11"),
        "vouchers": 206,
        "people": 206,
        "paid_minor": 206,
        "face_minor": 206 * 26000,
        "currency": "CNY",
        "lowest_minor": 1,
        "face_price_minor": 26000,
    }
    return Figures(**(fields | changes))


def new_incident(**changes: Any) -> NewIncident:
    """An incident about a finding that holds a sale."""
    fields: dict[str, Any] = {
        "kind": IncidentKind.SALE_HELD,
        "subject": "finding 1",
        "title_zh": "“联票”售价异常，已暂停验票",
        "title_en": "Combined ticket: absurd price, on hold",
        "figures": figures(),
    }
    return NewIncident(**(fields | changes))


def an_incident(**changes: Any) -> Incident:
    """The same, opened."""
    fields: dict[str, Any] = {
        "incident_id": "I0123456789",
        "number": 7,
        "kind": IncidentKind.SALE_HELD,
        "subject": "finding 1",
        "title_zh": "“联票”售价异常，已暂停验票",
        "title_en": "Combined ticket: absurd price, on hold",
        "opened_at": at("22:12"),
        "opened_by": "finding",
        "asked_at": at("22:12"),
        "figures": figures(),
    }
    return Incident(**(fields | changes))
