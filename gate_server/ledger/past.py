"""Rebuild an old scan's case from what the ledger had before it, and say what is not known."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import msgspec

from admission.attested import Claim
from admission.calendar import Venue, from_ms
from admission.cases import Case, Facts, Found
from admission.codes import CodeForm, TokenState
from admission.refusal_slips import Proof
from admission.replay import Answered, Doubt, Past
from admission.scans import Direction, Mode, Profile, Scan
from admission.verdicts import FirstUse, Reason
from gate_server.ledger.former import Former, FormerVoucher
from gate_server.ledger.old_scans import OldScan

_NO_CLAIM = frozenset(
    {
        *(Reason.SLIP_NOT_HANDED_OUT, Reason.SLIP_OTHER_DAY, Reason.SLIP_BOUND, Reason.SLIP_ALONE),
        Reason.QUEUE_OVER,
    }
)
_UNREAD = frozenset({Reason.MALFORMED_CODE, Reason.NOT_A_TICKET, Reason.BAD_SIGNATURE})


@dataclass(frozen=True, slots=True)
class _Stored:
    """What was stored beside a verdict."""

    detail: dict[str, Any]

    def instant(self, name: str) -> datetime | None:
        text = self.detail.get(name)
        return None if text is None else datetime.fromisoformat(text)

    @property
    def first_use(self) -> FirstUse | None:
        found = self.detail.get("first_use")
        return None if found is None else FirstUse(datetime.fromisoformat(found[0]), found[1])

    @property
    def proof(self) -> Proof | None:
        found = self.detail.get("proof")
        return None if found is None else Proof(found[0], date.fromisoformat(found[1]), found[2])

    def claim(self, reason: Reason) -> Claim | None:
        """Return what the scan said of an earlier arrival, as it was answered then."""
        at = self.detail.get("attested_at")
        if at is not None:
            return Claim(from_ms(at))
        return Claim(problem=reason) if reason in _NO_CLAIM else None

    def facts(self, former: Former) -> Facts:
        return Facts(
            emergency=former.emergency(),
            inside=self.detail.get("inside", 0),
            limit=self.detail.get("limit"),
            stale=self.detail.get("stale", False),
            arrivals=self.detail.get("arrivals", 0),
            most_arrivals=self.detail.get("most_arrivals", 0),
        )


def rebuild_past(db: sqlite3.Connection, venue: Venue, scan: OldScan) -> Past:
    """Return a scan with what was known before it; `db` shows one moment of the ledger."""
    former = Former(db, venue, scan.scan_id)
    stored = _Stored(msgspec.json.decode(scan.detail))
    ids = [each[0] for each in stored.detail.get("several", [])]
    if scan.voucher_id is not None:
        ids = [scan.voucher_id]
    vouchers = [each for number in ids if (each := former.voucher(number)) is not None]
    honoured = stored.detail.get("honoured", 0)
    found = tuple(former.found(each, scan.scan_at, honoured) for each in vouchers)
    lost = len(vouchers) < len(ids)
    records = former.records(vouchers[0]) if len(vouchers) == 1 else []
    case = _case(venue, former, scan, stored, found)
    return Past(
        case,
        records,
        from_ms(scan.scan_at),
        scan.device_id,
        _answered(scan, stored),
        scan.rules_version,
        # A scanner's own verdict is stored without the facts that the server decides on.
        by_device="inside" not in stored.detail,
        doubts=_doubts(former, scan, stored, vouchers, found, lost=lost),
    )


def _case(
    venue: Venue, former: Former, scan: OldScan, stored: _Stored, found: tuple[Found, ...]
) -> Case:
    profile, party_default = former.device(scan.device_id)
    asked = Scan(
        Mode(scan.mode),
        Direction(scan.direction),
        scan.party,
        party_default,
        bool(scan.staffed),
        desk=profile is Profile.EXCHANGE,
    )
    return Case(
        venue,
        former.gate(scan.gate_id, scan.area),
        asked,
        found,
        stored.facts(former),
        CodeForm(stored.detail.get("form", CodeForm.OPAQUE)),
        TokenState(stored.detail.get("token", TokenState.NONE)),
        proof=stored.proof,
        claim=stored.claim(Reason(scan.reason)),
    )


def _answered(scan: OldScan, stored: _Stored) -> Answered:
    return Answered(
        Reason(scan.reason),
        scan.people,
        scan.remaining,
        scan.void_version,
        stored.detail.get("tickets", 0),
        stored.instant("arrived_at"),
        stored.first_use,
    )


def _doubts(
    former: Former,
    scan: OldScan,
    stored: _Stored,
    vouchers: list[FormerVoucher],
    found: tuple[Found, ...],
    *,
    lost: bool,
) -> tuple[Doubt, ...]:
    doubts = []
    if vouchers and not (former.states_kept and all(each.known for each in vouchers)):
        doubts.append(Doubt.STATES_NOT_KEPT)
    if lost or any(each.erased for each in vouchers):
        doubts.append(Doubt.ERASED)
    if "honoured" not in stored.detail and any(_has_quota(each) for each in found):
        doubts.append(Doubt.QUOTA_NOT_KEPT)
    if Reason(scan.reason) in _UNREAD and "form" not in stored.detail:
        doubts.append(Doubt.CODE_NOT_KEPT)
    return tuple(doubts)


def _has_quota(found: Found) -> bool:
    honour = None if found.void is None else found.void.honour
    return honour is not None and honour.max_people is not None
