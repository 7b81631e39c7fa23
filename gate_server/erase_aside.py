"""Erase one person from rows that are set aside: sealed, and in nobody's sight until they go in."""

from __future__ import annotations

import json
from collections.abc import Container, Mapping
from functools import partial
from typing import Any, Final

from admission.keys import buyer_hash, phone_hash
from gate_server.keyring import Keyring
from gate_server.ledger import aside
from gate_server.ledger.aside import SealedRow
from gate_server.ledger.ledger import Ledger
from gate_server.ledger.purge_people import Person
from gate_server.ledger.retention import read_kept

_A_LOOK: Final = 200
_HIS: Final = ("buyer_phone", "buyer_ref")


def erase_aside(ledger: Ledger, keys: Keyring, person: Person, *, dry_run: bool) -> int:
    """Take phone and account out of the rows that are about a person; return how many there were.

    What is left of such a row can still go in: its voucher then leads to nobody. Rows of a deal
    that is kept stay as they are.
    """
    kept = ledger.read(read_kept)
    if kept.everything:
        return 0
    deals = {each.deal_id for number in kept.deals if (each := ledger.catalogue.deals.get(number))}
    found, after = 0, 0
    while page := ledger.read(partial(aside.list_sealed, after=after, most=_A_LOOK)):
        after = page[-1].row_id
        for row in page:
            told = _told_without(keys, row, person, deals)
            found += told is not None
            if told is not None and not dry_run:
                about = aside.about_row(row.platform, row.kind, row.subject)
                sealed = keys.seal(told, about=about, now=ledger.clock())
                ledger.write(partial(aside.reseal, row=row, sealed=sealed), patient=True)
    return found


def _told_without(
    keys: Keyring, row: SealedRow, person: Person, kept: Container[str]
) -> bytes | None:
    """Return a row without what leads to a person; None where it is to stay as it is."""
    about = aside.about_row(row.platform, row.kind, row.subject)
    told: dict[str, Any] = json.loads(keys.unseal(row.sealed, about=about))
    if not _is_about(keys, row.platform, told["row"], person):
        return None
    if str(told["row"].get("deal_id")) in kept:
        return None
    kept = {name: value for name, value in told["row"].items() if name not in _HIS}
    return json.dumps(told | {"row": kept}).encode()


def _is_about(keys: Keyring, platform: str, row: Mapping[str, Any], person: Person) -> bool:
    phone, buyer = (str(row.get(name) or "").strip() for name in _HIS)
    return (
        person.phone is not None
        and bool(phone)
        and phone_hash(phone, keys.phone_key()) == person.phone
    ) or (
        person.buyer is not None
        and bool(buyer)
        and buyer_hash(platform, buyer, keys.buyer_key()) == person.buyer
    )
