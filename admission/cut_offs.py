"""Say when money may be promised to those whom a void does not honour: after its cut-off.

A voucher on a refund list lets nobody in any more, for good. While its holder may still arrive in
time the terms promise that they are received, so no such list can be right yet.
"""

from __future__ import annotations

from datetime import datetime

from admission.calendar import Venue
from admission.messages import Sentence
from admission.voids import Void


def find_cut_off_ahead(void: Void | None, now: datetime) -> datetime | None:
    """Return until when people may still arrive and be honoured; None: nobody may any more.

    Args:
        void: the version in force; None: there is none.
    """
    if void is None or void.honour is None or void.honour.arrived_by < now:
        return None
    return void.honour.arrived_by


def cut_off_ahead(arrived_by: datetime, venue: Venue) -> Sentence:
    """Say that a list must wait: until when people may still arrive, and what to do."""
    at = arrived_by.astimezone(venue.zone).strftime("%Y-%m-%d %H:%M")
    return Sentence(
        f"{at} 前到场的游客仍可照常入园，现在不能生成清单。请在截止时间过后再生成，"
        "或先提交取消活动的新版本，更改到场截止时间。",
        f"Who arrives by {at} is still received, so no list can be made yet. Make it after that,"
        " or void the deal again with another cut-off first.",
    )
