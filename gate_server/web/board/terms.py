"""What the fields of acts about deals begin with, and sentences that several of them tell."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final, TypeVar

import msgspec
from msgspec import Struct

from admission import wire
from admission.calendar import Venue
from admission.deals import Deal, Right
from admission.errors import NotFound
from gate_server.web.board import counted
from gate_server.web.board.languages import decimals_of, gettext, ngettext
from gate_server.web.board.pages import Visit

CUT_OFF_HOUR: Final = 17

T = TypeVar("T", bound=Struct)


def deal_of(visit: Visit, subject: Mapping[str, str]) -> Deal:
    """Return the deal that an act is about; another platform's is not there for a partner.

    Raises:
        NotFound: there is none.
    """
    deal, platform = visit.services.ledger.catalogue.deal(subject["deal_id"]), visit.caller.platform
    if deal is None or platform not in {None, deal.platform}:
        raise NotFound(f"no deal {subject['deal_id']}")
    return deal


def typed(at: datetime | None, venue: Venue) -> str:
    """Return an instant as a browser's date and time, which is venue time."""
    if at is None:
        return ""
    local = at.astimezone(venue.zone).replace(tzinfo=None)
    # A browser takes no more than milliseconds, and shows no seconds where there are none.
    exact = "milliseconds" if local.microsecond else "seconds" if local.second else "minutes"
    return local.isoformat(timespec=exact)


def currency_of(visit: Visit, subject: Mapping[str, str]) -> str:
    """Return what the deal that an act is about is sold in."""
    return deal_of(visit, subject).currency


def typed_money(minor: int | None, currency: str) -> str:
    """Return an amount as it is typed."""
    return "" if minor is None else f"{Decimal(minor).scaleb(-decimals_of(currency)):f}"


def cut_off(now: datetime, venue: Venue) -> datetime:
    """Return the cut-off of arrivals that is offered: five in the afternoon, else in an hour.

    Never beyond the venue day, whose last instant ends the admissions, too.
    """
    local = now.astimezone(venue.zone)
    usual = local.replace(hour=CUT_OFF_HOUR, minute=0, second=0, microsecond=0)
    if usual > local:
        return usual
    later = local.replace(minute=0, second=0, microsecond=0) + timedelta(hours=2)
    last = venue.day_bounds(venue.day_of(now))[1].astimezone(venue.zone)
    return min(later, last.replace(second=0, microsecond=0))


def say_right(right: Right) -> str:
    """Say how often each person may enter an area."""
    if right.per_day:
        return ngettext(
            "%(area)s once a day", "%(area)s %(num)d times a day", right.uses, area=right.area
        )
    return ngettext("%(area)s once", "%(area)s %(num)d times", right.uses, area=right.area)


def tell_devices(visit: Visit) -> str:
    """Say how many scanners learn of what is done."""
    devices = visit.services.ledger.catalogue.devices.values()
    return ngettext(
        "%(num)d device learns of it within a second, or when it is back on the network.",
        "%(num)d devices learn of it within a second, or when they are back on the network.",
        sum(not each.revoked for each in devices),
    )


def tell_vouchers(vouchers: int, people: int) -> str:
    """Say how many vouchers, for how many people."""
    return gettext(
        "%(vouchers)s for %(people)s",
        vouchers=counted.vouchers(vouchers),
        people=counted.people(people),
    )


def read_terms(kind: type[T], body: Mapping[str, Any]) -> T:
    """Return a call's body as the call will read it.

    Raises:
        InvalidInput: it would not take it.
    """
    return wire.read(kind, msgspec.json.encode(body))
