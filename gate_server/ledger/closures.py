"""Declare, amend and restore closures in the ledger; every version is kept and audited."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Final

import msgspec

from admission.calendar import Venue, to_ms, whole_ms
from admission.closures import MOST_CLOSED, MOST_EXTENSION, find_extension
from admission.deals import Closure, Deal
from admission.errors import Fault, InvalidInput, LedgerConflict, NotFound
from admission.incidents import EntryKind
from admission.vouchers import Voucher
from admission.wire_terms import ClosureRequest
from gate_server.ledger.catalogue import Catalogue
from gate_server.ledger.closure_rows import ClosureVersion, list_versions
from gate_server.ledger.incidents import note_deal
from gate_server.ledger.session import Session

FIRST_YEAR: Final = 1970
LAST_YEAR: Final = 9990
NEW: Final = "new"
"""Stands for the number of a closure that has none yet."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A version as it would be written: its terms as they were understood, and its deals."""

    closure: Closure
    deal_nos: tuple[int, ...]
    asked: dict[str, Any]


def plan_closure(
    catalogue: Catalogue, venue: Venue, request: ClosureRequest, *, now: datetime
) -> Plan:
    """Return what a request means now; nothing is written.

    Raises:
        InvalidInput: terms that contradict themselves, or a deal, area, gate or platform that there
            is not.
    """
    closed_from, closed_until = _closed_time(request, venue)
    extend_until = whole_ms(request.extend_until)
    _check_extension(closed_until, extend_until)
    closure = Closure(
        closure_id=NEW,
        version=1,
        committed_at=now,
        closed_from=closed_from,
        closed_until=closed_until,
        extend_until=extend_until,
        used_too=request.used_too,
        refunds_open=request.refunds_open,
        notice=None if request.notice is None else (request.notice.zh, request.notice.en),
    )
    deals = _deals_asked(catalogue, venue, request, closure)
    names = ("deals", "areas", "gates", "platforms", "all_deals")
    asked = {name: value for name in names if (value := getattr(request, name))}
    return Plan(closure, tuple(sorted(deal.deal_no for deal in deals)), asked)


def _closed_time(request: ClosureRequest, venue: Venue) -> tuple[datetime, datetime]:
    by_day, by_time = request.day is not None, request.closed_from is not None
    if by_day is by_time:
        raise InvalidInput(
            "day", "say when it is closed: day, or closed_from with closed_until", Fault.MISSING
        )
    if request.day is not None:
        closed = _whole_days(request, request.day, venue)
    else:
        closed = _between(request)
    last = "last_day" if by_day else "closed_until"
    if closed[1] - closed[0] > MOST_CLOSED:
        raise InvalidInput(
            last,
            f"is more than {MOST_CLOSED.days} days later; declare it in parts",
            Fault.FAR_OFF,
            MOST_CLOSED.days,
        )
    return closed


def _whole_days(request: ClosureRequest, first: date, venue: Venue) -> tuple[datetime, datetime]:
    last = request.last_day or first
    if first.year < FIRST_YEAR or last.year > LAST_YEAR:
        raise InvalidInput(
            "day", f"is not of the years {FIRST_YEAR} to {LAST_YEAR}", Fault.UNREADABLE
        )
    if last < first:
        raise InvalidInput("last_day", f"{last} is before day, {first}", Fault.BACKWARDS)
    if request.closed_until is not None:
        raise InvalidInput(
            "closed_until", "goes with closed_from; with day it is last_day", Fault.OUT_OF_PLACE
        )
    return venue.day_bounds(first)[0], venue.day_bounds(last)[1]


def _between(request: ClosureRequest) -> tuple[datetime, datetime]:
    if request.last_day is not None:
        raise InvalidInput(
            "last_day", "goes with day; with closed_from it is closed_until", Fault.OUT_OF_PLACE
        )
    if request.closed_from is None or request.closed_until is None:
        raise InvalidInput(
            "closed_until", "say when the closed time ends, or is expected to", Fault.MISSING
        )
    if request.closed_from.year < FIRST_YEAR or request.closed_until.year > LAST_YEAR:
        raise InvalidInput(
            "closed_from", f"is not of the years {FIRST_YEAR} to {LAST_YEAR}", Fault.UNREADABLE
        )
    closed = whole_ms(request.closed_from), whole_ms(request.closed_until)
    if closed[1] < closed[0]:
        raise InvalidInput(
            "closed_until", "is before closed_from: nothing would be closed", Fault.BACKWARDS
        )
    return closed


def _check_extension(closed_until: datetime, extend_until: datetime) -> None:
    if extend_until < closed_until:
        raise InvalidInput("extend_until", "is before the end of the closed time", Fault.BACKWARDS)
    if extend_until - closed_until > MOST_EXTENSION:
        raise InvalidInput(
            "extend_until",
            "is more than two years after the closed time",
            Fault.FAR_OFF,
            MOST_EXTENSION.days,
        )


def _deals_asked(
    catalogue: Catalogue, venue: Venue, request: ClosureRequest, closure: Closure
) -> list[Deal]:
    """Return the deals named, and of all those asked for by a place or a platform who is bound."""
    _check_names("deals", request.deals, catalogue.deal_nos)
    _check_names("areas", request.areas, {gate.area for gate in catalogue.gates.values()})
    _check_names("gates", request.gates, catalogue.gates)
    platforms = {deal.platform for deal in catalogue.deals.values()}
    _check_names("platforms", request.platforms, platforms)
    named = set(request.deals)
    found = [
        deal
        for deal in catalogue.deals.values()
        if deal.deal_id in named
        or (_asked_for(deal, request, catalogue) and _bound(deal, closure, venue))
    ]
    if not found:
        raise InvalidInput(
            "deals",
            "no deal is good in that time; name the deals, or other days",
            Fault.NOTHING_BOUND,
        )
    return found


def _check_names(field: str, names: Iterable[str], known: Iterable[str]) -> None:
    missing = sorted(set(names) - set(known))
    if missing:
        raise InvalidInput(
            field, f"there is none called {', '.join(missing[:5])}", Fault.UNKNOWN, missing[0]
        )


def _asked_for(deal: Deal, request: ClosureRequest, catalogue: Catalogue) -> bool:
    if request.all_deals or deal.platform in request.platforms:
        return True
    if any(deal.right_to(area) is not None for area in request.areas):
        return True
    return any(
        deal.right_to(catalogue.gates[gate].area) is not None
        and (not deal.gates or gate in deal.gates)
        for gate in request.gates
    )


def _bound(deal: Deal, closure: Closure, venue: Venue) -> bool:
    """Say whether a voucher with the deal's own window is bound; others may yet be extended."""
    whole = replace(deal, closures=(*deal.closures, closure))
    extension = find_extension(Voucher(voucher_id=0, tail=""), whole, venue)
    alone = find_extension(Voucher(voucher_id=0, tail=""), deal, venue)
    return extension is not None and (alone is None or alone.days != extension.days)


# --- write ---------------------------------------------------------------------------------------


def declare_closure(
    tx: Session, request: ClosureRequest, *, by: str, now: datetime
) -> ClosureVersion:
    """Close the venue for a time; return the first version."""
    plan = plan_closure(tx.catalogue, tx.venue, request, now=now)
    return _write(tx, plan, None, request.reason, by)


def amend_closure(
    tx: Session, closure_id: str, request: ClosureRequest, *, by: str, now: datetime
) -> ClosureVersion:
    """Put other terms or deals in the place of a closure's; a restored one is in force anew.

    Raises:
        NotFound: there is none of that number.
    """
    before = get_versions(tx, closure_id)
    plan = plan_closure(tx.catalogue, tx.venue, request, now=now)
    return _write(tx, plan, before[-1], request.reason, by)


def restore_closure(
    tx: Session, closure_id: str, *, reason: str, by: str, now: datetime
) -> ClosureVersion:
    """End a closure: its vouchers are good as they were sold; who came in by it stays so.

    Raises:
        NotFound: there is none of that number.
        LedgerConflict: `closure-restored`.
    """
    before = get_versions(tx, closure_id)[-1]
    if before.closure.restored:
        raise LedgerConflict("closure-restored", f"closure {closure_id} was restored before")
    ended = replace(before.closure, committed_at=now, restored=True)
    return _write(tx, Plan(ended, before.deal_nos, before.asked), before, reason, by)


def get_versions(tx: Session, closure_id: str) -> list[ClosureVersion]:
    """Return the versions of a closure, oldest first.

    Raises:
        NotFound: there is none of that number.
    """
    number = closure_number(closure_id)
    found = list_versions(tx.db, number)
    if not found:
        raise NotFound(f"no closure {closure_id}")
    return found[0]


def closure_number(closure_id: str) -> int:
    """Read the number of a closure.

    Raises:
        NotFound: it is none.
    """
    if not (closure_id.isascii() and closure_id.isdecimal() and len(closure_id) < 16):
        raise NotFound(f"no closure {closure_id[:40]}")
    return int(closure_id)


def _write(
    tx: Session, plan: Plan, before: ClosureVersion | None, reason: str, by: str
) -> ClosureVersion:
    """Write a version, and have replicas told of every deal that it binds or binds no longer."""
    version = 1 if before is None else before.closure.version + 1
    terms = plan.closure
    bounds = [to_ms(each) for each in (terms.closed_from, terms.closed_until, terms.extend_until)]
    flags = int(terms.used_too), int(terms.refunds_open)
    deals = [tx.catalogue.deals[number].deal_id for number in plan.deal_nos]
    fields: dict[str, object] = {
        "closure_id": None if before is None else before.closure.closure_id,
        "closure_version": version,
        "by": by,
        "reason": reason,
        "restored": terms.restored,
        "terms": [*bounds, *flags],
        "notice": terms.notice,
        "deals": deals,
    }
    revision = tx.record_event("closure", fields)
    number = revision if before is None else int(before.closure.closure_id)
    notice, asked = _json(terms.notice) if terms.notice else None, _json(plan.asked)
    tx.db.execute(
        "INSERT INTO closures (revision, closure_id, version, committed_at, made_by, restored,"
        " reason, closed_from, closed_until, extend_until, used_too, refunds_open, notice, asked)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (revision, number, version, to_ms(terms.committed_at), by, int(terms.restored), reason,
         *bounds, *flags, notice, asked),
    )  # fmt: skip
    before_nos = () if before is None else before.deal_nos
    _bind(tx, revision, plan.deal_nos, before_nos)
    refs: dict[str, str | int] = {"closure_id": str(number), "closure_version": version}
    for deal_no in sorted({*plan.deal_nos, *before_nos}):
        note_deal(tx, deal_no, EntryKind.CLOSURE, reason, refs=refs, by=by, now=terms.committed_at)
    written = replace(terms, closure_id=str(number), version=version)
    return ClosureVersion(written, by, reason, plan.asked, plan.deal_nos)


def _bind(tx: Session, revision: int, deals: Sequence[int], earlier: Sequence[int]) -> None:
    sql = "INSERT INTO closure_deals (deal_no, revision) VALUES (?, ?)"
    tx.db.executemany(sql, [(number, revision) for number in deals])
    changed = [(revision, number) for number in {*deals, *earlier}]
    tx.db.executemany("UPDATE deals SET revision = ? WHERE deal_no = ?", changed)
    tx.touched.add("deals")


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
