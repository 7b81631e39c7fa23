"""Ask for closures as a scenario of tests/vectors does."""

from __future__ import annotations

from datetime import date
from typing import Any

from admission.calendar import Venue
from admission.wire_base import Text
from admission.wire_terms import ClosureRequest
from tests.paper_rows import Row, read_instant


def closure_request(row: Row, venue: Venue) -> ClosureRequest:
    """Return what a supervisor would send."""
    fields: dict[str, Any] = {
        name: date.fromisoformat(row[name]) for name in ("day", "last_day") if name in row
    }
    for name in ("closed_from", "closed_until"):
        if name in row:
            fields[name] = read_instant(row[name], venue, last=name == "closed_until")
    if "notice" in row:
        fields["notice"] = Text(zh=row["notice"][0], en=row["notice"][1])
    return ClosureRequest(
        reason=row.get("reason", "typhoon"),
        extend_until=read_instant(row["extend_until"], venue, last=True),
        deals=row["deals"],
        used_too=row.get("used_too", False),
        refunds_open=row.get("refunds_open", False),
        **fields,
    )
