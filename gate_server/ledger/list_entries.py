"""Read what stands on a list, page by page; buyers by the platform's own name for them.

An account's name is sealed in the ledger. It is unsealed for a compensation list alone, and the
audit says who read it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, Final

from admission.wire_settlement import ListAnswer, ListEntry, ListKind
from gate_server.keyring import Keyring
from gate_server.ledger.ledger import Ledger
from gate_server.ledger.prepared import about_buyer
from gate_server.ledger.settlement_lists import get_list

PAGE_ENTRIES: Final = 5_000

_VOUCHERS: Final = """
SELECT e.subject, e.amount_minor, v.order_ref, v.voucher_ref, v.tail
FROM settlement_entries e JOIN vouchers v ON v.voucher_id = e.subject
WHERE e.list_id = ? AND e.subject > ? ORDER BY e.subject LIMIT ?
"""
_BUYERS: Final = """
SELECT e.subject, e.amount_minor, b.buyer, b.sealed
FROM settlement_entries e JOIN buyers b ON b.buyer_no = e.subject
WHERE e.list_id = ? AND e.subject > ? ORDER BY e.subject LIMIT ?
"""
_PHONES: Final = """
SELECT v.voucher_id, v.phone, v.buyer_no FROM vouchers v
WHERE v.deal_no = ? AND v.voucher_id > ? AND v.phone IS NOT NULL AND v.buyer_no IS NOT NULL
    AND v.parent_id IS NULL
ORDER BY v.voucher_id LIMIT ?
"""


def open_list(
    ledger: Ledger, keys: Keyring, deal_id: str, number: str, *, by: str
) -> tuple[ListAnswer, Iterator[ListEntry]]:
    """Return a list and its entries; whoever reads accounts is on record before the first.

    Raises:
        NotFound: no such deal, or no such list.
    """
    deal_no = ledger.catalogue.deal_nos.get(deal_id, 0)
    found, list_id = ledger.read(lambda db: get_list(db, deal_no, number))
    if found.kind is not ListKind.COMPENSATION:
        return found, _vouchers(ledger, list_id)
    fields = {"deal_id": deal_id, "number": found.number, "count": found.entries, "by": by}
    ledger.write(lambda tx: tx.record_event("buyers_unsealed", fields))
    groups = _phone_groups(ledger, deal_no)
    return found, _buyers(ledger, keys, list_id, groups)


def _pages(ledger: Ledger, sql: str, owner: int) -> Iterator[tuple[Any, ...]]:
    after = -1
    while page := ledger.read(partial(_page, sql=sql, owner=owner, after=after)):
        yield from page
        after = page[-1][0]


def _page(db: sqlite3.Connection, *, sql: str, owner: int, after: int) -> list[tuple[Any, ...]]:
    return db.execute(sql, (owner, after, PAGE_ENTRIES)).fetchall()


def _vouchers(ledger: Ledger, list_id: int) -> Iterator[ListEntry]:
    for _, amount, order_ref, voucher_ref, tail in _pages(ledger, _VOUCHERS, list_id):
        yield ListEntry(
            order_ref=order_ref, voucher_ref=voucher_ref, tail=tail, amount_minor=amount
        )


def _buyers(
    ledger: Ledger, keys: Keyring, list_id: int, groups: Mapping[int, int]
) -> Iterator[ListEntry]:
    for number, amount, buyer, sealed in _pages(ledger, _BUYERS, list_id):
        name = None if sealed is None else keys.unseal(sealed, about=about_buyer(buyer)).decode()
        yield ListEntry(buyer_ref=name, same_phone=groups.get(number), amount_minor=amount)


def _phone_groups(ledger: Ledger, deal_no: int) -> dict[int, int]:
    """Number the buyers of a deal who share a phone; who shares none is not there."""
    first: dict[bytes, int] = {}
    leader: dict[int, int] = {}
    for _, phone, buyer_no in _pages(ledger, _PHONES, deal_no):
        other = first.setdefault(phone, buyer_no)
        if other != buyer_no:
            one, two = _lead(leader, other), _lead(leader, buyer_no)
            leader[max(one, two)] = min(one, two)
            leader.setdefault(min(one, two), min(one, two))
    leads = {buyer_no: _lead(leader, buyer_no) for buyer_no in leader}
    numbers = {lead: number for number, lead in enumerate(sorted(set(leads.values())), 1)}
    return {buyer_no: numbers[lead] for buyer_no, lead in leads.items()}


def _lead(leader: Mapping[int, int], buyer_no: int) -> int:
    while leader.get(buyer_no, buyer_no) != buyer_no:
        buyer_no = leader[buyer_no]
    return buyer_no
