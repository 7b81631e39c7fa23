"""The invariants: what must be true after any day, by the record and by what was seen outside."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final, NamedTuple, TypeAlias

from drill.evening import Accounts
from drill.fold import (
    Holder,
    Played,
    double_uses,
    inside,
    settle,
    told_settlement,
)
from drill.sales import FLASH, HONEST
from drill.story import LANES

# What is decided so near the cut-off may fall on either side: a scanner's word has an age.
NEAR: Final = timedelta(seconds=1)
MOST_NAMED: Final = 5


class Recorded(NamedTuple):
    """A scan as the ledger has it: whose, under which nonce, what was shown."""

    device_id: str
    nonce: str
    reason: str
    people: int


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that the invariants are checked against.

    Attributes:
        recorded: every scan of the ledger.
        counters: where the ledger's counters are not what its rows add up to.
        chain: what is wrong with its audit chain.
        doubles: scans in the open conflicts `double_use`.
        inside: people inside, as the server counts them.
        broadcast: with who has shown it.
        incident: as it was closed.
        report: the after-action report; None where this version writes none.
    """

    played: Played
    holders: dict[str, Holder] = field(repr=False)
    recorded: list[Recorded] = field(repr=False)
    counters: list[str]
    chain: list[str]
    doubles: set[tuple[str, str]]
    inside: int
    accounts: Accounts
    broadcast: dict[str, Any]
    incident: dict[str, Any]
    report: str | None = None


class Checked(NamedTuple):
    """An invariant and whether it holds.

    Attributes:
        problem: what is wrong; "" where it holds.
    """

    name: str
    problem: str

    @property
    def holds(self) -> bool:
        """Whether it holds."""
        return not self.problem


Check: TypeAlias = Callable[[Evidence], str]
"""Returns what is wrong, or "" where the invariant holds."""


def check(evidence: Evidence) -> list[Checked]:
    """Check every invariant."""
    return [Checked(name, find(evidence)) for name, find in _INVARIANTS.items()]


# --- scans ---------------------------------------------------------------------------------------


def _shown_once(evidence: Evidence) -> str:
    """Compare what scanners showed with what the ledger holds, scan by scan."""
    shown = [
        Recorded(each.device_id, each.nonce, each.reason, each.people)
        for each in evidence.played.shown
        if each.reason
    ]
    if len(set(shown)) != len(shown) or len(set(evidence.recorded)) != len(evidence.recorded):
        return "a scan is there twice"
    missing = set(shown) - set(evidence.recorded)
    invented = set(evidence.recorded) - set(shown)
    return _tell(
        (len(missing), "shown and not on record as shown"),
        (len(invented), "on record and never shown so"),
    )


def _all_answered(evidence: Evidence) -> str:
    problems = [each for each in evidence.played.shown if not each.reason]
    said = ", ".join(sorted({each.problem for each in problems})[:MOST_NAMED])
    return f"{len(problems)} codes got no verdict: {said}" if problems else ""


def _doubles_found(evidence: Evidence) -> str:
    """Nobody is in twice on one voucher but those whom the ledger has found."""
    expected = double_uses(evidence.holders, evidence.played)
    return _tell(
        (len(expected - evidence.doubles), "let in again and not found"),
        (len(evidence.doubles - expected), "found and not let in again"),
    )


def _honest_received(evidence: Evidence) -> str:
    """Whoever holds an ordinary ticket is let in at the first scan of it at a gate."""
    vouchers, seen = evidence.played.vouchers, set[str]()
    turned = 0
    for shown in evidence.played.shown:
        voucher = vouchers.get(shown.code)
        if voucher is None or voucher.deal_id != HONEST or shown.place not in LANES:
            continue
        if shown.code not in seen and shown.reason != "exchanged":
            turned += shown.outcome != "admit"
        seen.add(shown.code)
    return _tell((turned, "honest visitors were not let in"))


def _strangers_refused(evidence: Evidence) -> str:
    """Nobody is let in on a code that nobody sold."""
    known = set(evidence.played.vouchers)
    known.update(code for made in evidence.played.tickets.values() for code in made)
    strangers = [
        code for code, holder in evidence.holders.items() if holder.people and code not in known
    ]
    return _tell((len(strangers), "codes that nobody sold let people in"))


# --- the void ------------------------------------------------------------------------------------


def _honoured_in_time(evidence: Evidence) -> str:
    """Everybody honoured came before the cut-off, and nobody who did was turned away for it."""
    arrived_by = evidence.played.arrived_by
    late = turned = 0
    for holder in evidence.holders.values():
        first = min(holder.seen_at, default=None)
        if "honoured" in holder.reasons and (first is None or first > arrived_by + NEAR):
            late += 1
        if first is not None and first < arrived_by - NEAR and holder.turned_at:
            turned += 1
    return _tell(
        (late, "honoured without proof of an arrival in time"),
        (turned, "turned away with proof of an arrival in time"),
    )


def _never_after_refund_list(evidence: Evidence) -> str:
    tried = evidence.accounts.tried
    wrong = [each for each in tried if each.people or each.reason != "refunded"]
    if not tried or not any(each.offline for each in tried):
        return "no voucher of the refund list was presented at a connected and a cut-off scanner"
    reasons = ", ".join(sorted({f"{each.reason} {each.problem}".strip() for each in wrong}))
    return f"{len(wrong)} listed vouchers were answered otherwise: {reasons}" if wrong else ""


# --- accounts ------------------------------------------------------------------------------------


def _balanced(evidence: Evidence) -> str:
    return "" if evidence.accounts.settlement["balanced"] else "the settlement is not balanced"


def _settled_as_seen(evidence: Evidence) -> str:
    """Compare the settlement with the sum of what was shown, figure by figure."""
    told = told_settlement(evidence.accounts.settlement)
    expected = settle(evidence.holders, evidence.played)
    differing = [
        f"{name} {told[name]} instead of {value}"
        for name, value in expected.items()
        if told[name] != value
    ]
    return ", ".join(differing[:MOST_NAMED])


def _lists_complete(evidence: Evidence) -> str:
    """The lists hold exactly what the settlement says is to be done."""
    settlement, lists = evidence.accounts.settlement, evidence.accounts.lists
    wanted = {
        "refunds": settlement["amounts_minor"]["refunds"],
        "compensation": settlement["amounts_minor"]["compensation"],
        "reverse": settlement["amounts_minor"]["refunds_to_reverse"],
    }
    return ", ".join(
        f"list {kind} sums up to {lists[kind]['amount_minor']} instead of {amount}"
        for kind, amount in wanted.items()
        if lists[kind]["amount_minor"] != amount
    )


def _same_bytes(evidence: Evidence) -> str:
    accounts = evidence.accounts
    if len(set(accounts.digests)) != 1:
        return "the same settlement was written twice with other bytes"
    return (
        "" if len(set(accounts.versions)) == 1 else "nothing changed, and there is a new statement"
    )


def _signed(evidence: Evidence) -> str:
    """The statement is the settlement, and both sides have signed it."""
    statement = evidence.accounts.statement
    if not statement["closed_at"]:
        return "the statement is not signed by both sides"
    ours = dict(evidence.accounts.settlement) | {"as_of": None}
    theirs = dict(statement["settlement"]) | {"as_of": None}
    return "" if ours == theirs else "the statement is not the settlement"


# --- the record ----------------------------------------------------------------------------------


def _chain_whole(evidence: Evidence) -> str:
    return "; ".join(evidence.chain[:MOST_NAMED])


def _counters_true(evidence: Evidence) -> str:
    return "; ".join(evidence.counters[:MOST_NAMED])


def _occupancy_right(evidence: Evidence) -> str:
    expected = inside(evidence.holders, evidence.played)
    if evidence.inside == expected:
        return ""
    return f"{evidence.inside} people are inside instead of {expected}"


def _all_told(evidence: Evidence) -> str:
    unseen = evidence.broadcast["not_seen_by"]
    names = ", ".join(each["name"] for each in unseen)
    return f"{len(unseen)} scanners have not shown the broadcast: {names}" if unseen else ""


def _incident_told(evidence: Evidence) -> str:
    """The incident opened by itself, tells of hold and void, and is closed; its report names it."""
    incident = evidence.incident
    if incident["kind"] != "sale_held" or incident["deal_id"] != FLASH:
        return "the hold has opened no incident"
    if incident["state"] != "closed" or incident["decision"] != "voided":
        return f"the incident is {incident['state']}, its decision {incident['decision']}"
    if evidence.report is not None and incident["incident_id"] not in evidence.report:
        return "the report does not tell of the incident"
    return ""


def _tell(*found: tuple[int, str]) -> str:
    return "; ".join(f"{count} {what}" for count, what in found if count)


_INVARIANTS: Final[dict[str, Check]] = {
    "shown_once": _shown_once,
    "all_answered": _all_answered,
    "doubles_found": _doubles_found,
    "honest_received": _honest_received,
    "strangers_refused": _strangers_refused,
    "honoured_in_time": _honoured_in_time,
    "never_after_list": _never_after_refund_list,
    "balanced": _balanced,
    "settled_as_seen": _settled_as_seen,
    "lists_complete": _lists_complete,
    "same_bytes": _same_bytes,
    "signed": _signed,
    "chain_whole": _chain_whole,
    "counters_true": _counters_true,
    "occupancy_right": _occupancy_right,
    "all_told": _all_told,
    "incident_told": _incident_told,
}
