"""Read times as people type them: without an offset they are the venue's."""

from __future__ import annotations

import re
from datetime import datetime

from admission.errors import FeedRejected, InvalidInput
from admission.row_values import Times
from gate_server.cli.edge import options
from gate_server.ledger.ledger import utc_now
from gate_server.settings import read_settings

_CLOCK = re.compile(r"\d{1,2}:\d\d(:\d\d)?", re.ASCII)


def read_time(name: str, value: str | None, *, last: bool = False) -> datetime | None:
    """Read a time as files have it; a time alone (17:00) is today's.

    Args:
        last: a date alone is its last instant, not its first.

    Raises:
        InvalidInput: it is no time.
    """
    if value is None:
        return None
    venue = read_settings(options().data).venue
    if _CLOCK.fullmatch(value):
        value = f"{utc_now().astimezone(venue.zone).date()} {value:0>5}"
    try:
        return Times(venue).instant({name: value}, name, last=last)
    except FeedRejected as error:
        problem = f"{error.problem}; a time alone, as 17:00, is today's"
        raise InvalidInput(error.field, problem) from error
