"""The morning: scanners start, the first visitors are held, the deal is voided with a cut-off."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from drill.cast import Cast, Step
from drill.lanes import Lanes
from drill.sales import FLASH, PLATFORM
from drill.story import ADMIT_UNTIL_S, COMPENSATION_MINOR, CUT_OFF_S, FACE_MINOR, LANES, Pace
from drill.venue import Venue

STARTED_WITHIN_S: Final = 600.0
DOWNLOADED_WITHIN_S: Final = 120.0
SHOWN_WITHIN_S: Final = 120.0
VOIDED_WITHIN_S: Final = 60.0
NOTICE: Final = {
    "zh": "本活动已由平台取消。17:00前到场登记的游客照常接待，其余订单由平台原路退款。",
    "en": "The platform has cancelled this offer. Who arrived before 17:00 is received as usual;"
    " the platform refunds all other orders.",
}
BROADCAST: Final = {
    "zh": "双园联票活动已由平台取消：17:00前到场登记的游客照常入园，请疏导员从队尾开始登记。",
    "en": "The combined ticket offer was cancelled by its platform: who arrives before 17:00 is let"
    " in as usual. Marshals, please stamp from the tail of the queue.",
}


@dataclass(frozen=True, slots=True)
class Voided:
    """The void as it was made.

    Attributes:
        begun_s: when it was asked for, monotonic; the story's nine o'clock.
        arrived_by: the cut-off, the story's 17:00.
        last_scanner_s: until the last scanner knew of it.
    """

    begun_s: float
    arrived_by: datetime
    admit_until: datetime
    last_scanner_s: float
    version: int
    preview: dict[str, Any]


def start_scanners(venue: Venue, lanes: Lanes, advance: Callable[[int], None]) -> None:
    """Start every scanner, and wait until each has all that was sold in the night."""
    lanes.await_ready(STARTED_WITHIN_S, advance)
    revision = venue.revision()
    lanes.await_status(
        lanes.names,
        lambda told: told["online"] and told["revision"] >= revision,
        DOWNLOADED_WITHIN_S,
        "a scanner's replica",
    )


def present_early(lanes: Lanes, cast: Cast) -> float:
    """Have the first visitors come, while the deal is on hold; return scans a second."""
    begun_s = time.monotonic()
    for number, voucher in enumerate(cast.early):
        place = LANES[number % len(LANES)]
        lanes.scan(Step(0.0, place, voucher.code), begun_s)
    lanes.await_shown(SHOWN_WITHIN_S)
    return len(cast.early) / (time.monotonic() - begun_s)


def block_buyers(venue: Venue, cast: Cast) -> None:
    """Have a supervisor block the accounts whose orders a human should look at."""
    for buyer in sorted({voucher.buyer for voucher in cast.blocked}):
        body = {"platform": PLATFORM, "buyer_ref": buyer, "reason": "drill: unusual orders"}
        venue.supervisor.post("/blocks", body)


def void_deal(venue: Venue, lanes: Lanes, pace: Pace, incident_id: str) -> Voided:
    """Void the deal with its cut-off, and wait until every scanner knows."""
    boss = venue.supervisor
    boss.post(f"/incidents/{incident_id}/acknowledge", {})
    lanes.follow()
    now, begun_s = datetime.now(UTC), time.monotonic()
    arrived_by = now + timedelta(seconds=pace.real_s(CUT_OFF_S))
    admit_until = now + timedelta(seconds=pace.real_s(ADMIT_UNTIL_S))
    body = _void(arrived_by, admit_until)
    preview = boss.post(f"/deals/{FLASH}/void?preview=true", body)
    asked_s = time.monotonic()
    made = boss.post(f"/deals/{FLASH}/void", body)
    lanes.await_voided(VOIDED_WITHIN_S)
    last_s = max(lanes.voided_s.values()) - asked_s
    version = made["void_version"]
    return Voided(begun_s, arrived_by, admit_until, last_s, version, preview["preview"])


def _void(arrived_by: datetime, admit_until: datetime) -> dict[str, Any]:
    return {
        "reason": "drill: flash-sale limit failed",
        "honour": {
            "arrived_by": arrived_by.isoformat(timespec="milliseconds"),
            "admit_until": admit_until.isoformat(timespec="milliseconds"),
        },
        "cost_bearer": "platform",
        "settlement_unit_minor": FACE_MINOR,
        "notice": NOTICE,
        "remedy": {
            "refund": "price_paid",
            "compensation_per_buyer_minor": COMPENSATION_MINOR,
        },
    }


def send_broadcast(venue: Venue, incident_id: str) -> str:
    """Tell every scanner; return the broadcast's id."""
    body = {"message": BROADCAST, "priority": "high", "incident_id": incident_id}
    return str(venue.supervisor.post("/broadcasts", body)["broadcast_id"])


def show_broadcast(venue: Venue, broadcast_id: str, within_s: float) -> dict[str, Any]:
    """Return a broadcast with who has shown it, once all have or the time is over."""
    until_s = time.monotonic() + within_s
    while True:
        found: dict[str, Any] = json.loads(
            venue.supervisor.fetch("GET", f"/broadcasts/{broadcast_id}")
        )
        if not found["unseen"] or time.monotonic() > until_s:
            return found
        time.sleep(0.2)
