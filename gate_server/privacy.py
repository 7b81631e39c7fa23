"""Purge what a venue no longer needs, or erase one person; say in numbers what went and why not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Any

from msgspec import Struct

from admission.calendar import to_ms
from admission.keys import buyer_hash, phone_hash
from gate_server.erase_aside import erase_aside
from gate_server.evidence_words import EvidenceWords, read_evidence_words
from gate_server.keyring import Keyring
from gate_server.ledger.ledger import Ledger
from gate_server.ledger.purge import (
    STEPS,
    Asked,
    Cuts,
    count_kept,
    count_old,
    count_statements,
    erase_old,
)
from gate_server.ledger.purge_people import (
    Person,
    count_left,
    erase_accounts,
    erase_left,
    erase_person,
    find_accounts,
)
from gate_server.ledger.retention import Why, read_kept
from gate_server.settings import Settings


class KeptDeal(Struct, frozen=True):
    """What stays although it is old enough; `deal_id` None: it is about no deal.

    Attributes:
        statements: of the deal's accounts, as they were signed: their tables name its orders.
    """

    deal_id: str | None
    why: Why
    vouchers: int
    zh: str
    en: str
    statements: int = 0


class Purged(Struct, frozen=True):
    """What went, by kind and number of rows, and what stays."""

    dry_run: bool
    removed: dict[str, int]
    kept: list[KeptDeal]


def purge(ledger: Ledger, keys: Keyring, settings: Settings, *, by: str, dry_run: bool) -> Purged:
    """Erase what is older than the settings keep it; killed and begun anew it goes on."""
    asked, words = _asked(ledger, keys, settings, by), read_evidence_words()
    kept = ledger.read(lambda db: count_kept(db, asked, read_kept(db)))
    if dry_run:
        removed = {step.what: count_old(ledger, step, asked) for step in STEPS}
        removed |= {"accounts": len(find_accounts(ledger, asked))}
        removed |= {"operators": count_left(ledger, asked)}
    else:
        removed = {step.what: erase_old(ledger, step, asked) for step in STEPS}
        removed |= {"accounts": erase_accounts(ledger, asked)}
        removed |= {"operators": erase_left(ledger, asked)}
    statements = ledger.read(count_statements)
    told = {number for number, _, _ in kept}
    kept += [(number, Why.SIGNED, 0) for number in statements if number not in told]
    return Purged(dry_run, removed, _told(ledger, words, kept, statements))


def erase(
    ledger: Ledger,
    keys: Keyring,
    settings: Settings,
    *,
    phone: str | None,
    buyer: tuple[str, str] | None,
    by: str,
    dry_run: bool,
) -> Purged:
    """Erase one person, by phone number or by account.

    Args:
        buyer: the platform and its name for the account.
    """
    person = Person(
        None if phone is None else phone_hash(phone, keys.phone_key()),
        None if buyer is None else buyer_hash(*buyer, keys.buyer_key()),
    )
    asked = _asked(ledger, keys, settings, by)
    done = erase_person(ledger, person, asked, dry_run=dry_run)
    removed = {"vouchers": done.vouchers, "accounts": done.accounts, "lookups": done.lookups}
    removed["set_aside"] = erase_aside(ledger, keys, person, dry_run=dry_run)
    kept = [(number, why, count) for (number, why), count in sorted(done.kept.items())]
    return Purged(dry_run, removed, _told(ledger, read_evidence_words(), kept))


def _asked(ledger: Ledger, keys: Keyring, settings: Settings, by: str) -> Asked:
    now = ledger.clock()
    days = (
        *(settings.phone_days, settings.buyer_days, settings.seal_keep_days),
        *(settings.operator_days, settings.audit_days),
    )
    cuts = Cuts(*(to_ms(now - timedelta(days=each)) for each in days))
    return Asked(cuts, keys.code_keys, by, to_ms(now))


def _told(
    ledger: Ledger,
    words: EvidenceWords,
    kept: Iterable[tuple[int, Why, int]],
    statements: Mapping[int, int] = MappingProxyType({}),
) -> list[KeptDeal]:
    deals: dict[int, Any] = dict(ledger.catalogue.deals)
    return [
        KeptDeal(
            deals[number].deal_id if number in deals else None,
            why,
            vouchers,
            words.text(why).zh,
            words.text(why).en,
            statements.get(number, 0),
        )
        for number, why, vouchers in kept
    ]
