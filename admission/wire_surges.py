"""What is told of surges and of calls for help."""

from __future__ import annotations

from datetime import datetime

from admission.surges import Measure
from admission.wire_base import Answer
from admission.wire_notices import WhyCard


class HelpTold(Answer, frozen=True):
    """How a lane's own call for help stands.

    Attributes:
        called_at: when it was pressed.
        acknowledged_by: who said last to see to it; null: nobody yet.
        nobody_called: the duty list is empty, so that nobody is called by itself.
    """

    incident_id: str
    called_at: datetime
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    nobody_called: bool = False


class SurgeAnswer(Answer, frozen=True):
    """What of a deal surges, and the card that every scanner has; as of the last look.

    Attributes:
        since: first instant of what was looked at when it began.
        count: of the measure, within the last 10 to 15 minutes.
        share: `scans`: its part of all scans; else the part of its own scans that was stopped so.
        before: the same before.
    """

    measure: Measure
    since: datetime
    count: int
    share: float
    before: float
    card: WhyCard
