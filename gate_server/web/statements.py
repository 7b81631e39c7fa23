"""Statements over HTTP: make, read, sign, and what changed since the one before."""

from __future__ import annotations

from admission.wire_settlement import (
    DifferencesAnswer,
    SignRequest,
    StatementAnswer,
    StatementsAnswer,
)
from gate_server.ledger.statements import list_statements
from gate_server.statements import (
    Signer,
    find_differences,
    make_statement,
    show_statement,
    sign,
    statement_answer,
    table_parts,
)
from gate_server.web.callers import PARTNERS, SUPERVISORS, Role
from gate_server.web.operations import Call, Noun, Reply
from gate_server.web.settlements import CSV, choice, download, own_deal, read_choice

statements = Noun("statements")

_FORMATS = ("json", "csv", "settlement")
_READERS = SUPERVISORS | PARTNERS


@statements.operation("GET", "/deals/<deal_id>/statements", who=_READERS, answer=StatementsAnswer)
def show_statements(call: Call) -> StatementsAnswer:
    """List a deal's statements, the newest first, with who has signed each."""
    deal, ledger = own_deal(call), call.services.ledger
    found = ledger.read(lambda db: list_statements(db, deal.deal_no))
    return StatementsAnswer(statements=[statement_answer(each) for each in found])


@statements.operation(
    "POST",
    "/deals/<deal_id>/statements",
    who=SUPERVISORS,
    answer=StatementAnswer,
    status=201,
    problems=("not-balanced",),
)
def make_next_statement(call: Call) -> StatementAnswer:
    """Keep a statement of the settlement as it is now; where nothing changed, the newest stands."""
    return make_statement(call.services.ledger, own_deal(call), by=call.caller.name)


@statements.operation(
    "GET",
    "/deals/<deal_id>/statements/<version>",
    who=_READERS,
    answer=StatementAnswer,
    query=(choice("format", _FORMATS),),
    other_types=(CSV,),
)
def show_one_statement(call: Call) -> StatementAnswer | Reply:
    """Show a statement; as `csv` its vouchers, as `settlement` its figures.

    These two are the very bytes that are signed; docs/settlement.md says how to make the hash.
    """
    deal, ledger = own_deal(call), call.services.ledger
    wanted = read_choice(call, "format", _FORMATS)
    found = show_statement(ledger, deal, call.args["version"])
    if wanted == "json":
        return statement_answer(found)
    if wanted == "settlement":
        return Reply(found.summary)
    name = f"statement-{deal.deal_id}-{found.version}.csv"
    return download(table_parts(ledger, found), CSV, name)


@statements.operation(
    "GET",
    "/deals/<deal_id>/statements/<version>/differences",
    who=_READERS,
    answer=DifferencesAnswer,
)
def show_differences(call: Call) -> DifferencesAnswer:
    """Tell which vouchers stand otherwise than in the statement before."""
    return find_differences(call.services.ledger, own_deal(call), call.args["version"])


@statements.operation(
    "POST",
    "/deals/<deal_id>/statements/<version>/sign",
    who=_READERS,
    body=SignRequest,
    answer=StatementAnswer,
    problems=("statement-old", "statement-differs", "statement-closed"),
    password=True,
)
def sign_one_statement(call: Call) -> StatementAnswer:
    """Sign a statement by the hash of what was read; a partner's and the venue's close it."""
    caller, ledger, version = call.caller, call.services.ledger, call.args["version"]
    signer = Signer(caller.name, caller.kind is Role.PARTNER)
    return sign(ledger, own_deal(call), version, read=call.body.hash, signer=signer)
