"""The part of a source whose platform takes no redemptions: they wait for reconciliation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import NoReturn

from admission.errors import FeedRejected
from gate_server.feeds.contract import Redeemed, Redemption, Reported


class Unreported:
    """Refuses what is never asked of a source that does not offer it."""

    def report(self, deeds: Sequence[Redemption]) -> Sequence[Redeemed]:
        """Refuse: nothing was reported."""
        return _refuse(f"{len(deeds)} redemptions")

    def ask(self, deeds: Sequence[Redemption]) -> Sequence[Redeemed]:
        """Refuse: nothing can be asked."""
        return _refuse(f"{len(deeds)} redemptions")

    def redeemed(self, day: date) -> Iterator[Reported]:
        """Refuse: nothing is counted there."""
        return _refuse(f"the redemptions of {day}")


def _refuse(what: str) -> NoReturn:
    raise FeedRejected("", f"this platform takes no redemptions, so {what} cannot be told to it")
