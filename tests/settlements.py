"""Read the cases of tests/vectors/settlement.json, and build what a settlement is made of."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from admission.calendar import Venue
from admission.deals import Deal, Reentry, Right
from admission.scans import Direction, Mode
from admission.settlement_terms import Basis, Proof, Refund, Remedy, Sold
from admission.verdicts import Reason
from admission.voids import CostBearer, Honour, Void
from admission.vouchers import Status
from tests.builders import DAY, VENUE, a_deal, a_record, a_voucher, at
from tests.paper_rows import read_closure, read_instant

Case = dict[str, Any]


def moment(text: str) -> datetime:
    """Read `16:58`, or `2015-02-13 10:00`, venue time."""
    day, _, clock = text.rpartition(" ")
    return at(clock, date.fromisoformat(day) if day else DAY)


def a_basis(as_of: str = "2015-02-13 10:00", **changes: Any) -> Basis:
    fields: dict[str, Any] = {"deal": a_deal(), "venue": VENUE, "as_of": moment(as_of)}
    return Basis(**(fields | changes))


def read_basis(case: Case, venue: Venue = VENUE) -> Basis:
    """Return what a case is settled by."""
    remedy = case.get("remedy") or {}
    voids = [_void(row, number) for number, row in enumerate(case.get("voids", ()), 1)]
    return Basis(
        deal=_deal(case.get("deal") or {}),
        venue=venue,
        as_of=moment(case["as_of"]),
        voids=tuple(void for void in voids if void.committed_at <= moment(case["as_of"])),
        closures=tuple(
            read_closure(
                row | {"name": row.get("name", "rain")},
                venue,
                moment(row["at"]),
                version=number,
                restored=row.get("restored", False),
            )
            for number, row in enumerate(case.get("closures", ()), 1)
        ),
        remedy=Remedy(Refund(remedy.get("refund", "price_paid")), 1000),
        honoured_people=case.get("honoured_people", 0),
    )


def _deal(row: Case) -> Deal:
    changes: Case = {key: value for key, value in row.items() if key not in {"rights", "reentry"}}
    for key in ("valid_from", "valid_until"):
        if key in row:
            changes[key] = read_instant(row[key], VENUE, last=key == "valid_until")
    if "rights" in row:
        changes["rights"] = tuple(_right(text) for text in row["rights"])
    return a_deal(**changes, reentry=Reentry(row.get("reentry", "none")))


def _right(text: str) -> Right:
    area, uses = text.split(":")
    return Right(area, int(uses.removesuffix("/day")), uses.endswith("/day"))


def _void(row: Case, version: int) -> Void:
    honour = None
    if row.get("arrived_by"):
        most = row.get("max_people")
        honour = Honour.of(moment(row["arrived_by"]), VENUE, max_people=most)
    return Void(
        version=version,
        committed_at=moment(row["at"]),
        reason="limit failed",
        honour=honour,
        cost_bearer=CostBearer(row.get("bearer", "platform")),
        statuses_since=moment(row["at"]),
        settlement_unit_minor=row.get("unit"),
        restored=row.get("restored", False),
    )


def read_sold(case: Case) -> Sold:
    """Return the voucher of a case with its records."""
    row = dict(case.get("voucher") or {})
    if "status" in row:
        row |= {"status": Status(row["status"]), "status_at": moment(row["status_at"])}
    proofs = [_proof(scan, number) for number, scan in enumerate(case.get("scans", ()), 1)]
    return Sold(voucher=a_voucher(**row), proofs=proofs, buyer_no=1)


_RECORDED = ("people", "party", "annulled", "annuls", "overridden", "struck", "turned", "area")


def _proof(scan: Case, number: int) -> Proof:
    changes: Case = {key: scan[key] for key in _RECORDED if key in scan}
    for key in ("annulled_at", "overridden_at"):
        if key in scan:
            changes[key] = moment(scan[key])
    record = a_record(
        **{"people": 0} | changes,
        scan_at=moment(scan["at"]),
        device_id=scan.get("device", "D1"),
        nonce=f"nonce-{number:04}",
        reason=Reason(scan["reason"]),
        mode=Mode(scan.get("mode", "admit")),
        direction=Direction(scan.get("direction", "entry")),
    )
    return Proof(
        record=record,
        scan_id=number,
        offline=scan.get("offline", False),
        bounded_at=moment(scan["bounded_at"]) if "bounded_at" in scan else None,
        void_version=scan.get("void_version"),
        cost_bearer=CostBearer(scan["cost_bearer"]) if "cost_bearer" in scan else None,
        confirmed=scan.get("confirmed", False),
    )
