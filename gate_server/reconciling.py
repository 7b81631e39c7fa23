"""Compare with a platform what both count as redeemed on a day; in a process beside the server."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from admission.calendar import Venue
from admission.codes import normalise, tail
from admission.errors import FeedRejected, InvalidInput, NotFound
from admission.keys import code_hash
from admission.row_values import Row
from gate_server.commands.services import Caller
from gate_server.feeds.contract import Offer
from gate_server.feeds.files import RowFile
from gate_server.keyring import Keyring
from gate_server.ledger.directory import LEDGER
from gate_server.ledger.inspection import read_only
from gate_server.ledger.redemption_days import DayBook, Line, Theirs
from gate_server.redeeming import list_reporting, open_redeemer

COLUMNS: Final = ("voucher_ref", "code", "people")
NEEDS: Final = ("people",)
_MOST_PEOPLE: Final = 99_999


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a day comes to; `lines` are the vouchers that differ, of all that either side counts."""

    platform: str
    day: date
    counted: int
    lines: list[Line]


@dataclass(frozen=True, slots=True)
class Reconciler:
    """What comparing a day takes.

    Attributes:
        directory: of the venue; its ledger is only read.
    """

    directory: Path
    keys: Keyring
    venue: Venue

    def compare(self, platform: str, day: date, theirs: Iterable[Theirs]) -> Comparison:
        """Compare what the ledger counts with what the platform says."""
        with read_only(self.directory / LEDGER) as db:
            book = DayBook(db, self.venue, platform, day)
            lines = book.compare(theirs)
            return Comparison(platform, day, book.counted, lines)

    def read_file(self, path: Path) -> Iterator[Theirs]:
        """Yield what a platform's file says: `voucher_ref` or `code`, and `people`.

        Raises:
            FeedRejected: a row that cannot be read, by its line: half a file compares nothing.
        """
        for line, row in RowFile(path, COLUMNS, NEEDS):
            if isinstance(row, FeedRejected):
                raise FeedRejected(f"line {line}", str(row))
            yield self._theirs(line, row)

    def fetch(self, caller: Caller, platform: str, day: date) -> Iterator[Theirs]:
        """Yield what a platform tells of a day.

        Raises:
            NotFound: it has no feed that redemptions go back by.
            InvalidInput: it cannot list them.
        """
        feed = next((each for each in list_reporting(caller) if each.platform == platform), None)
        if feed is None:
            raise NotFound(f"no feed of {platform} takes redemptions; give its list with --file")
        redeemer = open_redeemer(feed, self.keys)
        try:
            if Offer.LIST not in redeemer.offers:
                problem = f"{platform} cannot list what it counts; give its list with --file"
                raise InvalidInput("--file", problem)
            for each in redeemer.redeemed(day):
                yield self._of(each.voucher_ref, each.code, each.people)
        finally:
            redeemer.close()

    def _theirs(self, line: int, row: Row) -> Theirs:
        people = row.get("people")
        if isinstance(people, str) and people.strip().isascii() and people.strip().isdigit():
            people = int(people)
        if not isinstance(people, int) or not 0 <= people <= _MOST_PEOPLE:
            raise FeedRejected(f"line {line}", "people: must be a whole number")
        ref, code = (_text(row.get(name)) for name in ("voucher_ref", "code"))
        if ref is None and code is None:
            raise FeedRejected(f"line {line}", "needs voucher_ref or code")
        return self._of(ref, code, people)

    def _of(self, ref: str | None, code: str | None, people: int) -> Theirs:
        if code is None:
            return Theirs(ref, (), "", people)
        known = normalise(code)
        keys = tuple(code_hash(known, key) for key in self.keys.code_keys)
        return Theirs(ref, keys, tail(known), people)


def _text(value: object) -> str | None:
    text = "" if value is None else str(value).strip()
    return text or None
