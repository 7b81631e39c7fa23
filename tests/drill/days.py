"""A small day as a drill sees it, all as it should be, to be spoiled in one place."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from drill.checks import Evidence, Recorded
from drill.evening import Accounts
from drill.fold import Played, fold
from drill.lanes import Shown
from drill.sales import FLASH, HONEST, Voucher
from drill.story import FACE_MINOR

CUT_OFF = datetime(2015, 2, 12, 9, 0, tzinfo=UTC)
IN_TIME, LATE = CUT_OFF - timedelta(hours=1), CUT_OFF + timedelta(hours=1)


def a_voucher(number=1, deal_id=FLASH, admits=1):
    ref, buyer = f"R{number}", f"user-{number}"
    return Voucher(deal_id, number, f"CODE-{number}", ref, buyer, admits, 1)


CAME, STAYED_AWAY, LISTED = (a_voucher(number) for number in (1, 2, 3))
GUEST = a_voucher(9, HONEST)


def shown(voucher, nonce, reason="honoured", **changes):
    """One verdict, by default of a gate that let its holder in."""
    outcome = "admit" if reason in {"honoured", "admitted", "exit_recorded"} else "refuse"
    values = {
        "place": "L01",
        "device_id": "D1",
        "code": voucher.code,
        "nonce": nonce,
        "outcome": outcome,
        "reason": reason,
        "people": 1 if outcome == "admit" else 0,
        "at": IN_TIME,
    }
    return Shown(**(values | changes))


def a_day(*more, **changes):
    """What was played: one honoured, one refunded, one to be listed, one ordinary guest."""
    came = [shown(CAME, "n1"), shown(GUEST, "n2", "admitted"), *more]
    values = {
        "shown": came,
        "vouchers": {each.code: each for each in (CAME, STAYED_AWAY, LISTED, GUEST)},
        "refunded": {STAYED_AWAY.code},
        "overridden": {},
        "blocked": set(),
        "tickets": {},
        "arrived_by": CUT_OFF,
    }
    return Played(**(values | changes))


def the_settlement(**amounts):
    counts = {"sold": 3, "honoured": 1, "overridden": 0, "refunded": 1, "refund_due": 1}
    money = {"owed_to_venue": FACE_MINOR, "refunds": 1, "refunds_to_reverse": 0}
    return {
        "balanced": True,
        "as_of": "2015-02-12T12:00:00Z",
        "counts": counts,
        "people": {"honoured": 1, "overridden": 0, "over_admitted": 0},
        "amounts_minor": money | {"compensation": 2000} | amounts,
        "buyers_compensated": 2,
        "buyers_withheld": 0,
    }


def the_accounts(**changes):
    settlement = the_settlement()
    tried = [
        shown(LISTED, "t1", "refunded", at=LATE),
        shown(LISTED, "t2", "refunded", at=LATE, offline=True),
    ]
    values = {
        "settlement": settlement,
        "lists": {
            kind: {"amount_minor": amount, "entries": 1}
            for kind, amount in (("refunds", 1), ("compensation", 2000), ("reverse", 0))
        },
        "listed": {LISTED.code},
        "tried": tried,
        "digests": ["aa", "aa"],
        "versions": [1, 1],
        "statement": {"closed_at": "2015-02-12T12:01:00Z", "settlement": dict(settlement)},
    }
    return Accounts(**(values | changes))


def the_evidence(played=None, **changes):
    """All as it should be; `recorded` follows what was played unless it is given."""
    accounts = changes.pop("accounts", None) or the_accounts()
    played = played or a_day()
    played = replace(played, shown=[*played.shown, *accounts.tried])
    values = {
        "played": played,
        "holders": fold(played),
        "recorded": [
            Recorded(each.device_id, each.nonce, each.reason, each.people)
            for each in played.shown
            if each.reason
        ],
        "counters": [],
        "chain": [],
        "doubles": set(),
        "inside": 2,
        "accounts": accounts,
        "broadcast": {"not_seen_by": []},
        "incident": {
            "incident_id": "I1",
            "kind": "sale_held",
            "deal_id": FLASH,
            "state": "closed",
            "decision": "voided",
        },
    }
    return Evidence(**(values | changes))
