"""The exchange desk on paper: tickets and slips, with no rule of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from admission.cases import Family, Found
from admission.codes import CodeRead, read_code
from admission.corrections import check_slip
from admission.history import Record
from admission.refusal_slips import check_refused
from admission.tickets import (
    Living,
    check_reprint,
    days_of,
    is_used,
    join_family,
    tickets_to_annul,
)
from admission.tokens import Purpose, Token, write_token
from admission.vouchers import Voucher
from tests.paper_book import READER, SIGNER, Book, Entry, _concerns
from tests.paper_rows import Row, Sold


@dataclass
class Paper:
    """One ticket: its code, of what, printed by which exchange; 0 is none in its place."""

    code: str
    name: tuple[str, str]
    parent: Sold
    printed_by: Entry
    place: int
    dead: bool = False
    instead: int = 0


class Desk(Book):
    """A book that can exchange vouchers for tickets."""

    def __init__(self, scenario: Row, *, online: bool = True) -> None:
        self.tickets: list[Paper] = []
        self.slips: list[str] = []
        self.refusals: list[str] = []
        super().__init__(scenario, online=online)

    def read(self, body: Row) -> CodeRead:
        if "ticket" in body:
            return read_code(self.tickets[body["ticket"] - 1].code, READER)
        if "slip" in body:
            return read_code(self.slips[body["slip"] - 1], READER)
        if "refusal" in body:
            return read_code(self.refusals[body["refusal"] - 1], READER)
        return super().read(body)

    # --- what stands in the book -----------------------------------------------------------------

    def voucher_now(self, sold: Sold) -> Voucher:
        living = self._tickets_of(sold, dead=False)
        tails = tuple(each.code[-4:] for each in living)
        printed = [each for each in self.tickets if self.sold[each.name] is sold]
        if printed and printed[0].dead:
            instead = printed[0].instead
            tails = (self.tickets[instead - 1].code[-4:],) if instead else ()
        dead = bool(printed and printed[0].dead)
        return replace(sold.voucher, exchanged=len(living), exchanged_for=tails, dead=dead)

    def _tickets_of(self, sold: Sold, *, dead: bool) -> list[Paper]:
        number = sold.voucher.voucher_id
        mine = [each for each in self.tickets if each.parent.voucher.voucher_id == number]
        return [each for each in mine if dead or not each.dead]

    def _found(self, sold: Sold, now: datetime) -> Found:
        found = super()._found(sold, now)
        return replace(found, family=self._family(sold))

    def _family(self, sold: Sold) -> Family | None:
        parent_id = sold.voucher.parent_id or sold.voucher.voucher_id
        parent = next(s for s in self.sold.values() if s.voucher.voucher_id == parent_id)
        tickets = self._tickets_of(parent, dead=True)
        if not tickets:
            return None
        theirs = [record for each in tickets for record in self._records(self.sold[each.name])]
        deal = self.deals[parent.deal_id]
        voucher = self.voucher_now(parent)
        return join_family(voucher, deal, self._records(parent), theirs, self.venue)

    def _records(self, sold: Sold) -> list[Record]:
        return [entry.record for entry in self.entries.values() if _concerns(entry, sold)]

    # --- what is done ----------------------------------------------------------------------------

    def print_tickets(self, found: Sequence[Found], entry: Entry) -> None:
        if not entry.verdict.tickets:
            return
        number = found[0].voucher.voucher_id
        parent = next(s for s in self.sold.values() if s.voucher.voucher_id == number)
        for place in range(1, entry.verdict.tickets + 1):
            self._print(parent, entry, place)

    def _print(self, parent: Sold, entry: Entry, place: int) -> None:
        deal = self.deals[parent.deal_id]
        days = days_of(parent.voucher, deal, self.venue)
        number = 1000 + len(self.tickets)
        token = Token(1, number, deal.deal_no, *days, 1, Purpose.TICKET)
        code = write_token(token, SIGNER)
        voucher = Voucher(
            voucher_id=len(self.sold) + 1,
            tail=code[-4:],
            parent_id=parent.voucher.voucher_id,
        )
        name = (parent.platform, code)
        keys = frozenset(read_code(code, READER).keys)
        self.sold[name] = replace(parent, voucher=voucher, keys=keys)
        self.tickets.append(Paper(code, name, parent, entry, place))

    def take_reprint(self, now: datetime, body: Row) -> None:
        old = self.tickets[body["ticket"] - 1]
        check_reprint(dead=old.dead, used=is_used(self._records(self.sold[old.name])))
        self._print(old.parent, old.printed_by, old.place)
        old.dead, old.instead = True, len(self.tickets)

    def annul_tickets(self, entry: Entry, body: Row, now: datetime) -> dict[str, Any]:
        mine = [each for each in self.tickets if each.printed_by is entry and not each.dead]
        living = [
            Living(number, each.place, is_used(self._records(self.sold[each.name])))
            for number, each in enumerate(mine)
        ]
        supervisor, people = body.get("by") == "supervisor", body.get("people")
        record = entry.record
        ended = tickets_to_annul(record, living, people=people, now=now, by_supervisor=supervisor)
        for each in ended:
            mine[each.voucher_id].dead = True
        if not ended:
            return {"people": 0}
        in_all = record.annulled + len(ended)
        entry.record = replace(record, annulled=in_all, annuls=record.annuls + 1, annulled_at=now)
        return {"people": in_all}

    def take_refusal(self, now: datetime, body: Row) -> None:
        entry = self.entries[body["device"], body["nonce"]]
        check_refused(entry.record)
        day, number = self.venue.day_of(entry.record.scan_at), 3000 + len(self.refusals)
        people = entry.record.party or 1
        token = Token(1, number, 1, day, day, people, Purpose.REFUSAL)
        self.refusals.append(write_token(token, SIGNER))

    def take_slip(self, now: datetime, body: Row) -> None:
        entry = self.entries[body["device"], body["nonce"]]
        check_slip(entry.record, "D-1")
        day = self.venue.day_of(now)
        number = 2000 + len(self.slips)
        code = write_token(Token(1, number, 1, day, day, 1, Purpose.SLIP), SIGNER)
        sold = next(each for each in self.sold.values() if _concerns(entry, each))
        sold.keys |= frozenset(read_code(code, READER).keys)
        self.slips.append(code)
