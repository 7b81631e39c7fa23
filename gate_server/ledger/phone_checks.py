"""Say whether four digits end the phone that bought a voucher, three wrong answers a day; audited.

Neither the digits that were said nor those that are known leave this module.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from admission.calendar import to_ms
from admission.errors import InvalidInput, LedgerConflict, NotFound
from gate_server.ledger.conflicts import reconcile_voucher
from gate_server.ledger.scans import VoucherRow, find_voucher, find_vouchers
from gate_server.ledger.session import Session

TRIES_A_DAY: Final = 3
# Of a ticket it is the phone of the voucher that it was exchanged from.
_KNOWN: Final = """
SELECT COALESCE(v.phone_last4, p.phone_last4)
FROM vouchers v LEFT JOIN vouchers p ON p.voucher_id = v.parent_id WHERE v.voucher_id = ?
"""
_WRONG: Final = """
SELECT COUNT(*) FROM phone_checks
WHERE voucher_id = ? AND NOT matches AND checked_at BETWEEN ? AND ?
"""
_NO_PHONE: Final = (
    "the platform sent no phone for this voucher, or it was erased; ask to see the order in the app"
)
_NO_TRIES: Final = (
    "three answers were wrong today; a supervisor decides: ask to see the order in the app"
)


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks: a device or an account, and at which gate; `gate_id` None: at none."""

    name: str
    gate_id: str | None = None


@dataclass(frozen=True, slots=True)
class Which:
    """Which voucher is asked about: by a code's keys, or by its number."""

    keys: tuple[bytes, ...] = ()
    voucher_id: int | None = None

    def find(self, tx: Session) -> VoucherRow:
        """Return the one voucher.

        Raises:
            NotFound: there is none.
            InvalidInput: the code finds several.
        """
        if self.voucher_id is not None:
            found = [row for row in [find_voucher(tx, self.voucher_id)] if row is not None]
        else:
            found = find_vouchers(tx, self.keys)
        if not found:
            raise NotFound("this code finds no voucher")
        if len(found) > 1:
            raise InvalidInput("code", "finds several vouchers; look up the one and send its pick")
        return found[0]


@dataclass(frozen=True, slots=True)
class Checked:
    """Whether the digits are right, and how many wrong answers the voucher still takes today."""

    matches: bool
    tries_left: int


def check_phone(tx: Session, row: VoucherRow, said: str, *, asker: Asker, now: datetime) -> Checked:
    """Compare the digits that a visitor says with those of the buyer's phone.

    A right answer is put before a human with both presentations, where the code was refused here
    within the last half hour because it was used up.

    Raises:
        LedgerConflict: `no-phone`: none is known; `no-tries-left`: three were wrong today.
    """
    voucher_id = row.voucher.voucher_id
    known = tx.db.execute(_KNOWN, (voucher_id,)).fetchone()[0]
    if known is None:
        raise LedgerConflict("no-phone", _NO_PHONE)
    first, last = tx.venue.day_bounds(tx.venue.day_of(now))
    counted = (voucher_id, to_ms(first), to_ms(last))
    left = TRIES_A_DAY - tx.db.execute(_WRONG, counted).fetchone()[0]
    if left <= 0:
        raise LedgerConflict("no-tries-left", _NO_TRIES)
    matches = hmac.compare_digest(str(known).encode(), said.encode())
    _record(tx, row, asker, matches=matches, now=now)
    return Checked(matches, left if matches else left - 1)


def _record(tx: Session, row: VoucherRow, asker: Asker, *, matches: bool, now: datetime) -> None:
    voucher_id = row.voucher.voucher_id
    fields = {
        "voucher_id": voucher_id,
        "by": asker.name,
        "gate_id": asker.gate_id,
        "matches": matches,
    }
    check_id = tx.record_event("phone_check", fields)
    values = check_id, voucher_id, to_ms(now), asker.name, asker.gate_id, int(matches)
    tx.db.execute("INSERT INTO phone_checks VALUES (?, ?, ?, ?, ?, ?)", values)
    if matches:
        reconcile_voucher(tx, voucher_id, now=now)
