"""Number the buyers of a feed's rows, and keep their sealed account names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from gate_server.ledger.session import Session

_FIND: Final = "SELECT buyer, buyer_no, sealed IS NULL FROM buyers WHERE buyer IN ({})"
_INSERT: Final = "INSERT INTO buyers (buyer_no, buyer, sealed) VALUES (?, ?, ?)"
_SEAL: Final = "UPDATE buyers SET sealed = ? WHERE buyer_no = ?"


class BuyerWriter:
    """Finds or makes buyers, many with each statement.

    Args:
        sealed: sealed account names by buyer.
    """

    def __init__(self, tx: Session, sealed: dict[bytes, bytes]) -> None:
        self._tx = tx
        self._sealed = sealed
        self._numbers: dict[bytes, int] = {}
        newest = tx.db.execute("SELECT MAX(buyer_no) FROM buyers").fetchone()[0]
        self._next = (newest or 0) + 1

    def find(self, buyers: Iterable[bytes]) -> None:
        """Make every one of these buyers known."""
        wanted = list({buyer for buyer in buyers if buyer not in self._numbers})
        unsealed = []
        for buyer, number, lacks in select_in(self._tx, _FIND, wanted):
            self._numbers[buyer] = number
            if lacks and buyer in self._sealed:  # known so far by a block alone
                unsealed.append((self._sealed[buyer], number))
        new = []
        for buyer in wanted:
            if buyer not in self._numbers:
                self._numbers[buyer] = self._next
                new.append((self._next, buyer, self._sealed.get(buyer)))
                self._next += 1
        if new:
            self._tx.db.executemany(_INSERT, new)
        if unsealed:
            self._tx.db.executemany(_SEAL, unsealed)

    def number(self, buyer: bytes | None) -> int | None:
        """Return the ledger's number for a buyer that was found."""
        return None if buyer is None else self._numbers[buyer]

    def greater(self, one: int | None, other: int | None) -> int | None:
        """Return the buyer that counts where two rows of one instant name two."""
        if one is None or other is None or one == other:
            return other if one is None else one
        where = "buyer_no IN (?, ?) ORDER BY buyer DESC LIMIT 1"
        sql = f"SELECT buyer_no FROM buyers WHERE {where}"  # noqa: S608 - a constant
        number: int = self._tx.db.execute(sql, (one, other)).fetchone()[0]
        return number


def select_in(tx: Session, sql: str, keys: Sequence[bytes]) -> list[tuple[Any, ...]]:
    """Run a query whose `{}` is a list of keys; the same text for the same number of them."""
    if not keys:
        return []
    return tx.db.execute(sql.format(",".join("?" * len(keys))), keys).fetchall()
