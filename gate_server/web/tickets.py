"""Tickets and slips over HTTP: print again what an exchange made, print one anew, print a slip."""

from __future__ import annotations

from admission.scans import Profile
from admission.wire_tickets import (
    ReprintRequest,
    ScanTickets,
    SlipAnswer,
    SlipRequest,
    TicketAnswer,
)
from gate_server.attesting import make_slip
from gate_server.ledger.corrections import get_scan
from gate_server.ledger.session import Session
from gate_server.ledger.tickets import (
    Maker,
    Shown,
    reprint_ticket,
    show_tickets,
    tickets_of_scan,
)
from gate_server.web.callers import SUPERVISORS
from gate_server.web.counts import operator_of
from gate_server.web.operations import Call, Noun

tickets = Noun("tickets")
_DESK = frozenset({Profile.EXCHANGE})


@tickets.operation("GET", "/scans/<nonce>/tickets", who=_DESK, answer=ScanTickets)
def list_scan_tickets(call: Call) -> ScanTickets:
    """Return the living tickets of this desk's own exchange, for a printer that lost them."""
    services, device_id, nonce = call.services, call.device.device_id, call.args["nonce"]

    def read(tx: Session) -> list[Shown]:
        scan = get_scan(tx, device_id, nonce)
        return show_tickets(tx, services.keys, tickets_of_scan(tx, scan.scan_id))

    shown = services.ledger.write(read)
    return ScanTickets(tickets=[services.answers.ticket(each) for each in shown])


@tickets.operation(
    "POST",
    "/tickets/<ticket>/reprint",
    who=_DESK | SUPERVISORS,
    body=ReprintRequest,
    answer=TicketAnswer,
    problems=("ticket-dead", "ticket-used"),
)
def reprint(call: Call) -> TicketAnswer:
    """Put a new ticket in the place of one that let nobody in; the first is dead from now on."""
    services, name, reason = call.services, call.args["ticket"], call.body.reason
    by = Maker(call.caller.name, operator_of(call, None))

    def change(tx: Session) -> Shown:
        made = reprint_ticket(tx, services.keys, name, reason=reason, by=by)
        return show_tickets(tx, services.keys, [made])[0]

    return services.answers.ticket(services.ledger.write(change))


@tickets.operation(
    "POST",
    "/scans/<nonce>/slip",
    who=frozenset({Profile.MARSHAL, Profile.EXCHANGE, Profile.GATE}),
    body=SlipRequest,
    answer=SlipAnswer,
    problems=("not-a-stamp", "no-voucher"),
)
def slip(call: Call) -> SlipAnswer:
    """Return the slip of an arrival stamp; asked again, the same one."""
    services, nonce, device_id = call.services, call.args["nonce"], call.device.device_id

    whose, venue = call.body.device_id or device_id, services.settings.name
    return services.ledger.write(
        lambda tx: make_slip(tx, services.keys, whose, nonce, by=device_id, venue=venue)
    )
