"""Write figures over days as tables, in cells safe to open; same figures, same bytes."""

from __future__ import annotations

from datetime import datetime
from typing import Final, get_args

from admission.calendar import Venue
from admission.verdicts import OUTCOMES, Outcome
from admission.wire_figures import DealFigure, GateFigure
from admission.wire_people import CountKind
from gate_server.settlement_tables import Cells, safe_text

_STOPPED: Final = tuple(
    (reason, outcome) for reason, outcome in OUTCOMES.items() if outcome is not Outcome.ADMIT
)
_KINDS: Final = tuple(get_args(CountKind))
# A column for each reason, whether it occurs or not, so that files of two days fit together.
_REASON_COLUMNS: Final = tuple(f"{outcome}:{reason}" for reason, outcome in _STOPPED)

GATE_COLUMNS: Final = (
    "day", "from", "gate_id", "gate", "entered", "left_out", "people", "persons", "scans",
    "refused", "referred", "waited", *(f"counted:{kind}" for kind in _KINDS), *_REASON_COLUMNS,
)  # fmt: skip
DEAL_COLUMNS: Final = (
    "day", "from", "deal_id", "platform", "title", "entered", "persons", "scans", "refused",
    "referred", *_REASON_COLUMNS,
)  # fmt: skip


def gate_cells(figure: GateFigure, venue: Venue) -> Cells:
    """Return a gate's cells, in the order of GATE_COLUMNS."""
    return [
        figure.day.isoformat(),
        _time(figure.from_at, venue),
        safe_text(figure.gate_id),
        safe_text(figure.name),
        figure.entered,
        figure.left_out,
        figure.people,
        figure.persons,
        figure.scans,
        figure.refused,
        figure.referred,
        figure.waited,
        *(figure.counted.get(kind, 0) for kind in _KINDS),
        *_reasons(figure.reasons),
    ]


def deal_cells(figure: DealFigure, venue: Venue) -> Cells:
    """Return a deal's cells, in the order of DEAL_COLUMNS."""
    return [
        figure.day.isoformat(),
        _time(figure.from_at, venue),
        safe_text(figure.deal_id),
        safe_text(figure.platform),
        safe_text(figure.title),
        figure.entered,
        figure.persons,
        figure.scans,
        figure.refused,
        figure.referred,
        *_reasons(figure.reasons),
    ]


def _reasons(counts: dict[str, int]) -> Cells:
    return [counts.get(reason.value, 0) for reason, _ in _STOPPED]


def _time(at: datetime, venue: Venue) -> str:
    return at.astimezone(venue.zone).isoformat(timespec="minutes")
