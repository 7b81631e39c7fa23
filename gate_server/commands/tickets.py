"""Commands about the tickets of an exchange desk: list them, print one anew, take some back."""

from __future__ import annotations

from typing import Any

from admission.codes import read_code
from admission.errors import InvalidInput, NotFound
from admission.wire_people import Operator
from gate_server.commands.scans import Annul, annul
from gate_server.commands.services import Command, Params, Services
from gate_server.commands.venue import checked_text
from gate_server.ledger.scans import find_vouchers
from gate_server.ledger.session import Session
from gate_server.ledger.tickets import (
    Maker,
    Shown,
    Ticket,
    find_parent,
    is_used_ticket,
    reprint_ticket,
    scan_of,
    show_tickets,
    tickets_of,
)


class ListTickets(Params, frozen=True):
    """The voucher whose tickets are asked for, or one of them, by its code."""

    code: str


class Reprint(Params, frozen=True):
    """The ticket in whose place a new one is to be put."""

    ticket: str
    reason: str
    operator: Operator | None = None


class AnnulTickets(Params, frozen=True):
    """The ticket whose exchange is taken back: unused tickets of its row, the last ones first."""

    ticket: str
    reason: str
    people: int | None = None
    operator: Operator | None = None


def list_tickets(services: Services, params: ListTickets) -> list[dict[str, Any]]:
    """List every ticket of a voucher, dead ones too; no code is in it."""
    keys = read_code(params.code, services.keys.reader).keys

    def read(tx: Session) -> list[dict[str, Any]]:
        rows = find_vouchers(tx, keys)
        if not rows:
            raise NotFound("this code finds no voucher")
        if len(rows) > 1:
            raise InvalidInput("CODE", f"finds {len(rows)} vouchers; give one voucher's own code")
        parent_id = find_parent(tx, rows[0]).voucher.voucher_id
        return [_line(tx, ticket) for ticket in tickets_of(tx, parent_id)]

    return services.ledger.write(read)


def _line(tx: Session, ticket: Ticket) -> dict[str, Any]:
    state = "taken back" if ticket.dead_at is not None else "good"
    if ticket.replaced_by is not None:
        state = "printed anew"
    elif ticket.dead_at is None and is_used_ticket(tx, ticket):
        state = "used"
    device_id, nonce = scan_of(tx, ticket)
    return {
        "ticket": ticket.ticket,
        "person": f"{ticket.place}/{ticket.row_of}",
        "state": state,
        "device_id": device_id,
        "nonce": nonce,
    }


def reprint(services: Services, params: Reprint) -> dict[str, Any]:
    """Put a new ticket in the place of one; its code travels to the command alone."""
    reason = checked_text("reason", params.reason, 500)

    def change(tx: Session) -> Shown:
        by = Maker(services.by, params.operator or None)
        made = reprint_ticket(tx, services.keys, params.ticket, reason=reason, by=by)
        return show_tickets(tx, services.keys, [made])[0]

    shown = services.ledger.write(change)
    return {"ticket": shown.ticket.ticket, "code": shown.code, "tail": shown.tail}


def annul_exchange(services: Services, params: AnnulTickets) -> dict[str, Any]:
    """Take back unused tickets of the row that a ticket belongs to."""
    device_id, nonce = services.ledger.write(lambda tx: scan_of(tx, params.ticket))
    asked = Annul(
        device_id=device_id,
        nonce=nonce,
        reason=params.reason,
        people=params.people,
        operator=params.operator,
    )
    return annul(services, asked)


COMMANDS: dict[str, Command[Any]] = {
    "ticket list": Command(ListTickets, list_tickets),
    "ticket reprint": Command(Reprint, reprint),
    "ticket annul": Command(AnnulTickets, annul_exchange),
}
