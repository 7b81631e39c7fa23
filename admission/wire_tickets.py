"""What an exchange desk and the gate server say to each other about tickets and slips."""

from __future__ import annotations

from datetime import date, datetime

from msgspec import Struct

from admission.wire_base import Answer, Ident, Line, Request


class TicketAnswer(Answer, frozen=True):
    """One paper ticket; its code is in answers to whoever prints it, and nowhere else.

    Attributes:
        ticket: its name, as staff say it and as commands take it.
        number: of its token; printed in figures.
        first_day, last_day: of admission, in the venue's own calendar.
        person: its place in the row that was printed together, `1/2`.
        tail: the last 4 characters of its code.
    """

    ticket: str
    number: int
    code: str
    tail: str
    venue: str
    title: str
    category: str
    valid_from: datetime
    valid_until: datetime
    first_day: date
    last_day: date
    person: str


class ScanTickets(Answer, frozen=True):
    """The tickets of one exchange that still count."""

    tickets: list[TicketAnswer]


class ReprintRequest(Request, frozen=True):
    """Put a new ticket in the place of one that was lost, torn or jammed."""

    reason: Line


class SlipAnswer(Answer, frozen=True):
    """An arrival slip: its code finds the vouchers that were stamped.

    Attributes:
        number: the arrival number of the stamp.
        people: who stood there; None: all that the voucher admits.
        local_time: of the arrival, by the venue's clocks, `2015-02-12 16:58`.
        last_day: the last day that the code states.
        attested: the arrival counts as of then by the word of staff (`POST /queues`).
    """

    number: str
    code: str
    people: int | None
    arrived_at: datetime
    local_time: str
    venue: str
    title: str | None
    last_day: date
    attested: bool = False


class SlipRequest(Request, frozen=True):
    """Whose stamp it is; absent: the asking device's own."""

    device_id: Ident | None = None


class DeskLink(Struct, frozen=True, array_like=True):
    """What a replica tells of an exchanged voucher, or of a ticket, in one value of a column.

    Attributes:
        parent: credential key of the voucher that a ticket was exchanged from, base64url.
        tickets: those of all tickets that a voucher was ever exchanged for.
        exchanged: people on its living tickets; `exchanged_for` are the tails of these, or of
            the ticket in the place of a dead one.
    """

    parent: str | None = None
    tickets: list[str] = []
    exchanged: int = 0
    exchanged_for: list[str] = []
    dead: bool = False
