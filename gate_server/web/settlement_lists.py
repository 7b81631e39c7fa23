"""Lists that a platform acts on, and the overrides that its partner confirms, over HTTP."""

from __future__ import annotations

from admission.wire_settlement import (
    ListAnswer,
    ListRequest,
    ListsAnswer,
    ListShown,
    OverrideAnswer,
    OverridesAnswer,
)
from gate_server.ledger.list_entries import open_list
from gate_server.ledger.overrides import confirm_override, list_overrides
from gate_server.ledger.settlement_lists import list_lists, make_list
from gate_server.settlement_tables import csv_parts, entry_cells, entry_columns
from gate_server.web.callers import PARTNERS, SUPERVISORS
from gate_server.web.operations import Call, Noun, Reply
from gate_server.web.settlements import CSV, choice, download, own_deal, read_choice

lists = Noun("lists")

_FORMATS = ("json", "csv")


@lists.operation("GET", "/deals/<deal_id>/lists", who=SUPERVISORS | PARTNERS, answer=ListsAnswer)
def show_lists(call: Call) -> ListsAnswer:
    """List the lists of a deal that were made, each kept as it was."""
    deal = own_deal(call)
    return ListsAnswer(lists=call.services.ledger.read(lambda db: list_lists(db, deal.deal_no)))


@lists.operation(
    "POST",
    "/deals/<deal_id>/lists",
    who=SUPERVISORS,
    body=ListRequest,
    answer=ListAnswer,
    status=201,
    problems=("cut-off-ahead", "nothing-new"),
)
def make_next_list(call: Call) -> ListAnswer:
    """Make the next list: refunds, compensation, reverse or disputed.

    It holds only what no list of its kind holds already. A refund list marks its vouchers: none of
    them is admitted from then on. So neither refunds nor compensation are listed while a void in
    force still receives who arrives in time.
    """
    deal, kind = own_deal(call), call.body.kind
    return make_list(call.services.ledger, deal.deal_id, kind, by=call.caller.name)


@lists.operation(
    "GET",
    "/deals/<deal_id>/lists/<number>",
    who=SUPERVISORS | PARTNERS,
    answer=ListShown,
    query=(choice("format", _FORMATS),),
    other_types=(CSV,),
)
def show_list(call: Call) -> ListShown | Reply:
    """Show a list; a compensation list has the platform's own names of accounts, and is audited."""
    deal, wanted = own_deal(call), read_choice(call, "format", _FORMATS)
    services, number, by = call.services, call.args["number"], call.caller.name
    found, entries = open_list(services.ledger, services.keys, deal.deal_id, number, by=by)
    if wanted == "json":
        made = {name: getattr(found, name) for name in found.__struct_fields__}
        return ListShown(**made, rows=[*entries])
    cells = (entry_cells(entry, found.kind, deal.currency) for entry in entries)
    name = f"{found.kind}-{deal.deal_id}-{found.number}.csv"
    return download(csv_parts(cells, entry_columns(found.kind)), CSV, name)


@lists.operation(
    "GET", "/deals/<deal_id>/overrides", who=SUPERVISORS | PARTNERS, answer=OverridesAnswer
)
def show_overrides(call: Call) -> OverridesAnswer:
    """List the overrides that say the platform bears them, confirmed or not."""
    deal, ledger = own_deal(call), call.services.ledger
    return OverridesAnswer(overrides=ledger.read(lambda db: list_overrides(db, deal.deal_no)))


@lists.operation(
    "POST",
    "/deals/<deal_id>/overrides/<scan_id>/confirm",
    who=PARTNERS,
    answer=OverrideAnswer,
    problems=("annulled",),
)
def confirm(call: Call) -> OverrideAnswer:
    """Confirm that the platform bears an override; only then it is owed."""
    deal, ledger, by = own_deal(call), call.services.ledger, call.caller.name
    scan_id = call.args["scan_id"]
    return ledger.write(
        lambda tx: confirm_override(tx, deal.deal_no, scan_id, by=by, now=ledger.clock())
    )
