"""The evening: refunds in bulk, supervisors' last decisions, the settlement and its statement."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote

from drill.calls import DrillFailed, Platform
from drill.cast import Step
from drill.lanes import Lanes, Shown
from drill.plug import HOLD, PASS
from drill.sales import FLASH, Sales, Voucher, parts
from drill.story import LANES
from drill.venue import Venue

# The platform leaves one in so many to the venue's own refund list.
LEFT_TO_LIST: Final = 20
OVERRIDDEN: Final = 2
TRIED_ONLINE, TRIED_OFFLINE = 12, 6
QUIET_WITHIN_S: Final = 120.0
DOWNLOADED_WITHIN_S: Final = 300.0
_ONLINE, _OFFLINE = LANES[0], LANES[4]
STAY: Final = frozenset({_ONLINE, _OFFLINE})
"""Scanners that are not switched off when the gates close; they stand in one process."""


@dataclass(slots=True)
class Accounts:
    """What the evening came to.

    Attributes:
        listed: codes of vouchers on the refund list.
        tried: what scanners showed when some of those were presented.
        digests: SHA-256 of the settlement's table, made twice for one moment.
        versions: of the statement, made twice.
    """

    settlement: dict[str, Any] = field(default_factory=dict)
    lists: dict[str, dict[str, Any]] = field(default_factory=dict)
    listed: set[str] = field(default_factory=set, repr=False)
    tried: list[Shown] = field(default_factory=list)
    digests: list[str] = field(default_factory=list)
    versions: list[int] = field(default_factory=list)
    statement: dict[str, Any] = field(default_factory=dict)


def override_blocked(venue: Venue, lanes: Lanes) -> dict[str, int]:
    """Have a supervisor let in some whom gates referred; the platform's partner bears it.

    Returns people let in, by the code that was shown.
    """
    called = {shown.code: shown for shown in lanes.shown if shown.reason == "buyer_blocked"}
    at_gates = [shown for shown in called.values() if shown.place in LANES]
    let_in = {}
    for shown in at_gates[:OVERRIDDEN]:
        body = {
            "device_id": shown.device_id,
            "reason": "drill: order looked at",
            "cost_bearer": "platform",
        }
        answer = venue.supervisor.post(f"/scans/{shown.nonce}/override", body)
        let_in[shown.code] = int(answer["admitted"])
    for waiting in venue.partner.get(f"/deals/{FLASH}/overrides")["overrides"]:
        venue.partner.post(f"/deals/{FLASH}/overrides/{waiting['scan_id']}/confirm", {})
    return let_in


def await_quiet(lanes: Lanes, within_s: float = QUIET_WITHIN_S) -> None:
    """Wait until every scanner has handed over all that it decided alone."""
    lanes.await_status(
        lanes.names,
        lambda told: told["online"] and not told["waiting"] and not told["parked"],
        within_s,
        "the upload of what was decided offline",
    )


def choose_refunds(sales: Sales, came_in: set[str], before: set[str]) -> list[Voucher]:
    """Return what the platform refunds at closing time: who has not come, but for a few.

    Args:
        came_in: codes on which somebody is in.
        before: codes that it has refunded already.
    """
    done = came_in | before
    left = (each for each in sales.all_flash() if each.code not in done)
    return [each for number, each in enumerate(left) if number % LEFT_TO_LIST]


def push_refunds(
    platform: Platform, sales: Sales, vouchers: list[Voucher], advance: Callable[[int], None]
) -> None:
    """Have the platform tell of refunds in bulk."""
    now = datetime.now(UTC)
    for part in parts(sales.refund(voucher, now) for voucher in vouchers):
        platform.push("vouchers", part)
        advance(len(part))


def settle(venue: Venue, lanes: Lanes, sales: Sales, admit_until: datetime) -> Accounts:
    """Settle once nobody is let in any more; list what is left to refund; sign the statement."""
    time.sleep(max(0.0, (admit_until - datetime.now(UTC)).total_seconds() + 0.5))
    made, boss = Accounts(), venue.supervisor
    for kind in ("refunds", "compensation", "reverse"):
        made.lists[kind] = boss.post(f"/deals/{FLASH}/lists", {"kind": kind})
    number = made.lists["refunds"]["number"]
    refs = {row["voucher_ref"] for row in boss.get(f"/deals/{FLASH}/lists/{number}")["rows"]}
    made.listed = {each.code for each in sales.all_flash() if each.ref in refs}
    made.tried = _try(venue, lanes, sorted(made.listed))
    made.settlement = boss.get(f"/deals/{FLASH}/settlement")
    moment = quote(made.settlement["as_of"], safe="")
    for _ in range(2):
        table = boss.fetch("GET", f"/deals/{FLASH}/settlement?format=csv&as_of={moment}")
        made.digests.append(hashlib.sha256(table).hexdigest())
    made.statement = _sign(venue)
    again = boss.post(f"/deals/{FLASH}/statements", {})
    made.versions = [made.statement["version"], again["version"]]
    return made


def _sign(venue: Venue) -> dict[str, Any]:
    """Make the statement and have both sides sign it."""
    path = f"/deals/{FLASH}/statements"
    statement: dict[str, Any] = venue.supervisor.post(path, {})
    for side in (venue.supervisor, venue.partner):
        body = {"hash": statement["hash"]}
        statement = side.post(f"{path}/{statement['version']}/sign", body)
    return statement


def _try(venue: Venue, lanes: Lanes, codes: list[str]) -> list[Shown]:
    """Present vouchers of the refund list at a connected and at a cut-off scanner."""
    revision, names = venue.revision(), list(STAY)
    lanes.await_status(
        names, lambda told: told["revision"] >= revision, DOWNLOADED_WITHIN_S, "the refund list"
    )
    chosen = iter(codes)
    before = len(lanes.shown)
    _present(lanes, _ONLINE, chosen, TRIED_ONLINE)
    plug = next(device.plug for device in venue.devices if device.name == _OFFLINE)
    plug.turn(HOLD)
    _present(lanes, _OFFLINE, chosen, TRIED_OFFLINE)
    plug.turn(PASS)
    await_quiet(lanes)
    return lanes.shown[before:]


def _present(lanes: Lanes, place: str, codes: Iterator[str], count: int) -> None:
    for _, code in zip(range(count), codes, strict=False):
        lanes.scan(Step(0.0, place, code), time.monotonic())
    lanes.await_shown(QUIET_WITHIN_S)


def close_incident(venue: Venue, incident_id: str, summary: str) -> dict[str, Any]:
    """End the incident with what came of it.

    Raises:
        DrillFailed: it is not closed.
    """
    closed: dict[str, Any] = venue.supervisor.post(
        f"/incidents/{incident_id}/close", {"summary": summary}
    )
    if closed["state"] != "closed":
        raise DrillFailed(f"the incident is {closed['state']}")
    return closed
