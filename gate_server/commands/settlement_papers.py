"""Commands about lists, confirmed overrides, statements of deals, and months of platforms."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import msgspec

from admission.deals import Deal
from admission.errors import Forbidden, NotFound
from admission.settlement_months import read_month, used_in
from admission.wire_settlement import ListKind
from gate_server.commands.services import Command, Params, Services
from gate_server.commands.venue import Named
from gate_server.ledger.list_entries import open_list
from gate_server.ledger.overrides import list_overrides
from gate_server.ledger.settlement_lists import list_lists, make_list
from gate_server.ledger.settlements import find_basis, newest_voucher, settle_page
from gate_server.ledger.statements import list_statements
from gate_server.months import close, deals_of, make_month
from gate_server.secrets import BearerKind, bearer_matches, find_bearer
from gate_server.settlement_tables import Cells, entry_cells, entry_columns
from gate_server.statements import (
    Signer,
    find_differences,
    make_statement,
    sign,
    statement_answer,
)

PAGE_ROWS: Final = 5_000
_SIGNERS: Final = frozenset({"supervisor", "admin", "partner"})


class MakeList(Params, frozen=True):
    """A deal, and what the list is to be of."""

    deal_id: str
    kind: ListKind


class ShowList(Params, frozen=True):
    """A list of a deal, by its number."""

    deal_id: str
    number: str


class OneStatement(Params, frozen=True):
    """A statement of a deal, by its version."""

    deal_id: str
    version: str


class Sign(Params, frozen=True):
    """A statement, the hash of what was read, and the bearer token of the account that signs."""

    deal_id: str
    version: str
    hash: str
    token: str


class Month(Params, frozen=True):
    """A platform's month."""

    platform: str
    month: str


class MonthPage(Params, frozen=True):
    """The next vouchers that were used in a month of a platform's deal, by its number."""

    platform: str
    month: str
    as_of: datetime
    deal: int = 0
    after: int = -1


def _deal(services: Services, deal_id: str) -> Deal:
    deal = services.ledger.catalogue.deal(deal_id)
    if deal is None:
        raise NotFound(f"no deal {deal_id}")
    return deal


def make_next_list(services: Services, params: MakeList) -> dict[str, Any]:
    """Make the next list of a kind."""
    deal = _deal(services, params.deal_id)
    made = make_list(services.ledger, deal.deal_id, params.kind, by=services.by)
    return _plain(made)


def show_lists(services: Services, params: Named) -> list[dict[str, Any]]:
    """Return the lists of a deal that were made."""
    deal = _deal(services, params.name)
    found = services.ledger.read(lambda db: list_lists(db, deal.deal_no))
    return [_plain(each) for each in found]


def show_list(services: Services, params: ShowList) -> dict[str, Any]:
    """Return a list with its entries, as rows of cells."""
    deal = _deal(services, params.deal_id)
    ledger, keys, number = services.ledger, services.keys, params.number
    found, entries = open_list(ledger, keys, deal.deal_id, number, by=services.by)
    cells = [entry_cells(entry, found.kind, deal.currency) for entry in entries]
    return {"list": _plain(found), "columns": list(entry_columns(found.kind)), "rows": cells}


def show_overrides(services: Services, params: Named) -> list[dict[str, Any]]:
    """Return the overrides of a deal that say the platform bears them."""
    deal = _deal(services, params.name)
    found = services.ledger.read(lambda db: list_overrides(db, deal.deal_no))
    return [_plain(each) for each in found]


def make_next_statement(services: Services, params: Named) -> dict[str, Any]:
    """Keep a statement of a deal's settlement as it is now."""
    deal = _deal(services, params.name)
    return _plain(make_statement(services.ledger, deal, by=services.by))


def show_statements(services: Services, params: Named) -> list[dict[str, Any]]:
    """Return a deal's statements, the newest first."""
    deal = _deal(services, params.name)
    found = services.ledger.read(lambda db: list_statements(db, deal.deal_no))
    return [_plain(statement_answer(each)) for each in found]


def show_differences(services: Services, params: OneStatement) -> dict[str, Any]:
    """Return which vouchers stand otherwise than in the statement before."""
    deal = _deal(services, params.deal_id)
    return _plain(find_differences(services.ledger, deal, params.version))


def sign_one_statement(services: Services, params: Sign) -> dict[str, Any]:
    """Sign a statement for the account whose token was given: nobody signs for another."""
    deal = _deal(services, params.deal_id)
    signer = _signer(services, params.token, deal)
    ledger, version = services.ledger, params.version
    return _plain(sign(ledger, deal, version, read=params.hash, signer=signer))


def _signer(services: Services, token: str, deal: Deal) -> Signer:
    bearer = find_bearer(token.strip())
    user = None
    if bearer is not None and bearer.kind is BearerKind.USER:
        user = services.ledger.catalogue.users.get(bearer.owner_id)
    if bearer is None or user is None or not bearer_matches(bearer, user.token_hash):
        raise Forbidden("no account has this token")
    if user.disabled or user.role not in _SIGNERS:
        raise Forbidden(f"the account {user.name} may not sign")
    partner = user.role == "partner"
    if partner and user.platform != deal.platform:
        raise NotFound(f"no deal {deal.deal_id}")
    return Signer(user.name, partner)


def show_month(services: Services, params: Month) -> dict[str, Any]:
    """Return a platform's month."""
    return _plain(make_month(services.ledger, params.platform, read_month(params.month)))


def close_one_month(services: Services, params: Month) -> dict[str, Any]:
    """Close a platform's month, and book with it what has changed in earlier ones."""
    month = read_month(params.month)
    return _plain(close(services.ledger, params.platform, month, by=services.by))


def month_rows(services: Services, params: MonthPage) -> dict[str, Any]:
    """Return the vouchers of the next page that were used in a month, and where to go on."""
    ledger, deals = services.ledger, deals_of(services.ledger, params.platform)
    if params.deal >= len(deals):
        return {"rows": [], "deal": None, "after": -1}
    deal, newest = deals[params.deal], ledger.read(newest_voucher)
    basis = find_basis(ledger, deal.deal_id, params.as_of)
    page = settle_page(ledger, basis, newest=newest, after=params.after, rows=PAGE_ROWS)
    rows: list[Cells] = []
    for row in page:
        used = used_in(row, params.month, ledger.venue)
        if used is not None:
            refs = row.sold.voucher_ref, row.sold.order_ref
            rows.append([deal.deal_id, *refs, used.people, used.amount_minor])
    if not page:
        return {"rows": [], "deal": params.deal + 1, "after": -1}
    return {"rows": rows, "deal": params.deal, "after": page[-1].sold.voucher.voucher_id}


def _plain(answer: msgspec.Struct) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(answer)
    return plain


COMMANDS: dict[str, Command[Any]] = {
    "list make": Command(MakeList, make_next_list),
    "list list": Command(Named, show_lists),
    "list show": Command(ShowList, show_list),
    "settlement overrides": Command(Named, show_overrides),
    "settlement make": Command(Named, make_next_statement),
    "settlement list": Command(Named, show_statements),
    "settlement differences": Command(OneStatement, show_differences),
    "settlement sign": Command(Sign, sign_one_statement),
    "statement": Command(Month, show_month),
    "statement close": Command(Month, close_one_month),
    "statement page": Command(MonthPage, month_rows),
}
