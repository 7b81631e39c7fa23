"""Charts of one deal in the reader's language: when it was sold, and when it was presented."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from admission.calendar import Venue
from admission.deals import Deal
from admission.wire_figures import By, CurveAnswer, SalesFigure
from gate_server.figures import make_curve
from gate_server.ledger.ledger import Ledger
from gate_server.screen_charts import Said, column_chart
from gate_server.web.board import counted
from gate_server.web.board.languages import gettext

MOST_COLUMNS: Final = 120
_FEW_DAYS: Final = 3
_STEPS: Final[Mapping[By, timedelta]] = {"day": timedelta(days=1), "hour": timedelta(hours=1)}
_FORMS: Final[Mapping[By, str]] = {"day": "%m-%d", "hour": "%m-%d %H:00"}


def draw_curves(ledger: Ledger, deal: Deal) -> list[tuple[str, str]]:
    """Return charts, a name and SVG each: of its sales, and of its scans; of few days by hour."""
    by_day, venue = make_curve(ledger, deal, "day"), ledger.venue
    by_hour = None
    if any(0 < len(times) <= _FEW_DAYS for times in (by_day.sold, by_day.scanned)):
        by_hour = make_curve(ledger, deal, "hour")
    few = by_hour or by_day
    sales = _sales(few if len(by_day.sold) <= _FEW_DAYS else by_day, venue)
    scans = _scans(few if len(by_day.scanned) <= _FEW_DAYS else by_day, venue)
    charts = (gettext("Vouchers sold"), sales), (gettext("Came in"), scans)
    return [(name, svg) for name, svg in charts if svg]


def _sales(curve: CurveAnswer, venue: Venue) -> str:
    if not curve.sold:
        return ""
    counts = {each.from_at: (each.standing, each.vouchers - each.standing) for each in curve.sold}
    most = max(curve.sold, key=lambda each: each.vouchers)
    return column_chart(
        _columns(counts, curve.by, venue),
        [gettext("valid"), gettext("cancelled or refunded")],
        Said(gettext("Vouchers sold"), _say_sales(curve.sold, most, venue)),
    )


def _say_sales(sold: Sequence[SalesFigure], most: SalesFigure, venue: Venue) -> str:
    return gettext(
        "%(vouchers)s, most of them, %(most)s, from %(at)s on.",
        vouchers=counted.vouchers(sum(each.vouchers for each in sold)),
        most=f"{most.vouchers:,}",
        at=_local(most.from_at, venue),
    )


def _scans(curve: CurveAnswer, venue: Venue) -> str:
    if not curve.scanned:
        return ""
    counts = {each.from_at: (each.entered, each.refused, each.referred) for each in curve.scanned}
    return column_chart(
        _columns(counts, curve.by, venue),
        [gettext("people let in"), gettext("scans refused"), gettext("scans referred")],
        Said(
            gettext("Came in"),
            gettext(
                "%(people)s let in on %(days)s.",
                people=counted.people(sum(each.entered for each in curve.scanned)),
                days=counted.days(len({each.day for each in curve.scanned})),
            ),
        ),
        apart=True,
    )


def _columns(
    counts: Mapping[datetime, tuple[int, ...]], by: By, venue: Venue
) -> list[tuple[str, tuple[int, ...]]]:
    """Return a column for each time from the first to the last, for the newest if there are many.

    Times without anything are columns, too, so that a quiet night is seen as one.
    """
    none = (0,) * len(next(iter(counts.values())))
    at, last, times = min(counts), max(counts), [*counts]
    if (last - at) / _STEPS[by] <= MOST_COLUMNS:
        while at <= last:
            times.append(at)
            at += _STEPS[by]
    return [
        (_local(each, venue, _FORMS[by]), counts.get(each, none))
        for each in sorted(set(times))[-MOST_COLUMNS:]
    ]


def _local(at: datetime, venue: Venue, form: str = "%Y-%m-%d %H:%M") -> str:
    return at.astimezone(venue.zone).strftime(form)
