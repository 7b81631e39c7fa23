"""The drill's figures: what its table and its JSON say, from all that was measured and seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from drill.checks import Checked, Evidence
from drill.crowd import Day
from drill.fold import GATES
from drill.lanes import Shown
from drill.morning import Voided
from drill.night import Night
from drill.story import CUT_OFF_S, HOUR_S, LANES, MARSHAL_NAMES, Pace, Sizes

OPEN_HOURS: Final = CUT_OFF_S / HOUR_S + 1


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured and modelled, beside what the invariants look at.

    Attributes:
        rate: scans a second of all scanners at once, before the day.
        with_marshals: the crowd's day; `without`: the same crowd's.
    """

    sizes: Sizes
    night: Night
    voided: Voided
    pace: Pace
    rate: float
    with_marshals: Day
    without: Day


def figures(
    measured: Measured, evidence: Evidence, checked: list[Checked], *, took_s: float
) -> dict[str, Any]:
    """Return everything that the drill found, as its JSON has it.

    Args:
        took_s: seconds of the whole drill.
    """
    shown = evidence.played.shown
    found = {
        "scale": measured.sizes.scale,
        "seconds": _seconds(measured, shown) | {"drill": round(took_s, 1)},
        "people": _people(evidence),
        "scans": _scans(shown),
        "double_uses": {
            "vouchers": sum(len(each.in_on) > 1 for each in evidence.holders.values()),
            "scans": len(evidence.doubles),
        },
        "queue": {
            "with_marshals": _queue(measured.with_marshals),
            "without_marshals": _queue(measured.without),
        },
        "settlement": evidence.accounts.settlement,
        "statement": {
            name: evidence.accounts.statement[name] for name in ("version", "hash", "closed_at")
        },
        "lists": evidence.accounts.lists,
        "incident_id": evidence.incident["incident_id"],
        "report": evidence.report is not None,
    }
    return found | checked_figures(checked)


def checked_figures(checked: list[Checked]) -> dict[str, Any]:
    """Return whether the invariants hold, all of them and each."""
    return {
        "holds": all(each.holds for each in checked),
        "invariants": [
            {"name": each.name, "holds": each.holds, "problem": each.problem or None}
            for each in checked
        ],
    }


def _seconds(measured: Measured, shown: Sequence[Shown]) -> dict[str, Any]:
    online = [each.took_s for each in shown if each.reason and not each.offline]
    offline = [each.took_s for each in shown if each.reason and each.offline]
    return {
        "first_absurd_sale_to_hold": round(measured.night.hold_s, 3),
        "void_to_last_scanner": round(measured.voided.last_scanner_s, 3),
        "verdict_p50": _quantile(online, 0.5),
        "verdict_p99": _quantile(online, 0.99),
        "offline_verdict_p50": _quantile(offline, 0.5),
        "offline_verdict_p99": _quantile(offline, 0.99),
        "latest": round(max((each.late_s for each in shown), default=0.0), 3),
        "faster_than_life": round(measured.pace.faster, 1),
        "sold_a_second": round(measured.night.rows_a_second),
        "scans_a_second": round(measured.rate, 1),
    }


def _people(evidence: Evidence) -> dict[str, int]:
    """Return people by what became of them at the gates; who came in twice counts twice."""
    found = Counter[str]()
    for each in evidence.played.shown:
        if each.place in GATES and each.outcome == "admit" and not each.leaves:
            found[each.reason] += each.people
    return {
        "honoured": found["honoured"],
        "admitted": found["admitted"],
        "overridden": sum(evidence.played.overridden.values()),
        "after_cut_off": after_the_cut_off(evidence),
        "inside": evidence.inside,
    }


def _scans(shown: Sequence[Shown]) -> dict[str, Any]:
    at_gates = [each for each in shown if each.place in GATES and not each.leaves]
    stamps = [each for each in shown if each.place in MARSHAL_NAMES]
    outcomes = Counter(each.outcome for each in at_gates)
    called = [each for each in at_gates if each.outcome == "refer" and each.place in LANES]
    return {
        "all": len(shown),
        "offline": sum(each.offline for each in shown),
        "stamps": len(stamps),
        "admitted": outcomes["admit"],
        "refused": outcomes["refuse"],
        "referred": outcomes["refer"],
        "calls_a_lane_and_hour": round(len(called) / len(LANES) / OPEN_HOURS, 2),
        "reasons": dict(Counter(each.reason for each in at_gates).most_common()),
    }


def after_the_cut_off(evidence: Evidence) -> int:
    """Return people who were let in after the cut-off because of an arrival before it."""
    arrived_by = evidence.played.arrived_by
    return sum(
        each.people
        for each in evidence.played.shown
        if each.reason == "honoured"
        and each.place in LANES
        and each.at is not None
        and each.at > arrived_by
    )


def _queue(day: Day) -> dict[str, Any]:
    return {
        "longest_people": day.longest_queue,
        "longest_wait_minutes": round(day.longest_wait_s / 60),
        "turned_away_in_time": day.turned_away,
        "gave_up": day.impatient,
    }


def _quantile(values: Sequence[float], share: float) -> float | None:
    """Return a value that `share` of them do not exceed, seconds; None where there is none."""
    if not values:
        return None
    ordered = sorted(values)
    return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 4)
