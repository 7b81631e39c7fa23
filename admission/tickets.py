"""Rules about the tickets of an exchange desk: what each is worth, and taking them back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from admission.calendar import Venue
from admission.cases import Family
from admission.corrections import ANNUL_WITHIN
from admission.deals import Deal
from admission.errors import Fault, InvalidInput, LedgerConflict
from admission.history import Record, Terms, fold
from admission.tokens import FIRST_DAY, LAST_DAY
from admission.vouchers import Voucher


@dataclass(frozen=True, slots=True)
class Living:
    """A ticket that is neither replaced nor taken back.

    Attributes:
        place: which of the exchange's tickets it is, from 1.
        used: whether it has let somebody in who was not taken back.
    """

    voucher_id: int
    place: int
    used: bool


def name_of(key_id: int, number: int) -> str:
    """Return what people call a ticket: the identity of its token, which admits nobody."""
    return f"T{key_id}-{number}"


def price_shares(price_minor: int | None, admits: int) -> Iterator[int | None]:
    """Yield what each person of a voucher paid, so that the shares add up to its price."""
    for place in range(1, admits + 1):
        if price_minor is None:
            yield None
        else:
            yield price_minor * place // admits - price_minor * (place - 1) // admits


def days_of(voucher: Voucher, deal: Deal, venue: Venue) -> tuple[date, date]:
    """Return the first and the last day that a token of a voucher states."""
    first = venue.day_of((voucher.valid_from or deal.valid_from) - deal.early)
    last = venue.day_of((voucher.valid_until or deal.valid_until) + deal.late)
    return min(max(FIRST_DAY, first), LAST_DAY), min(max(FIRST_DAY, last), LAST_DAY)


def join_family(
    sold: Voucher, deal: Deal, parent: Sequence[Record], tickets: Iterable[Record], venue: Venue
) -> Family:
    """Return what a voucher and its tickets have in common.

    Args:
        sold: the voucher as its platform sold it.
        parent, tickets: what is on record of it, and of all its tickets.
    """
    terms, records = Terms.of(sold, deal), (*parent, *tickets)
    return Family(sold, fold(parent, terms, venue), fold(records, terms.whole, venue), records)


def stated_parties(records: Iterable[Record]) -> list[Record]:
    """Return a ticket's records with the party that was left unsaid: a ticket is one person's."""
    return [replace(each, party=1) if each.party is None else each for each in records]


def is_used(records: Iterable[Record]) -> bool:
    """Say whether a ticket has let somebody in who was not taken back."""
    return any(record.passed for record in records)


def tickets_to_annul(
    record: Record,
    living: Sequence[Living],
    *,
    people: int | None,
    now: datetime,
    by_supervisor: bool,
) -> list[Living]:
    """Return the tickets that are taken back now; none: that was done already.

    Those printed last go first, so that what is left are the first of the row.

    Args:
        record: the exchange; its `annulled` are tickets taken back before.
        living: its tickets that still count.
        people: how many are taken back in all; None: all that were printed.

    Raises:
        LedgerConflict: `not-admitted`, `too-late` or `ticket-used`.
        InvalidInput: more people than tickets were printed for.
    """
    made = record.annulled + len(living)
    if made == 0:
        raise LedgerConflict("not-admitted", "this scan printed no tickets; nothing to annul")
    wanted = made if people is None else people
    if wanted > made:
        raise InvalidInput(
            "people", f"{made} tickets were printed; name at most that many", Fault.TOO_MUCH, made
        )
    if wanted <= record.annulled:
        return []
    if not by_supervisor and now - record.scan_at > ANNUL_WITHIN:
        raise LedgerConflict(
            "too-late", "more than 15 minutes have passed; a supervisor can still annul it"
        )
    unused = sorted((each for each in living if not each.used), key=lambda each: each.place)
    count = wanted - record.annulled
    if count > len(unused):
        raise LedgerConflict(
            "ticket-used", f"only {len(unused)} of these tickets have let nobody in"
        )
    return unused[-count:]


def check_reprint(*, dead: bool, used: bool) -> None:
    """Allow a ticket to be printed anew; the first is good for nothing from then on.

    Raises:
        LedgerConflict: `ticket-dead`, `ticket-used`.
    """
    if dead:
        raise LedgerConflict("ticket-dead", "this ticket was replaced or taken back before")
    if used:
        raise LedgerConflict("ticket-used", "this ticket has let somebody in; it is not replaced")
