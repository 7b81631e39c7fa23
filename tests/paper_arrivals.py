"""Attested arrivals on paper: closed queues and numbered slips, with no rule of its own."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

from admission.attested import (
    Claim,
    Handout,
    QueueClosing,
    claim_by_slip,
    claim_in_queue,
    close_at,
    end_of,
    hand_out_at,
)
from admission.cases import Case
from admission.codes import CodeRead, read_code
from admission.tokens import Purpose, Token, write_token
from tests.paper_book import READER, SIGNER
from tests.paper_refunds import Refunds
from tests.paper_rows import Row


def numbered_slip(number: int) -> str:
    """Return the code of a slip as it is printed."""
    days = date(2015, 1, 1), date(2017, 1, 1)
    return write_token(Token(1, 9000 + number, 0, *days, 1, Purpose.NUMBERED_SLIP), SIGNER)


class Arrivals(Refunds):
    """A book that knows of closed queues and of slips that were handed out."""

    def __init__(self, scenario: Row, *, online: bool = True) -> None:
        self.queues: dict[str, QueueClosing] = {}
        self.handouts: list[Handout] = []
        self.bound: dict[int, frozenset[bytes]] = {}
        super().__init__(scenario, online=online)

    def read(self, body: Row) -> CodeRead:
        if "numbered" not in body:
            return super().read(body)
        read = read_code(numbered_slip(body["numbered"]), READER)
        bound = self.bound.get(body["numbered"])
        return read if bound is None else replace(read, keys=tuple(bound))

    def claim(self, body: Row, case: Case, now: datetime) -> Claim | None:
        """Return what a scan says of an earlier arrival."""
        if "queue" in body:
            closing = self.queues.get(body["queue"])
            return claim_in_queue(closing, area=case.gate.area, now=now)
        number = body.get("beside", body.get("numbered"))
        if number is None or ("numbered" in body and number in self.bound):
            return None
        handed = next((each for each in self.handouts if each.holds(number)), None)
        keys = frozenset(self.read(body).keys)
        bound = self.bound.get(number)
        return claim_by_slip(
            None if handed is None else handed.handed_at,
            bound_elsewhere=bound is not None and not bound & keys,
            alone="numbered" in body,
            venue=self.venue,
            now=now,
        )

    def note_claim(self, body: Row, read: CodeRead, case: Case) -> None:
        held = case.claim is not None and case.claim.at is not None
        if held and "beside" in body and len(case.found) == 1:
            self.bound[body["beside"]] = frozenset(read.keys)

    def take_queue_closed(self, now: datetime, body: Row) -> None:
        told = {
            name: datetime.fromisoformat(body[name]) for name in ("at", "until") if name in body
        }
        at = close_at(told.get("at"), self.venue, now)
        ends_at = end_of(at, told.get("until"), self.venue)
        name = body["name"]
        self.queues[name] = QueueClosing(name, at, ends_at, body.get("area", "park"))

    def take_queue_reopened(self, now: datetime, body: Row) -> None:
        self.queues[body["name"]] = replace(self.queues[body["name"]], ends_at=now)

    def take_slips_handed(self, now: datetime, body: Row) -> None:
        told = datetime.fromisoformat(body["at"]) if "at" in body else None
        span = {"first": body["first"], "last": body["last"]}
        at = hand_out_at(told, **span, now=now, supervisor=True)
        self.handouts.append(Handout(**span, handed_at=at))
